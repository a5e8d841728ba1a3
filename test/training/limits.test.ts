/** Jobs that end at a limit while they train: what the owner is told, and what they are left with. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import type { SeenJob } from '../support/training.ts';
import { printTable } from './print-table.ts';
import { mountSmallDisk } from './small-disk.ts';
import { startTraining, TRAINING_MS } from './training-world.ts';
import type { TrainingWorld } from './training-world.ts';

/** It trains until something ends it. */
const ENDLESS = { maxSteps: 100_000, checkpointSteps: 20 };
/** To import the libraries, and to reach a few checkpoints behind that. */
const SECONDS = 90;
/** What an RTX 4090 costs in about that time. */
const USD = 0.0185;
const MIB = 1024 ** 2;

const rows: string[][] = [];

afterAll(() => {
  printTable(['code', 'provoked by', 'what is told', 'steps', 'checkpoints left'], rows);
});

function markersOf({ artifacts }: SeenJob): SeenJob['artifacts'] {
  return artifacts.filter(({ path }) => path.endsWith('/COMPLETE'));
}

const hasCheckpoint = (job: SeenJob) => markersOf(job).length > 0;

/** The checkpoints and the log that were stored before the end can be had after it. */
async function expectKept(world: TrainingWorld, job: SeenJob): Promise<void> {
  expect(hasCheckpoint(job)).toBe(true);
  for (const { downloadUrl, sha256 } of job.artifacts) {
    const response = await fetch(downloadUrl);
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  }
  const lines = (await world.log(job.id)).map(({ text }) => text);
  expect(lines).toContainEqual(expect.stringMatching(/^checkpoint \d+ stored/));
  expect((await world.losses(job.id)).length).toBeGreaterThan(0);
}

function note(title: string, job: SeenJob): void {
  const { code = '', message = '' } = job.failure ?? {};
  const kept = markersOf(job).map(({ path }) => path.split('/')[1]);
  rows.push([code, title, message, `${job.progress?.step ?? 0}`, kept.join(' ')]);
}

test.each([
  {
    title: 'a runtime that is shorter than its steps take',
    limits: { maxRuntimeSeconds: SECONDS },
    code: 'RUNTIME_LIMIT',
    told: `The job's limit of ${SECONDS} seconds is reached.`,
  },
  {
    title: 'money for less than its steps cost',
    limits: { maxCostUsd: USD },
    code: 'BUDGET_EXHAUSTED',
    told: `The job's limit of $${USD} is reached.`,
  },
])('$title', async ({ title, limits, code, told }) => {
  const world = await startTraining();
  const placement = { gpuResourceIds: ['NVIDIA GeForce RTX 4090'] };
  const id = await world.submit(ENDLESS, { placement, limits });
  const job = await world.ended(id);
  note(title, job);
  expect(job).toMatchObject({ status: 'FAILED', failure: { code, message: told } });
  expect(job.attempts).toHaveLength(1);
  expect(job.cost.usdSoFar).toBeGreaterThanOrEqual(limits.maxCostUsd ?? 0);
  await expectKept(world, job);
});

test('a disk that fills up while it trains', async ({ task, skip }) => {
  const dataDir = makeFolder();
  // Where the emulator's pods have their disks.
  const disk = mountSmallDisk(join(dataDir, 'emulator/pods'), 256 * MIB);
  if (disk.kind === 'refused') {
    skip(`a small file system cannot be mounted here: ${disk.reason}`);
    return;
  }
  const world = await startTraining({ DATA_DIR: dataDir });
  const id = await world.submit(ENDLESS);
  await world.jobThat(id, hasCheckpoint, TRAINING_MS);
  // A log can still be written, a checkpoint cannot.
  disk.fill(8 * MIB);
  const job = await world.ended(id);
  note(task.name, job);
  expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'DISK_FULL' } });
  expect(job.failure?.message).toMatch(/A checkpoint needs 0\.1 GB; 0\.0 GB are free/);
  expect(job.attempts).toMatchObject([{ outcome: 'FAILED', exitCode: 14 }]);
  await expectKept(world, job);
  const lines = (await world.log(id)).map(({ text }) => text);
  expect(lines).toContain('the disk is nearly full: older checkpoints go');
});
