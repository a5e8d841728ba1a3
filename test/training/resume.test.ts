/** A run that loses its pods ends as one that keeps its own. */
import { expect, test } from 'vitest';
import type { SeenJob } from '../support/training.ts';
import { until } from '../support/until.ts';
import { printTable } from './print-table.ts';
import {
  compareAdapters,
  downloadAdapter,
  startTraining,
  trained,
  TRAINING_MS,
} from './training-world.ts';

const STEPS = 120;
const LONG = { maxSteps: STEPS, checkpointSteps: 6, batchSize: 2, learningRate: 0.001 };
const SPOT = { placement: { spot: true, gpuResourceIds: ['NVIDIA GeForce RTX 4090'] } };
/** As much as sums in another order may differ, against the largest weight. */
const TOLERANCE = 1e-5;

function checkpointsOf({ artifacts }: SeenJob): readonly number[] {
  return artifacts.flatMap(({ path }) => {
    const [, step] = /^checkpoints\/checkpoint-(\d+)\/COMPLETE$/.exec(path) ?? [];
    return step === undefined ? [] : [Number(step)];
  });
}

test('three reclaims in one job: it completes, with the adapter of an uninterrupted run', async () => {
  const world = await startTraining({ MAX_ATTEMPTS: '4' });
  const undisturbed = await world.submit(LONG);
  const id = await world.submit(LONG, SPOT);
  const rows: string[][] = [];
  let reached = 0;
  for (const number of [1, 2, 3]) {
    const job = await world.jobThat(
      id,
      (each) => each.attempts.length === number && Math.max(0, ...checkpointsOf(each)) > reached,
      TRAINING_MS,
    );
    reached = Math.max(...checkpointsOf(job));
    await world.emulator.addFault({ kind: 'spot-reclaim', mode: 'vanish' });
    const next = await world.jobThat(
      id,
      ({ attempts }) => attempts.length === number + 1,
      TRAINING_MS,
    );
    // Never further back than what was stored.
    expect(next.progress?.step).toBeGreaterThanOrEqual(reached);
    rows.push([`${number}`, 'RECLAIMED', `${reached}`, `${next.progress?.step ?? 0}`]);
  }
  const job = await trained(world, id);
  expect(job.attempts.map(({ outcome }) => outcome)).toEqual([
    'RECLAIMED',
    'RECLAIMED',
    'RECLAIMED',
    'SUCCEEDED',
  ]);
  expect(job.progress).toMatchObject({ step: STEPS, totalSteps: STEPS });
  const reference = await trained(world, undisturbed);
  const [a, b] = [await downloadAdapter(reference), await downloadAdapter(job)];
  const { difference, largest } = await compareAdapters(a, b);
  rows.push(['4', 'SUCCEEDED', '', `adapters differ by ${difference} of ${largest}`]);
  printTable(['attempt', 'outcome', 'checkpoint stored', 'went on from'], rows);
  expect(difference).not.toBeNull();
  expect(difference).toBeLessThanOrEqual(TOLERANCE * largest);
  await until('every pod is terminated', async () =>
    (await world.emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
  );
  const pods = (await world.emulator.pods()).filter(({ name }) => name.includes(id));
  expect(pods).toHaveLength(4);
  const accrued = pods.reduce((sum, { usdAccrued }) => sum + usdAccrued, 0);
  const { cost } = await world.jobThat(id, () => true);
  // Each pod is charged from its own birth to its own end, which are seen a little later.
  expect(Math.abs(cost.usdSoFar - accrued)).toBeLessThan(0.74 * 4 * (10 / 3_600));
}, 1_800_000);
