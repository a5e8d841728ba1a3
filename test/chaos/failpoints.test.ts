/** The server is killed at every failpoint of the source and started again on what it left. */
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { findFailpoints } from './failpoints.ts';
import { expectInvariants } from './invariants.ts';
import { createPodByHand } from './pod-by-hand.ts';
import { allOf, createWorld, INSTALLATION_ID, settle } from './world.ts';
import type { World } from './world.ts';

const LANES = 4;
const KILL_MS = 60_000;
const CREATE = 'POST /v2/pods';

/** What leads to a failpoint that an ordinary job does not come by. */
const PROVOKED: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'checkpoint.fetched': trainUntilKilled,
  'checkpoint.intended': trainUntilKilled,
  'checkpoint.adopted': trainUntilKilled,
  'checkpoint.saved': trainUntilKilled,
  'files.removed': trainUntilKilled,
  'pause.saved': pauseAndResume,
  'pause.intended': pauseAndResume,
  'pause.stop-sent': pauseAndResume,
  'pause.checkpoint-saved': pauseAndResume,
  'resume.requested': pauseAndResume,
  'resume.saved': pauseAndResume,
  'abandon.saved': failCreate({ kind: 'status', status: 500 }),
  'adopt.found': failCreate({ kind: 'fail-after-effect' }),
  'adopt.saved': failCreate({ kind: 'fail-after-effect' }),
  'cancel.saved': async (world) => world.cancel(await world.submit()),
  'rent.refused': failCreate({ kind: 'status', status: 403 }),
  'rent.refusal-saved': failCreate({ kind: 'status', status: 403 }),
  'end.decided': async (world) => world.cancel(await world.submit()),
  'end.saved': async (world) => world.cancel(await world.submit()),
  // Its only create has effect, and then it is cancelled before anybody has seen the pod.
  'sweep.condemned': async (world) => {
    await world.control.addFault({ kind: 'hang-after-effect', route: CREATE, times: 1 });
    const job = await world.submit();
    await world.cancel(job);
  },
  'sweep.quarantined': (world) =>
    createPodByHand(world.emulator.url, `rps-${INSTALLATION_ID}-unknown-1-abcdef01`),
};

/** A step costs next to nothing, and takes its time. */
const PACE = { TOY_STEP_DELAY_MS: '20' };
/** Checkpoints far enough apart that a busy machine has one fetched before the trainer prunes it. */
const ENDLESS = { rank: 1, maxSequenceLength: 16, maxSteps: 1_000_000, checkpointSteps: 150 };

/** Checkpoints are stored meanwhile, and old ones removed. */
async function trainUntilKilled(world: World): Promise<void> {
  const before = world.kills();
  const job = await world.submit({ spec: ENDLESS });
  await until('the kill', () => world.kills() > before, KILL_MS);
  await world.cancel(job);
}

async function pauseAndResume(world: World): Promise<void> {
  const job = await world.submit({ spec: ENDLESS });
  const comes = (wanted: string) =>
    until(
      `${job.key} is ${wanted}`,
      async () => (await world.statusOf(job.id)) === wanted,
      KILL_MS,
    );
  await comes('RUNNING');
  await world.pause(job);
  await comes('PAUSED');
  await world.resume(job);
  await comes('RUNNING');
  await world.cancel(job);
}

function failCreate(fault: Readonly<Record<string, unknown>>) {
  return async (world: World) => {
    await world.control.addFault({ ...fault, route: CREATE, times: 1 });
    return world.submit();
  };
}

async function killAtEach(failpoints: readonly string[]): Promise<void> {
  const settings = { CHECKPOINT_KEEP: '1' };
  const world = await createWorld({ settings, podEnvironment: PACE });
  await (await world.begin()).end('SIGKILL');
  for (const failpoint of failpoints) await killAt(world, failpoint);
  await world.start();
  await Promise.all(provokedSoFar.get(world) ?? []);
  await settle(world);
  const figures = await expectInvariants(world);
  process.stdout.write(`failpoints ${JSON.stringify({ kills: world.kills(), ...figures })}\n`);
}

async function killAt(world: World, failpoint: string): Promise<void> {
  const server = await world.start({ failpoint, hit: 1, signal: 'SIGKILL' });
  const provoked = (PROVOKED[failpoint] ?? ((each) => each.submit()))(world);
  // It may ask while nobody answers, until the next server does.
  provokedSoFar.set(world, [...(provokedSoFar.get(world) ?? []), provoked]);
  provoked.catch(() => undefined);
  await until(`a kill at ${failpoint}`, () => server.hasEnded(), KILL_MS).catch(
    (error: unknown) => {
      throw new Error(`never hit: ${failpoint}\n${server.complaint()}`, { cause: error });
    },
  );
  expect(server.fate()).toBe(failpoint);
}

const provokedSoFar = new Map<World, readonly Promise<unknown>[]>();

describe('a server that is killed', () => {
  const all = findFailpoints();

  it('has failpoints at every step', () => {
    const steps = new Set(all.map((name) => name.split('.')[0]));
    const expected = ['adopt', 'cancel', 'collect', 'deliver', 'end', 'rent', 'submit', 'sweep'];
    expect([...steps]).toEqual(expect.arrayContaining(expected));
  });

  it('at any of them goes on where it was', async () => {
    const lanes = Array.from({ length: LANES }, (_, lane) =>
      all.filter((_name, index) => index % LANES === lane),
    );
    await allOf(lanes.map(killAtEach));
  }, 360_000);
});
