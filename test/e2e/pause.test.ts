/** Jobs that are paused and resumed, as their owners see it. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { hasEnded, jobThat, readJob, SMALL_SPEC, startPaced } from '../support/training.ts';
import type { SeenJob } from '../support/training.ts';
import { until } from '../support/until.ts';

const STEPS = 200;
const STEP_MS = 20;
const LONG = { ...SMALL_SPEC, maxSteps: STEPS, checkpointSteps: 50 };
const ENDLESS = { ...LONG, maxSteps: 1_000_000, checkpointSteps: 1_000_000 };

type App = Awaited<ReturnType<typeof startPaced>>;
type Wish = 'pauseTrainingJob' | 'resumeTrainingJob' | 'cancelTrainingJob';

async function wish({ query }: App, name: Wish, id: string) {
  const { data, errors } = await query(
    `mutation($id: ID!) { ${name}(id: $id) { job { status } userErrors { code path } } }`,
    { id },
  );
  expect(errors).toBeUndefined();
  return (data as unknown as Record<Wish, unknown>)[name];
}

const pause = (app: App, id: string) => wish(app, 'pauseTrainingJob', id);
const resume = (app: App, id: string) => wish(app, 'resumeTrainingJob', id);
const accepted = { job: { status: expect.any(String) as string }, userErrors: [] };

const isPaused = ({ status }: SeenJob) => status === 'PAUSED';
const trainsBehind = (step: number) => (job: SeenJob) =>
  job.status === 'RUNNING' && (job.progress?.step ?? 0) > step;

async function detailsOf({ query }: App, id: string) {
  const { data } = await query(
    `query($id: ID!) { trainingJob(id: $id) { pauseRequestedAt
       attempts { number outcome exitCode resumedFromStep }
       logs(first: 1000, filter: { sources: [LIFECYCLE] }) { lines { text } } } }`,
    { id },
  );
  return data?.trainingJob as unknown as {
    pauseRequestedAt: string | null;
    attempts: { number: number; outcome: string | null; resumedFromStep: number | null }[];
    logs: { lines: { text: string }[] };
  };
}

const allGone = ({ emulator }: App) =>
  until('every pod is terminated', async () =>
    (await emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
  );

async function adapterSum({ artifacts }: SeenJob): Promise<string> {
  const adapter = artifacts.find(({ path }) => path === 'adapter_model.safetensors');
  const bytes = await (await fetch(adapter?.downloadUrl ?? '')).arrayBuffer();
  return createHash('sha256').update(Buffer.from(bytes)).digest('hex');
}

test('a job that is paused costs nothing, and resumed it goes on where it was, to the same bytes', async () => {
  // One attempt in all: pauses use up none.
  const app = await startPaced(STEP_MS, { MAX_ATTEMPTS: '1' });
  const { query, submit } = app;
  const undisturbed = await submit({}, LONG);
  const id = await submit({}, LONG);
  await jobThat(query, id, trainsBehind(5), 30_000);
  expect(await pause(app, id)).toEqual(accepted);
  expect(await pause(app, id)).toEqual(accepted);
  const paused = await jobThat(query, id, isPaused, 30_000);
  // The trainer wrote a checkpoint where it was stopped, and that is what is kept.
  const step = paused.progress?.step ?? 0;
  expect(step).toBeGreaterThan(5);
  expect(step % 50).not.toBe(0);
  expect(paused.artifacts.map(({ path }) => path)).toContain(
    `checkpoints/checkpoint-${step}/COMPLETE`,
  );
  expect(paused.attempts).toMatchObject([{ number: 1, outcome: 'PAUSED', exitCode: 20 }]);
  await until('its pod is terminated', async () =>
    (await app.emulator.pods())
      .filter(({ name }) => name.includes(id))
      .every(({ terminatedAt }) => terminatedAt !== null),
  );
  const before = await jobThat(query, id, ({ cost }) => cost.usdPerHour === null);
  const reference = await jobThat(query, undisturbed, hasEnded, 60_000);
  const after = await readJob(query, id);
  expect(after).toMatchObject({ status: 'PAUSED', cost: before.cost, progress: { step } });

  expect(await resume(app, id)).toEqual(accepted);
  expect(await resume(app, id)).toEqual(accepted);
  const ended = await jobThat(query, id, hasEnded, 60_000);
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    attempts: [{ outcome: 'PAUSED' }, { outcome: 'SUCCEEDED' }],
  });
  expect(await adapterSum(ended)).toBe(await adapterSum(reference));
  const { attempts, logs, pauseRequestedAt } = await detailsOf(app, id);
  expect(attempts).toMatchObject([{ resumedFromStep: null }, { resumedFromStep: step }]);
  expect(pauseRequestedAt).toBeNull();
  const told = logs.lines.map(({ text }) => text);
  for (const line of [`paused at step ${step}`, 'resumed', `attempt 2 resumes from step ${step}`]) {
    expect(told).toContain(line);
  }
  await allGone(app);
}, 120_000);

test('a job without a pod is paused at once, and one that is paused can be cancelled', async () => {
  const app = await startPaced(STEP_MS);
  const { query, submit, emulator } = app;
  await emulator.addFault({ kind: 'no-capacity' });
  const id = await submit({}, LONG);
  await pause(app, id);
  const paused = await jobThat(query, id, isPaused);
  expect(paused).toMatchObject({ progress: null, cost: { usdSoFar: 0 } });
  await emulator.clearFaults();
  const cancelled = await wish(app, 'cancelTrainingJob', id);
  expect(cancelled).toEqual(accepted);
  expect(await jobThat(query, id, hasEnded)).toMatchObject({ status: 'CANCELLED' });
  const refused = { job: null, userErrors: [{ code: 'CONFLICT', path: ['id'] }] };
  expect(await pause(app, id)).toEqual(refused);
  expect(await resume(app, id)).toEqual(refused);
  expect(await pause(app, 'nope')).toMatchObject({ userErrors: [{ code: 'UNKNOWN' }] });
  expect(await emulator.pods()).toEqual([]);
});

test('a job that is paused while its pod boots begins anew when it is resumed', async () => {
  const app = await startPaced(1);
  const { query, submit, emulator } = app;
  await emulator.addFault({ kind: 'boot-failure', times: 1 });
  const id = await submit({}, { ...LONG, maxSteps: 40 });
  await jobThat(query, id, ({ status }) => status === 'PROVISIONING');
  await pause(app, id);
  const paused = await jobThat(query, id, isPaused);
  expect(paused.attempts).toMatchObject([{ outcome: 'PAUSED' }]);
  await allGone(app);
  await resume(app, id);
  expect(await jobThat(query, id, hasEnded, 60_000)).toMatchObject({
    status: 'COMPLETED',
    attempts: [{ outcome: 'PAUSED' }, { outcome: 'SUCCEEDED' }],
  });
}, 90_000);

test('a pod that never answers is given up, and the job is paused with what is stored', async () => {
  const app = await startPaced(STEP_MS, { PAUSING_SECONDS: '2' });
  const { query, submit, emulator } = app;
  const id = await submit({}, { ...ENDLESS, checkpointSteps: 20 });
  const { artifacts } = await jobThat(query, id, (job) => job.artifacts.length > 0, 30_000);
  expect(artifacts[0]?.kind).toBe('CHECKPOINT');
  await emulator.addFault({ kind: 'status', status: 502, route: 'proxy' });
  await pause(app, id);
  const paused = await jobThat(query, id, isPaused, 30_000);
  expect(paused.attempts).toMatchObject([{ outcome: 'PAUSED', exitCode: null }]);
  expect(paused.progress?.step).toBeGreaterThanOrEqual(20);
  await allGone(app);
}, 90_000);

test('a pause that is taken back on its way leads straight to the next attempt', async () => {
  const app = await startPaced(STEP_MS);
  const { query, submit, emulator } = app;
  const id = await submit({}, ENDLESS);
  await jobThat(query, id, trainsBehind(5), 30_000);
  // The word to stop gets through, and its checkpoint cannot be fetched for a while.
  await emulator.addFault({ kind: 'proxy-cut', afterBytes: 2_000, times: 8 });
  await pause(app, id);
  await jobThat(query, id, ({ statusReason }) => statusReason === 'Pausing.');
  await resume(app, id);
  const next = await jobThat(
    query,
    id,
    (job) => job.attempts.length === 2 && trainsBehind(5)(job),
    60_000,
  );
  expect(next.attempts[0]?.outcome).toBe('PAUSED');
  await wish(app, 'cancelTrainingJob', id);
  await jobThat(query, id, hasEnded);
  await allGone(app);
}, 120_000);

/**
 * Python reads it before the trainer: from then on SIGTERM makes that say `word` and exit so; null: it
 * does not hear it.
 */
