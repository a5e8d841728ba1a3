import { expect, test } from 'vitest';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { appendPoints } from '../../src/store/metric-points.ts';
import { connectClient } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { until } from '../support/until.ts';

const METRICS = `subscription($jobId: ID!, $after: LogCursor) {
  trainingJobMetrics(jobId: $jobId, after: $after) {
    __typename
    ... on MetricBatch { points { seq name value step } endCursor }
    ... on StreamEnd { reason retry cursor }
  }
}`;
const CHANGED = `subscription($jobId: ID!) {
  trainingJobChanged(jobId: $jobId) { status statusReason progress { step } attempts { number } }
}`;

/** All that comes, and a promise of the end. */
function listen(url: string, query: string, variables: Record<string, unknown>) {
  const seen: Record<string, unknown>[] = [];
  const done = (async () => {
    for await (const result of connectClient(url).iterate({ query, variables })) {
      expect(result.errors).toBeUndefined();
      seen.push(...(Object.values(result.data ?? {}) as Record<string, unknown>[]));
    }
  })();
  return { seen, done };
}

test('metrics come like lines: stored ones, new ones, the end; not a number is null', async () => {
  const { url, db, bus, job, end } = await startFollowed();
  const write = async (steps: readonly number[]) => {
    const points = steps.map((step) => ({
      at: 1,
      step,
      epoch: null,
      name: 'loss',
      value: step === 2 ? null : step / 2,
    }));
    await db.transaction((tx) => appendPoints(tx, job, points));
    bus.publish(job.id);
  };
  await write([1, 2]);
  const all = listen(url, METRICS, { jobId: job.id });
  const after = encodeCursor('metrics', job.id, 1);
  const rest = listen(url, METRICS, { jobId: job.id, after });
  await until('the stored points', () => all.seen.length === 1 && rest.seen.length === 1);
  await write([3]);
  await until('the new point', () => all.seen.length === 2 && rest.seen.length === 2);
  await end();
  await Promise.all([all.done, rest.done]);
  const point = (seq: number, value: number | null) => ({ seq, name: 'loss', value, step: seq });
  const batch = (to: number, ...points: object[]) => ({
    __typename: 'MetricBatch',
    points,
    endCursor: encodeCursor('metrics', job.id, to),
  });
  const cursor = encodeCursor('metrics', job.id, 3);
  const ended = { __typename: 'StreamEnd', reason: 'JOB_ENDED', retry: false, cursor };
  expect(all.seen).toEqual([
    batch(2, point(1, 0.5), point(2, null)),
    batch(3, point(3, 1.5)),
    ended,
  ]);
  expect(rest.seen).toEqual([batch(2, point(2, null)), batch(3, point(3, 1.5)), ended]);
});

test('a job’s states come in order, fresh through and through, and the last one always', async () => {
  const { url, db, bus, job, end } = await startFollowed();
  const { seen, done } = listen(url, CHANGED, { jobId: job.id });
  await until('the state at once', () => seen.length === 1);
  expect(seen[0]).toEqual({ status: 'RUNNING', statusReason: null, progress: null, attempts: [] });
  await db.transaction(async (tx) => {
    await tx.query(
      `insert into attempts (tenant_id, job_id, number, spot, started_at, boot_line) values ('default', $1, 1, 0, 1, 0)`,
      [job.id],
    );
    await tx.query(`update jobs set status_reason = 'on attempt 1' where id = $1`, [job.id]);
  });
  bus.publish(job.id);
  await until('the change', () => seen.length === 2);
  expect(seen[1]).toMatchObject({ statusReason: 'on attempt 1', attempts: [{ number: 1 }] });
  // Wake-ups without a change are nobody's business.
  bus.publish(job.id);
  for (let step = 1; step <= 50; step += 1) {
    const progress = { step, totalSteps: 50, epoch: null, fraction: null, secondsRemaining: null };
    await db.query('update jobs set progress = $2 where id = $1', [
      job.id,
      JSON.stringify(progress),
    ]);
    bus.publish(job.id);
  }
  await end();
  await done;
  const steps = seen.slice(2).map(({ progress }) => (progress as { step: number }).step);
  expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toMatchObject({ status: 'COMPLETED', progress: { step: 50 } });
});
