import { expect, onTestFinished, test } from 'vitest';
import { hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { startTestApp } from '../support/start-app.ts';
import { hasEnded, jobThat, SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

test('a database that is down gives an honest error, and all goes on when it is back', async ({
  skip,
}) => {
  if (!hasPostgres) skip(POSTGRES_MISSING);
  const server = await startPostgres('fast');
  onTestFinished(() => server.remove());
  const { query, url } = await startTestApp({
    DATABASE_URL: server.url,
    ARTIFACT_FOLDER_SHARED: 'true',
    RECONCILE_SECONDS: '0.2',
    POD_ABSENT_SECONDS: '0.3',
    LEASE_SECONDS: '2',
  });
  const uploadId = await uploadDataset(query);
  const input = { name: 'a job', spec: { ...SPEC, maxSteps: 300, dataset: { uploadId } } };
  const { job } = await submitJob(query, input);
  await jobThat(query, job?.id ?? '', ({ status }) => status === 'RUNNING');
  await server.stop();
  const refused = await until('the outage is told', async () => {
    const answer = await query('{ trainingJobs { nodes { id } } gpuPlatform { name } }');
    return answer.errors?.[0]?.extensions.code === 'STORE_UNAVAILABLE' ? answer : undefined;
  });
  expect(JSON.stringify(refused.errors)).not.toMatch(/ECONN|127\.0\.0\.1|password/);
  // Prices need no database.
  const { data } = await query(
    '{ gpuResource(id: "NVIDIA L4") { pricing { onDemandUsdPerHour } } }',
  );
  expect(data).toMatchObject({
    gpuResource: { pricing: { onDemandUsdPerHour: expect.any(Number) as number } },
  });
  expect((await fetch(url.replace('/graphql', '/livez'))).status).toBe(200);
  await server.start();
  const ended = await jobThat(
    async (text, variables) => {
      const answer = await query(text, variables);
      return answer.errors === undefined
        ? answer
        : { status: 200, data: { trainingJob: {} as never } };
    },
    job?.id ?? '',
    hasEnded,
  );
  expect(ended).toMatchObject({ status: 'COMPLETED', attempts: [{ number: 1 }] });
});
