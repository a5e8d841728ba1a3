/** A store that is older than the pods of its installation: nothing unknown is ended at once. */
import { cpSync } from 'node:fs';
import { expect, it } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { SPEC } from '../support/training.ts';
import { until } from '../support/until.ts';
import { createPodByHand } from './pod-by-hand.ts';
import { createWorld, INSTALLATION_ID } from './world.ts';
import type { World } from './world.ts';

const QUARANTINE_SECONDS = 3;
const SETTINGS = { QUARANTINE_SECONDS: String(QUARANTINE_SECONDS) };
/** Trains until it is told to stop. */
const LONG = { ...SPEC, maxSteps: 1_000_000, checkpointSteps: 1_000_000 };

async function quarantined(world: World): Promise<number> {
  const text = await (await fetch(`${world.server().url ?? ''}/metrics`)).text();
  return Number(/^quarantined_pods (\d+)$/m.exec(text)?.[1] ?? 0);
}

async function decide(world: World, podId: string, decision: 'KEEP' | 'TERMINATE') {
  const answer = await world.ask(
    `mutation($podId: ID!, $decision: QuarantineDecision!) {
       decideQuarantinedPod(podId: $podId, decision: $decision) { userErrors { message } } }`,
    { podId, decision },
  );
  const payload = answer.data?.decideQuarantinedPod as unknown as { userErrors: unknown[] };
  expect(payload.userErrors).toEqual([]);
}

async function terminatedAt(world: World, podId: string): Promise<number | null> {
  const pod = (await world.control.pods()).find(({ id }) => id === podId);
  return pod?.terminatedAt == null ? null : Date.parse(pod.terminatedAt);
}

it('a pod that a restored backup has never heard of is quarantined, and then terminated', async () => {
  const world = await createWorld({ settings: SETTINGS });
  await (await world.begin()).end('SIGTERM');
  const backup = makeFolder();
  cpSync(world.environment.DATA_DIR ?? '', backup, { recursive: true });
  await world.start();
  const job = await world.submit({ spec: LONG });
  await until('it trains', async () => (await world.statusOf(job.id)) === 'RUNNING', 30_000);
  await world.server().end('SIGKILL');

  world.environment.DATA_DIR = backup;
  const restoredAt = Date.now();
  const server = await world.start();
  await until('the alarm', async () => (await quarantined(world)) === 1);
  expect(server.complaint()).toContain('a pod with our name is unknown to the store');
  const [pod] = await world.control.pods();
  const end = await until('its end', () => terminatedAt(world, pod?.id ?? ''), 20_000);
  expect(end - restoredAt).toBeGreaterThanOrEqual(QUARANTINE_SECONDS * 1_000);
  await until('the alarm is over', async () => (await quarantined(world)) === 0);
}, 90_000);

it('what is decided by hand stands; pods of others are nobody’s business', async () => {
  const world = await createWorld({ settings: SETTINGS });
  const make = (installation: string, job: string) =>
    createPodByHand(world.emulator.url, `rps-${installation}-${job}-1-abcdef01`);
  const foreign = await make('another1', 'job1');
  const kept = await make(INSTALLATION_ID, 'kept');
  const ended = await make(INSTALLATION_ID, 'ended');
  const startedAt = Date.now();
  await world.start();
  await until('both are quarantined', async () => (await quarantined(world)) === 2);
  await decide(world, kept, 'KEEP');
  await decide(world, ended, 'TERMINATE');
  const end = await until('one is terminated', () => terminatedAt(world, ended));
  expect(end - startedAt).toBeLessThan(QUARANTINE_SECONDS * 1_000);
  const late = await make(INSTALLATION_ID, 'late');
  await until('one that came later is terminated', () => terminatedAt(world, late), 20_000);
  expect(await terminatedAt(world, kept)).toBeNull();
  expect(await terminatedAt(world, foreign)).toBeNull();
}, 60_000);
