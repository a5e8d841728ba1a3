/** The server is killed and nobody starts it again: every pod ends itself, within its grace. */
import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { allOf, createWorld, SIGNING_KEY } from './world.ts';
import type { World } from './world.ts';

const GRACE_SECONDS = 2;
/** Beyond the grace: an agent that boots, looks at its clock, asks for its end. */
const MARGIN_MS = 15_000;
const BEYOND_MS = GRACE_SECONDS * 1_000 + 1_000;
const SETTINGS = {
  UPLOAD_GRACE_SECONDS: String(GRACE_SECONDS),
  OWNER_GRACE_SECONDS: String(GRACE_SECONDS),
};

async function startWorld(failpoint: string, spec: object): Promise<World> {
  const world = await createWorld({ settings: SETTINGS });
  const server = await world.begin({ failpoint, hit: 1, signal: 'SIGKILL' });
  await world.submit({ spec });
  await until('the server is gone', () => server.hasEnded(), 20_000);
  expect(server.fate()).toBe(failpoint);
  return world;
}

interface Phase {
  readonly phase: string;
  readonly step: number | null;
}

/** Null: nobody answers (any more). */
async function askAgent(world: World): Promise<Phase | null> {
  const [pod] = await world.livingPods();
  if (pod === undefined) return null;
  const token = createHmac('sha256', SIGNING_KEY).update(`agent token\n${pod.name}`).digest('hex');
  const response = await fetch(`${world.emulator.url}/__proxy/${pod.id}/8000/v1/status`, {
    headers: { authorization: `Bearer ${token}` },
  }).catch(() => null);
  return response?.status === 200 ? ((await response.json()) as Phase) : null;
}

async function untilEnded(world: World, sinceMs: number): Promise<void> {
  const deadlineMs = GRACE_SECONDS * 1_000 + MARGIN_MS;
  await until('no pod is left', async () => (await world.livingPods()).length === 0, deadlineMs);
  const [pod] = await world.control.pods();
  const endedAt = Date.parse(pod?.terminatedAt ?? '');
  expect(endedAt - sinceMs, 'not before its grace').toBeGreaterThan(GRACE_SECONDS * 1_000 - 1_000);
  expect(pod?.restarts, 'it never exits, which would restart it').toBe(0);
}

async function bootsWithoutJob(): Promise<void> {
  const world = await startWorld('rent.called', {});
  const [pod] = await world.control.pods();
  await untilEnded(world, Date.parse(pod?.createdAt ?? ''));
}

async function hasJobAndNoStart(): Promise<void> {
  const world = await startWorld('deliver.files-sent', {});
  await untilEnded(world, Date.now() - 1_000);
}

async function hasResultsThatNobodyFetches(): Promise<void> {
  const world = await startWorld('collect.decided', {});
  expect(await askAgent(world)).toMatchObject({ phase: 'SUCCEEDED' });
  await untilEnded(world, 0);
}

async function trains(): Promise<void> {
  // Longer than every grace, at some hundred steps a second.
  const world = await startWorld('deliver.started', { maxSteps: 700, checkpointSteps: 700 });
  const killedAt = Date.now();
  await until(
    'it trains beyond its graces',
    async () => {
      const seen = await askAgent(world);
      if (seen?.phase === 'SUCCEEDED') throw new Error('the training was too short for this test');
      return seen?.phase === 'RUNNING' && Date.now() - killedAt > BEYOND_MS;
    },
    30_000,
  );
  await until('it has trained', async () => (await askAgent(world))?.phase === 'SUCCEEDED', 60_000);
  await untilEnded(world, Date.now() - 1_000);
}

// They wait most of the time: all at once.
it('a pod ends itself: booting, waiting for a start, with results, and after it has trained', async () => {
  await allOf([bootsWithoutJob(), hasJobAndNoStart(), hasResultsThatNobodyFetches(), trains()]);
}, 150_000);