function endingAtStop(exitCode: number | null, word = ''): Readonly<Record<string, string>> {
  const folder = makeFolder();
  const end = exitCode === null ? 'pass' : `os._exit(${exitCode})`;
  const program = `
import os, signal, sys
if any(word.endswith("/trainer.py") for word in sys.orig_argv):
    known = signal.signal
    def die(*_):
        os.write(1, ${JSON.stringify(`\n${word}\n`)}.encode())
        ${end}
    signal.signal = lambda number, handler: known(number, die if number == signal.SIGTERM else handler)
`;
  writeFileSync(join(folder, 'sitecustomize.py'), program);
  return { PYTHONPATH: folder };
}

test('a trainer that crashes when it is told to stop leaves its job paused, where the last stored checkpoint was', async () => {
  // One attempt in all: it is not used up.
  const app = await startPaced(STEP_MS, { MAX_ATTEMPTS: '1' }, endingAtStop(1));
  const { query, submit } = app;
  const id = await submit({}, { ...LONG, checkpointSteps: 20 });
  await jobThat(query, id, ({ artifacts }) => artifacts.length > 0, 30_000);
  await pause(app, id);
  const paused = await jobThat(query, id, isPaused, 30_000);
  expect(paused).toMatchObject({
    failure: null,
    attempts: [{ outcome: 'PAUSED', exitCode: 1 }],
  });
  const step = paused.progress?.step ?? 0;
  expect(step).toBeGreaterThanOrEqual(20);
  await allGone(app);
  const warning = `warning: its last checkpoint was not written (the trainer ended with exit code 1): it will go on from step ${step}`;
  expect((await detailsOf(app, id)).logs.lines.map(({ text }) => text)).toContain(warning);
  await resume(app, id);
  expect(await jobThat(query, id, hasEnded, 60_000)).toMatchObject({
    status: 'COMPLETED',
    attempts: [{ outcome: 'PAUSED' }, { outcome: 'SUCCEEDED' }],
  });
  expect((await detailsOf(app, id)).attempts).toMatchObject([{}, { resumedFromStep: step }]);
  await allGone(app);
}, 120_000);

