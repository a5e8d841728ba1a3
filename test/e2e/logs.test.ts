/** A job's log through the whole server: what it becomes, and what it tells of failures. */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { freshPostgres, hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { makeFolder } from '../support/folder.ts';
import { startTestApp } from '../support/start-app.ts';
import { hasEnded, jobThat, SPEC, submitJob, uploadDataset } from '../support/training.ts';
import type { SeenJob } from '../support/training.ts';
import { until } from '../support/until.ts';

const QUICK = {
  RECONCILE_SECONDS: '0.1',
  POD_ABSENT_SECONDS: '0.3',
  LISTING_GRACE_SECONDS: '1',
  LEASE_SECONDS: '2',
};
const LONG = { ...SPEC, maxSteps: 1_000_000, checkpointSteps: 1_000 };
const CANCEL = 'mutation($id: ID!) { cancelTrainingJob(id: $id) { userErrors { code } } }';

type App = Awaited<ReturnType<typeof startTestApp>>;
interface Line {
  readonly seq: number;
  readonly source: string;
  readonly text: string;
}

async function submit(
  { query }: App,
  spec: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const uploadId = await uploadDataset(query);
  const { job } = await submitJob(query, {
    name: 'a job',
    spec: { ...spec, dataset: { uploadId } },
    ...more,
  });
  return job?.id ?? '';
}

async function linesOf({ query }: App, id: string): Promise<readonly Line[]> {
  const lines: Line[] = [];
  let after: string | null = null;
  for (;;) {
    const answer = await query(
      `query($id: ID!, $after: LogCursor) { trainingJob(id: $id) {
         logs(first: 1000, after: $after) { lines { seq source text } endCursor hasNextPage } } }`,
      { id, after },
    );
    const { logs } = answer.data?.trainingJob as unknown as {
      logs: { lines: Line[]; endCursor: string; hasNextPage: boolean };
    };
    lines.push(...logs.lines);
    after = logs.endCursor;
    if (!logs.hasNextPage) return lines;
  }
}

async function archiveOf(app: App, id: string): Promise<readonly Line[]> {
  const isLog = ({ kind, path }: SeenJob['artifacts'][number]) =>
    kind === 'LOG' && path === 'log.jsonl.gz';
  const job = await jobThat(app.query, id, ({ artifacts }) => artifacts.some(isLog));
  const artifact = job.artifacts.find(isLog);
  const bytes = Buffer.from(await (await fetch(artifact?.downloadUrl ?? '')).arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(artifact?.sha256);
  return gunzipSync(bytes)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

test.for(['COMPLETED', 'FAILED', 'CANCELLED'])(
  'the whole log of a job that is %s becomes an artifact',
  async (status) => {
    const app = await startTestApp(QUICK);
    const spec = {
      COMPLETED: SPEC,
      FAILED: { ...SPEC, baseModel: 'missing/model-1B' },
      CANCELLED: LONG,
    }[status];
    const id = await submit(app, spec ?? SPEC);
    if (status === 'CANCELLED') {
      await until('it has lines of its trainer', async () =>
        (await linesOf(app, id)).some(({ source }) => source === 'STDOUT'),
      );
      await app.query(CANCEL, { id });
    }
    expect(await jobThat(app.query, id, hasEnded)).toMatchObject({ status });
    const archived = await archiveOf(app, id);
    const shown = await linesOf(app, id);
    expect(archived.map(({ seq, source, text }) => ({ seq, source, text }))).toEqual(shown);
    expect(shown.map(({ seq }) => seq)).toEqual(shown.map((_line, index) => index + 1));
  },
);

test('a pod whose image cannot be pulled says so in the log, and fails as that', async () => {
  const app = await startTestApp({ ...QUICK, PROVISIONING_SECONDS: '1.5' });
  await app.emulator.addFault({ kind: 'boot-failure' });
  const id = await submit(app, SPEC, { limits: { maxAttempts: 1 } });
  const ended = await jobThat(app.query, id, hasEnded);
  expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'IMAGE_PULL' } });
  expect(ended.failure?.message).toContain('manifest unknown');
  const system = (await linesOf(app, id)).filter(({ source }) => source === 'SYSTEM');
  expect(system.map(({ text }) => text)).toContainEqual(
    expect.stringContaining('manifest unknown'),
  );
  expect(new Set(system.map(({ text }) => text)).size).toBe(system.length);
});

describe.skipIf(!hasPostgres)(`two servers on PostgreSQL${POSTGRES_MISSING}`, () => {
  test('the log of a job goes on without a gap when the server that brings it ends', async () => {
    const emulator = await createEmulator();
    onTestFinished(() => emulator.close());
    const settings = {
      ...QUICK,
      DATABASE_URL: await freshPostgres(),
      ARTIFACT_URL: makeFolder(),
      ARTIFACT_FOLDER_SHARED: 'true',
      EMULATOR_URL: emulator.url,
    };
    const first = await startTestApp(settings);
    const id = await submit(first, { ...SPEC, maxSteps: 400 });
    await jobThat(first.query, id, ({ progress }) => (progress?.step ?? 0) > 50);
    // Until here there was no other that could have brought the lines.
    const second = await startTestApp(settings);
    await first.app.close();
    const ended = await jobThat(second.query, id, hasEnded, 40_000);
    expect(ended.status).toBe('COMPLETED');
    const lines = await linesOf(second, id);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
    const steps = lines.flatMap(
      ({ text }) => /^@metric .*"event": ?"step", ?"step": ?(\d+)/.exec(text)?.[1] ?? [],
    );
    expect(steps.length).toBeGreaterThan(100);
    expect(steps).toEqual([...new Set(steps)]);
    expect(await archiveOf(second, id)).toHaveLength(lines.length);
  }, 60_000);
});
