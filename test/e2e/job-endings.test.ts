import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  hasEnded,
  jobThat,
  LONG_SPEC,
  readJob,
  SMALL_SPEC,
  SPEC,
  startPaced,
  startWithDataset,
  uploadDataset,
} from '../support/training.ts';
import { until } from '../support/until.ts';

async function startTraining(started?: Awaited<ReturnType<typeof startWithDataset>>) {
  const app = started ?? (await startWithDataset());
  const allGone = () =>
    until('every pod is terminated', async () =>
      (await app.emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
    );
  return { ...app, allGone };
}

const CANCEL = `mutation($id: ID!) { cancelTrainingJob(id: $id) { job { status cancelRequestedAt } userErrors { code path } } }`;

test.for(['PENDING', 'PROVISIONING', 'PREPARING', 'RUNNING'])(
  'a job that is %s can be cancelled, and leaves no pod',
  async (status) => {
    const { query, submit, emulator, allGone } = await startTraining();
    if (status === 'PENDING') await emulator.addFault({ kind: 'no-capacity' });
    if (status === 'PROVISIONING') await emulator.addFault({ kind: 'boot-failure' });
    const id = await submit({}, LONG_SPEC);
    await jobThat(query, id, (job) =>
      status === 'PREPARING'
        ? ['PREPARING', 'RUNNING'].includes(job.status)
        : job.status === status,
    );
    await query(CANCEL, { id });
    const ended = await jobThat(query, id, hasEnded);
    expect(ended).toMatchObject({ status: 'CANCELLED', failure: null });
    await allGone();
    const again = await query(CANCEL, { id });
    expect(again.data).toMatchObject({
      cancelTrainingJob: { job: { status: 'CANCELLED' }, userErrors: [] },
    });
  },
);

test('an unknown job cannot be cancelled', async () => {
  const { query } = await startTraining();
  expect((await query(CANCEL, { id: 'nope' })).data).toMatchObject({
    cancelTrainingJob: { job: null, userErrors: [{ code: 'UNKNOWN', path: ['id'] }] },
  });
});

test('a job is ended at its limit of money, at most one tick beyond it', async () => {
  const { query, submit, allGone } = await startTraining();
  const maxCostUsd = 0.001;
  const placement = { gpuResourceIds: ['NVIDIA H200'] };
  const id = await submit({ placement, limits: { maxCostUsd } }, LONG_SPEC);
  const ended = await jobThat(query, id, hasEnded);
  expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'BUDGET_EXHAUSTED' } });
  await allGone();
  const { cost, attempts } = await readJob(query, id);
  expect(cost.usdSoFar).toBeGreaterThanOrEqual(maxCostUsd);
  // A tick, and the time that the end itself takes.
  expect(cost.usdSoFar).toBeLessThan(maxCostUsd + ((attempts[0]?.usdPerHour ?? 0) * 2) / 3_600);
  expect(cost.usdPerHour).toBeNull();
});

test('a trainer that refuses the dataset ends the job with its own words, and no second pod', async () => {
  const { query, submit, emulator, allGone } = await startTraining();
  const id = await submit({}, { ...SPEC, baseModel: 'missing/model-1B' });
  const ended = await jobThat(query, id, hasEnded);
  expect(ended).toMatchObject({
    status: 'FAILED',
    failure: { code: 'MODEL_NOT_FOUND' },
    attempts: [{ outcome: 'FAILED', exitCode: 11 }],
  });
  expect(await emulator.pods()).toHaveLength(1);
  await allGone();
});

test('a Parquet dataset is taken, and the toy trainer says that it cannot read it', async () => {
  const { query, submit } = await startTraining();
  const file = new URL('../domain/parquet/prompt-completion.parquet', import.meta.url);
  const uploadId = await uploadDataset(query, new Uint8Array(readFileSync(file)), 'rows.parquet');
  const id = await submit({}, { ...SPEC, dataset: { uploadId } });
  const message = expect.stringContaining('Parquet needs the trl or unsloth backend') as string;
  expect(await jobThat(query, id, hasEnded)).toMatchObject({
    status: 'FAILED',
    failure: { code: 'DATASET_INVALID', message },
  });
});

test('a spot pod that is reclaimed gets a next attempt, and the job completes', async () => {
  const { query, submit, emulator, allGone } = await startTraining(await startPaced(10));
  const placement = { spot: true, gpuResourceIds: ['NVIDIA GeForce RTX 4090'] };
  const id = await submit({ placement }, { ...SMALL_SPEC, maxSteps: 300 });
  const running = await jobThat(query, id, ({ status }) => status === 'RUNNING');
  expect(running.attempts[0]?.usdPerHour).toBe(0.37);
  await emulator.addFault({ kind: 'spot-reclaim', mode: 'vanish' });
  const ended = await jobThat(query, id, hasEnded);
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    attempts: [{ outcome: 'RECLAIMED' }, { outcome: 'SUCCEEDED' }],
  });
  expect(await emulator.pods()).toHaveLength(2);
  await allGone();
}, 60_000);

