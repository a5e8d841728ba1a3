/** What of a training outlives its pod. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { hasEnded, jobThat, readJob, SMALL_SPEC, startPaced } from '../support/training.ts';
import type { SeenJob } from '../support/training.ts';
import { until } from '../support/until.ts';

/** Long enough to lose a pod in the middle of it, again and again. */
const STEPS = 300;
const STEP_MS = 15;
const LONG = { ...SMALL_SPEC, maxSteps: STEPS };
const SPOT = { placement: { spot: true, gpuResourceIds: ['NVIDIA GeForce RTX 4090'] } };

type App = Awaited<ReturnType<typeof startPaced>>;

async function lifecycleOf({ query }: App, id: string): Promise<readonly string[]> {
  const { data } = await query(
    `query($id: ID!) { trainingJob(id: $id) {
       logs(first: 1000, filter: { sources: [LIFECYCLE] }) { lines { text } } } }`,
    { id },
  );
  const { trainingJob: job } = data as unknown as {
    trainingJob: { logs: { lines: { text: string }[] } };
  };
  return job.logs.lines.map(({ text }) => text);
}

function checkpointStepsOf({ artifacts }: SeenJob): readonly number[] {
  const steps = artifacts.flatMap(({ path, kind }) => {
    const match = /^checkpoints\/checkpoint-(\d+)\/COMPLETE$/.exec(path);
    if (match !== null) expect(kind).toBe('CHECKPOINT');
    return match === null ? [] : [Number(match[1])];
  });
  return [...new Set(steps)].sort((a, b) => a - b);
}

async function bytesOf(job: SeenJob, path: string): Promise<Buffer> {
  const artifact = job.artifacts.find((each) => each.path === path);
  const bytes = Buffer.from(await (await fetch(artifact?.downloadUrl ?? '')).arrayBuffer());
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(artifact?.sha256);
  return bytes;
}

const adapterOf = (job: SeenJob) => bytesOf(job, 'adapter_model.safetensors');

/** With at least one checkpoint behind `after` in the store, while attempt `number` trains. */
function trainingBehind({ query }: App, id: string, number: number, after: number) {
  return jobThat(
    query,
    id,
    (job) =>
      job.status === 'RUNNING' &&
      job.attempts.length === number &&
      Math.max(0, ...checkpointStepsOf(job)) > after,
  );
}

test('three reclaims in one job: it goes on each time, and ends with the bytes of an uninterrupted run', async () => {
  const app = await startPaced(STEP_MS, { MAX_ATTEMPTS: '4' });
  const { query, submit, emulator } = app;
  const undisturbed = await submit({}, LONG);
  const id = await submit(SPOT, LONG);
  let reached = 0;
  const modes = ['vanish', 'exit', 'vanish'];
  for (const [index, mode] of modes.entries()) {
    const job = await trainingBehind(app, id, index + 1, reached);
    reached = Math.max(...checkpointStepsOf(job));
    await emulator.addFault({ kind: 'spot-reclaim', mode });
    const next = await jobThat(query, id, ({ attempts }) => attempts.length === index + 2);
    // Never further back than what was stored.
    expect(next.progress?.step).toBeGreaterThanOrEqual(reached);
  }
  const ended = await jobThat(query, id, hasEnded, 40_000);
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    attempts: [
      { outcome: 'RECLAIMED' },
      { outcome: 'RECLAIMED' },
      { outcome: 'RECLAIMED' },
      { outcome: 'SUCCEEDED' },
    ],
    progress: { step: STEPS },
  });
  const reference = await jobThat(query, undisturbed, hasEnded, 40_000);
  expect((await adapterOf(ended)).equals(await adapterOf(reference))).toBe(true);
  const starts = (await lifecycleOf(app, id)).flatMap(
    (text) => /^attempt (\d) resumes from step (\d+)$/.exec(text)?.slice(1).map(Number) ?? [],
  );
  expect([starts[0], starts[2], starts[4]]).toEqual([2, 3, 4]);
  expect(starts[5]).toBeGreaterThanOrEqual(reached);
  const pods = await emulator.pods();
  expect(pods).toHaveLength(5);
  await until('every pod is terminated', async () =>
    (await emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
  );
  // All four pods count, each for as long as it lived.
  const { cost } = await readJob(query, id);
  const own = (await emulator.pods()).filter(({ name }) => name.includes(id));
  expect(own).toHaveLength(4);
  const accrued = own.reduce((sum, { usdAccrued }) => sum + usdAccrued, 0);
  expect(cost.usdPerHour).toBeNull();
  expect(Math.abs(cost.usdSoFar - accrued)).toBeLessThan(0.37 * 4 * (5 / 3_600));
}, 90_000);

