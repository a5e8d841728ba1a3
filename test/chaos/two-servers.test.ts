/** Two servers on one PostgreSQL; one is stopped in the middle of its steps, past its lease. */
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { freshPostgres, hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { expectInvariants } from './invariants.ts';
import { startServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';
import { createWorld, ENDED, settle } from './world.ts';
import type { World } from './world.ts';

const STOPS = [
  'rent.called',
  'deliver.job-sent',
  'rent.intended',
  'deliver.intended',
  'deliver.started',
  'observe.lines-saved',
  'collect.decided',
  'collect.fetched',
  'terminate.intended',
];
const QUICK_STOPS = 2;
const MAX_JOBS = 12;
const LONG_LEASE = { LEASE_SECONDS: '8' };

async function startPair(settings: Readonly<Record<string, string>> = {}): Promise<World> {
  const world = await createWorld({
    settings: {
      DATABASE_URL: await freshPostgres(),
      ARTIFACT_FOLDER_SHARED: 'true',
      ARTIFACT_URL: makeFolder(),
      ...settings,
    },
  });
  await world.begin();
  return world;
}

/** Another server beside the one that answers, with a folder of its own. */
function startSecond(world: World, failpoint: string): Promise<ServerProcess> {
  const settings = { ...world.environment, DATA_DIR: makeFolder() };
  return startServer(settings, { failpoint, hit: 1, signal: 'SIGSTOP' });
}

/** Either server may take a job: they come one by one until the second one has stopped. */
async function submitUntilStopped(world: World, second: ServerProcess): Promise<void> {
  for (let count = 0; count < MAX_JOBS && second.fate() === null; count += 1) {
    // Whoever is told of a job looks first.
    const job = await world.submit({}, second);
    await until(
      'the second server stops, or the job ends without it',
      async () => second.fate() !== null || ENDED.has(await world.statusOf(job.id)),
      40_000,
    );
  }
  expect(second.fate(), second.complaint()).not.toBeNull();
}

async function haveAllEnded(world: World): Promise<boolean> {
  for (const { id } of world.jobs) if (!ENDED.has(await world.statusOf(id))) return false;
  return true;
}

describe.skipIf(!hasPostgres)(`two servers${POSTGRES_MISSING}`, () => {
  const stops = process.env.CHAOS_SEEDS === undefined ? STOPS.slice(0, QUICK_STOPS) : STOPS;

  it(`one that sleeps past its lease changes nothing (${stops.join(', ')})`, async () => {
    const world = await startPair();
    for (const failpoint of stops) {
      const second = await startSecond(world, failpoint);
      await submitUntilStopped(world, second);
      await until('the first has done it all', () => haveAllEnded(world), 40_000);
      second.signal('SIGCONT');
      // Its steps go on from where they stood, and are over when it has closed.
      await second.end('SIGTERM');
    }
    await settle(world);
    const figures = await expectInvariants(world);
    process.stdout.write(`two servers ${JSON.stringify({ stops: stops.length, ...figures })}\n`);
  }, 180_000);

  it('a cancellation that one accepts wins over the completion that the other saves', async () => {
    const world = await startPair(LONG_LEASE);
    const second = await startSecond(world, 'collect.fetched');
    await submitUntilStopped(world, second);
    const job = world.jobs.at(-1);
    if (job === undefined) throw new Error('no job was submitted');
    await world.cancel(job);
    expect(job.isCancelled).toBe(true);
    second.signal('SIGCONT');
    await until('the job has ended', () => haveAllEnded(world), 30_000);
    expect(await world.statusOf(job.id)).toBe('CANCELLED');
    await second.end('SIGTERM');
    await settle(world);
    await expectInvariants(world);
  }, 90_000);
});