test('a host that dies again and again fails the job when its attempts are used up', async () => {
  const { query, submit, emulator, allGone } = await startTraining();
  const id = await submit({ limits: { maxAttempts: 2 } }, LONG_SPEC);
  for (const attempt of [1, 2]) {
    await jobThat(query, id, (job) => job.status === 'RUNNING' && job.attempts.length === attempt);
    await emulator.addFault({ kind: 'host-death', mode: 'exit' });
  }
  expect(await jobThat(query, id, hasEnded)).toMatchObject({
    status: 'FAILED',
    failure: { code: 'POD_LOST' },
    attempts: [{ outcome: 'LOST' }, { outcome: 'LOST' }],
  });
  await allGone();
});

test('a create whose answer is lost is found by its name and never repeated', async () => {
  const { query, submit, emulator, allGone } = await startTraining();
  await emulator.addFault({ kind: 'fail-after-effect', route: 'POST /v2/pods', times: 1 });
  const id = await submit();
  expect(await jobThat(query, id, hasEnded)).toMatchObject({
    status: 'COMPLETED',
    attempts: [{ number: 1 }],
  });
  expect((await emulator.requests()).rest['POST /v2/pods']).toBe(1);
  await allGone();
});

test('an ended job can be tried again as a new one, with another placement', async () => {
  const { query, submit } = await startTraining();
  const id = await submit({}, { ...SPEC, baseModel: 'missing/model-1B' });
  const RETRY = `mutation($id: ID!, $placement: PlacementInput) { retryTrainingJob(id: $id, placement: $placement) {
    job { id spec { asJson } } userErrors { code path message } } }`;
  await jobThat(query, id, hasEnded);
  const placement = { gpuResourceIds: ['NVIDIA GeForce RTX 4090'] };
  const { data } = await query(RETRY, { id, placement });
  const { retryTrainingJob: retried } = data as unknown as {
    retryTrainingJob: { job: { id: string }; userErrors: unknown[] };
  };
  expect(retried.userErrors).toEqual([]);
  expect(retried.job.id).not.toBe(id);
  const wrong = await query(RETRY, { id, placement: { gpuCount: 0 } });
  expect(wrong.data).toMatchObject({
    retryTrainingJob: { job: null, userErrors: [{ path: ['placement', 'gpuCount'] }] },
  });
});

test('the log has every line once, in order, with what the service did', async () => {
  const { query, submit } = await startTraining();
  const id = await submit();
  await jobThat(query, id, hasEnded);
  const { data } = await query(
    `query($id: ID!) { trainingJob(id: $id) {
       logs(first: 1000) { lines { seq source text attempt } hasNextPage }
       tail: logs(last: 2) { lines { seq } hasPreviousPage }
       found: logs(filter: { sources: [LIFECYCLE] }) { lines { text } }
       metrics(names: ["loss"]) { points { seq step name value } }
       script } }`,
    { id },
  );
  const { trainingJob: job } = data as unknown as {
    trainingJob: {
      logs: { lines: { seq: number; text: string; source: string }[]; hasNextPage: boolean };
      tail: { lines: { seq: number }[] };
      found: { lines: { text: string }[] };
      metrics: { points: { step: number; value: number }[] };
      script: string;
    };
  };
  const { lines } = job.logs;
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
  expect(job.tail.lines.map(({ seq }) => seq)).toEqual([lines.length - 1, lines.length]);
  // Whether a checkpoint comes in time before the end is chance: it is so quick.
  const found = job.found.lines.map(({ text }) => text);
  expect(found.filter((text) => !text.startsWith('checkpoint '))).toEqual([
    expect.stringMatching(/^attempt 1: rented 1 × NVIDIA .* at \$[\d.]+\/h \(pod \w+\)$/),
    expect.stringMatching(/^completed: \d+ files stored and verified$/),
  ]);
  expect(lines.some(({ text }) => /toy/i.test(text))).toBe(true);
  const losses = job.metrics.points.map(({ value }) => value);
  expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
  expect(job.script).toContain('def ');
});

test('a page of the log behind a foreign cursor is refused', async () => {
  const { query, submit } = await startTraining();
  const id = await submit();
  const logs = (after: string) =>
    query(
      'query($id: ID!, $after: LogCursor) { trainingJob(id: $id) { logs(after: $after) { hasNextPage } } }',
      {
        id,
        after,
      },
    );
  for (const cursor of ['', 'nonsense', btoa('1:l:other:3'), btoa(`1:m:${id}:3`)]) {
    const answer = await logs(cursor);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_CURSOR' });
    expect(answer.data).toMatchObject({ trainingJob: { logs: null } });
  }
});