test('checkpoints that are made much faster than they are fetched are stored all the same', async () => {
  const app = await startPaced(STEP_MS);
  const { submit, emulator } = app;
  // Each file of one takes longer than the trainer from one checkpoint to the next.
  await emulator.addFault({ kind: 'delay', ms: 250, route: 'proxy' });
  const id = await submit({}, { ...LONG, maxSteps: 1_000_000, checkpointSteps: 5 });
  const first = checkpointStepsOf(await trainingBehind(app, id, 1, 0));
  const next = checkpointStepsOf(await trainingBehind(app, id, 1, Math.max(...first)));
  expect(Math.max(...next)).toBeGreaterThan(Math.max(...first));
  expect(await lifecycleOf(app, id)).not.toContainEqual(expect.stringContaining('warning'));
}, 60_000);

test('a checkpoint whose bytes are damaged in the store is given up for the one before it', async () => {
  const folder = makeFolder();
  const app = await startPaced(STEP_MS, { ARTIFACT_URL: folder });
  const { query, submit, emulator } = app;
  const id = await submit({}, LONG);
  const job = await jobThat(query, id, (each) => checkpointStepsOf(each).length === 2);
  await emulator.addFault({ kind: 'no-capacity' });
  await emulator.addFault({ kind: 'host-death' });
  await jobThat(query, id, ({ status }) => status === 'PENDING');
  const [older = 0, newer = 0] = checkpointStepsOf(await readJob(query, id));
  expect(newer).toBeGreaterThanOrEqual(Math.max(...checkpointStepsOf(job)));
  const place = join(folder, 'jobs', id, '1', 'checkpoints', `checkpoint-${newer}`);
  const path = join(place, 'optimizer.f64');
  writeFileSync(path, readFileSync(path).fill(1, 100, 200));
  await emulator.clearFaults();
  await jobThat(query, id, ({ progress }) => (progress?.step ?? 0) > newer, 40_000);
  const told = await lifecycleOf(app, id);
  expect(told).toContain(`checkpoint ${newer} is damaged in the artifact store: it is not used`);
  expect(told).toContain(`attempt 2 resumes from step ${older}`);
  await until('the damaged files are removed', () => !existsSync(path));
}, 60_000);

test('a checkpoint of another specification is not taken by the trainer: it begins anew, and says so', async () => {
  const folder = makeFolder();
  const app = await startPaced(STEP_MS, { DATA_DIR: folder });
  const { query, submit, emulator } = app;
  const id = await submit({}, LONG);
  await trainingBehind(app, id, 1, 20);
  await emulator.addFault({ kind: 'no-capacity' });
  await emulator.addFault({ kind: 'host-death' });
  await jobThat(query, id, ({ status }) => status === 'PENDING');
  const step = Math.max(...checkpointStepsOf(await readJob(query, id)));
  passOffAsAnothers(folder, id, step);
  await emulator.clearFaults();
  await jobThat(query, id, ({ progress, attempts }) => attempts.length === 2 && progress !== null);
  await until('it is told', async () =>
    (await lifecycleOf(app, id)).includes(
      `attempt 2 begins anew: the trainer did not take checkpoint ${step}`,
    ),
  );
  // Its own checkpoints take the place of those that are of no use.
  await jobThat(query, id, (job) => {
    const steps = checkpointStepsOf(job);
    return job.attempts.length === 2 && steps.length > 0 && Math.min(...steps) < step;
  });
}, 60_000);

/** As if the store had mixed two jobs up: every sum is right, and the state is another's. */
function passOffAsAnothers(dataDir: string, id: string, step: number): void {
  const path = `checkpoints/checkpoint-${step}/trainer_state.json`;
  const file = join(dataDir, 'artifacts', 'jobs', id, '1', path);
  const text = readFileSync(file, 'utf8').replace(
    /"fingerprint": "\w{8}/,
    '"fingerprint": "00000000',
  );
  writeFileSync(file, text);
  const db = new DatabaseSync(join(dataDir, 'runpod-subgraph.sqlite'), { timeout: 5_000 });
  const sums = db.prepare('update artifacts set sha256 = ? where job_id = ? and path = ?');
  expect(sums.run(createHash('sha256').update(text).digest('hex'), id, path).changes).toBe(1);
  db.close();
}
