import { expect, test } from 'vitest';
import type { startTestApp } from '../support/start-app.ts';
import { SPEC, startWithDataset, submitJob } from '../support/training.ts';
import { freshPostgres, hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const KEYS = 1_000;

async function startSubmitting(settings: Readonly<Record<string, string>> = {}) {
  const app = await startWithDataset({ RECONCILE_SECONDS: '0.2', ...settings });
  return { ...app, input: app.inputOf() };
}

async function countJobs(query: Awaited<ReturnType<typeof startTestApp>>['query']) {
  const { data } = await query('{ trainingJobs(first: 1) { totalCount } }');
  return (data as unknown as { trainingJobs: { totalCount: number } }).trainingJobs.totalCount;
}

test('a thousand concurrent submissions with one key are one job', async () => {
  const { query, input, emulator } = await startSubmitting();
  await emulator.addFault({ kind: 'no-capacity' });
  const answers = await Promise.all(
    Array.from({ length: KEYS }, () => submitJob(query, { ...input, idempotencyKey: 'one' })),
  );
  expect(new Set(answers.map(({ job }) => job?.id)).size).toBe(1);
  expect(answers.every(({ userErrors }) => userErrors.length === 0)).toBe(true);
  expect(await countJobs(query)).toBe(1);
});

test('the same holds on PostgreSQL', async ({ skip }) => {
  if (!hasPostgres) skip(POSTGRES_MISSING);
  const settings = { DATABASE_URL: await freshPostgres(), ARTIFACT_FOLDER_SHARED: 'true' };
  const { query, input, emulator } = await startSubmitting(settings);
  await emulator.addFault({ kind: 'no-capacity' });
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => submitJob(query, { ...input, idempotencyKey: 'one' })),
  );
  expect(new Set(answers.map(({ job }) => job?.id)).size).toBe(1);
  expect(await countJobs(query)).toBe(1);
});

test('a key with another content is refused, and says so', async () => {
  const { query, input } = await startSubmitting();
  await submitJob(query, { ...input, idempotencyKey: 'k' });
  const other = await submitJob(query, { ...input, name: 'another', idempotencyKey: 'k' });
  expect(other).toMatchObject({
    job: null,
    userErrors: [{ code: 'CONFLICT', path: ['input', 'idempotencyKey'] }],
  });
});

test('everything that is wrong with a submission is told at once', async () => {
  const { query } = await startSubmitting();
  const { job, userErrors } = await submitJob(query, {
    name: 'two\nlines',
    spec: { ...SPEC, rank: 0, dataset: { uploadId: 'nope' } },
    placement: { gpuCount: 0 },
    limits: { maxCostUsd: 1e9 },
    labels: [
      { name: 'a b', value: '' },
      { name: 'x', value: 'v\u0000' },
    ],
  });
  expect(job).toBeNull();
  expect(userErrors.map(({ path }) => path.join('.')).sort()).toEqual([
    'input.labels.0.name',
    'input.labels.1.value',
    'input.limits.maxCostUsd',
    'input.name',
    'input.placement.gpuCount',
    'input.spec.rank',
  ]);
});

test.for([
  ['an unknown upload', { uploadId: 'nope' }, ['UNKNOWN', 'input.spec.dataset.uploadId']],
  [
    'a hub dataset, which the toy cannot fetch',
    { huggingFace: { name: 'tatsu-lab/alpaca' } },
    ['UNSUPPORTED', 'input.spec.dataset'],
  ],
] as const)('%s is refused before anything is rented', async ([, dataset, [code, path]]) => {
  const { query, input, emulator } = await startSubmitting();
  const { userErrors } = await submitJob(query, { ...input, spec: { ...SPEC, dataset } });
  expect(userErrors.map((error) => [error.code, error.path.join('.')])).toEqual([[code, path]]);
  expect(await emulator.pods()).toEqual([]);
});

test('an uploaded dataset goes to a stranger’s machine only when that is allowed', async () => {
  const { query, input } = await startSubmitting();
  const placement = { cloud: 'COMMUNITY' };
  const refused = await submitJob(query, { ...input, placement });
  expect(refused.userErrors).toMatchObject([
    { code: 'CONFLICT', path: ['input', 'placement', 'trustCommunityHosts'] },
  ]);
  const accepted = await submitJob(query, {
    ...input,
    placement: { ...placement, trustCommunityHosts: true },
  });
  expect(accepted.userErrors).toEqual([]);
});

const NASTY = [
  `"; rm -rf / #`,
  `$(touch /tmp/pwned)`,
  `'); import os; os.system('id')`,
  "Robert'); drop table jobs;--",
  '../../etc/passwd',
  '{{ RUNPOD_SECRET_x }}',
  '<script>alert(1)</script>',
  '💥'.repeat(40),
];

test.for(NASTY)('the name %s is kept as it is and does nothing', async (name) => {
  const { query, input } = await startSubmitting();
  const { job } = await submitJob(query, { ...input, name });
  const { data } = await query(
    'query($id: ID!, $name: String) { trainingJob(id: $id) { name } trainingJobs(nameContains: $name) { nodes { id } } }',
    { id: job?.id, name },
  );
  expect(data).toMatchObject({
    trainingJob: { name },
    trainingJobs: { nodes: [{ id: job?.id }] },
  });
});

test('text of ten megabytes is refused as a body, and of one megabyte as a name', async () => {
  const { url, query, input } = await startSubmitting();
  const huge = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(10_000_000) } }),
  });
  expect(huge.status).toBe(413);
  const { userErrors } = await submitJob(query, { ...input, name: 'x'.repeat(1_000_000) });
  expect(userErrors).toMatchObject([{ code: 'INVALID', path: ['input', 'name'] }]);
});

test('jobs are listed newest first, in pages that neither lose nor repeat one', async () => {
  const { query, input, emulator } = await startSubmitting();
  await emulator.addFault({ kind: 'no-capacity' });
  const ids: string[] = [];
  for (let n = 0; n < 7; n += 1) {
    const { job } = await submitJob(query, { ...input, name: `job ${n}` });
    ids.unshift(job?.id ?? '');
  }
  const seen: string[] = [];
  let after: string | null = null;
  do {
    const { data } = await query(
      'query($after: String) { trainingJobs(first: 3, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }',
      { after },
    );
    const page = (
      data as unknown as {
        trainingJobs: {
          nodes: { id: string }[];
          pageInfo: { endCursor: string; hasNextPage: boolean };
        };
      }
    ).trainingJobs;
    seen.push(...page.nodes.map(({ id }) => id));
    after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  } while (after !== null);
  expect([...seen].sort()).toEqual([...ids].sort());
  const bad = await query('{ trainingJobs(after: "bm90IG91cnM=") { nodes { id } } }');
  expect(bad.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_CURSOR' });
});

test('the create call follows a submission at once', async () => {
  const { query, input, emulator } = await startSubmitting({ RECONCILE_SECONDS: '5' });
  const { job } = await submitJob(query, input);
  await until(
    'the pod is asked for before the next tick',
    async () => (await emulator.requests()).rest['POST /v2/pods'],
    2_000,
  );
  expect(job?.status).toBe('PENDING');
});