test.each([
  ['crashes over it', 1, 1],
  ['is killed after its grace', null, -9],
])(
  'one that %s and has stored no checkpoint will begin anew, and says so',
  async (_what, ends, exitCode) => {
    // Half of the time is the grace.
    const app = await startPaced(STEP_MS, { PAUSING_SECONDS: '6' }, endingAtStop(ends));
    const { query, submit } = app;
    const id = await submit({}, ENDLESS);
    await jobThat(query, id, trainsBehind(5), 30_000);
    await pause(app, id);
    expect(await jobThat(query, id, isPaused, 30_000)).toMatchObject({
      progress: null,
      attempts: [{ outcome: 'PAUSED', exitCode }],
    });
    await allGone(app);
    const told = (await detailsOf(app, id)).logs.lines.map(({ text }) => text);
    expect(told).toContain(
      `warning: its last checkpoint was not written (the trainer ended with exit code ${exitCode}): it will begin anew`,
    );
  },
  60_000,
);

test('a failure that the trainer tells by its own word fails a job that is to pause', async () => {
  const word = '@failure {"code": "DATASET_INVALID", "message": "row 3"}';
  const app = await startPaced(STEP_MS, {}, endingAtStop(10, word));
  const { query, submit } = app;
  const id = await submit({}, ENDLESS);
  await jobThat(query, id, trainsBehind(5), 30_000);
  await pause(app, id);
  expect(await jobThat(query, id, hasEnded, 30_000)).toMatchObject({
    status: 'FAILED',
    failure: { code: 'DATASET_INVALID', message: 'row 3' },
    attempts: [{ outcome: 'FAILED', exitCode: 10 }],
  });
  await allGone(app);
}, 60_000);
