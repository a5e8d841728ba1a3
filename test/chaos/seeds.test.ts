/**
 * Random chaos, the same for the same seed as far as processes allow: the platform lies, the network
 * breaks, pods die, callers cancel, and the server is killed at random failpoints. Two seeds run
 * with every `npm test`, for a shorter time; all ten by `npm run test:chaos`; some by
 * `CHAOS_SEEDS=101,202`.
 */
import { expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { expectInvariants } from './invariants.ts';
import { createPodByHand } from './pod-by-hand.ts';
import { createRandom } from './random.ts';
import type { Random } from './random.ts';
import { allOf, createWorld, ENDED, settle } from './world.ts';
import type { World } from './world.ts';

const SEEDS = [101, 202, 303, 404, 505, 606, 707, 808, 909, 1010];
const QUICK_SEEDS = 2;
const AT_A_TIME = 2;
const SPOT_JOBS = 2;
const { JOBS, KILLS, EVENTS } = process.env.CHAOS_SEEDS
  ? { JOBS: 8, KILLS: 6, EVENTS: 10 }
  : { JOBS: 4, KILLS: 3, EVENTS: 5 };
/** Failpoints that are come by between two events. */
const MAX_GAP = 12;
const LAG_MS = 1_000;
const CHAOS_MS = 60_000;

const CREATES = ['POST /v2/pods', 'graphql:podRentInterruptable'];

/** Probabilities as the promise names them, times shortened with the server's own. */
const FAULTS: readonly Readonly<Record<string, unknown>>[] = [
  ...CREATES.flatMap((route) => [
    { kind: 'fail-after-effect', route, probability: 0.3 },
    { kind: 'hang-after-effect', route, probability: 0.1 },
    { kind: 'status', status: 500, route, probability: 0.05 },
  ]),
  { kind: 'rate-limited', route: 'POST /v2/pods', probability: 0.05 },
  { kind: 'rate-limited', route: 'GET /v2/pods', probability: 0.03 },
  { kind: 'status', status: 502, route: 'GET /v2/pods', probability: 0.05 },
  { kind: 'hang', route: 'GET /v2/pods', probability: 0.02 },
  { kind: 'status', status: 500, route: 'DELETE /v2/pods/{id}', probability: 0.1 },
  { kind: 'fail-after-effect', route: 'DELETE /v2/pods/{id}', probability: 0.1 },
  { kind: 'hang-after-effect', route: 'DELETE /v2/pods/{id}', probability: 0.05 },
  { kind: 'status', status: 404, route: 'DELETE /v2/pods/{id}', probability: 0.05 },
  { kind: 'early-404', ms: 500 },
  { kind: 'status', status: 502, route: 'proxy', probability: 0.05 },
  { kind: 'reset', route: 'proxy', probability: 0.05 },
  { kind: 'fail-after-effect', route: 'proxy', probability: 0.03 },
  { kind: 'delay', ms: 300, route: 'proxy', probability: 0.05 },
  { kind: 'proxy-cut', afterBytes: 3_000, times: 5 },
  { kind: 'boot-failure', times: 1 },
];

interface Story {
  faults: number;
  events: number;
}

/** What is done to the world at its next event. */
type Deed = (world: World, random: Random) => Promise<unknown>;

const DEEDS: readonly Deed[] = [
  cancelOne,
  cancelOne,
  cancelOne,
  (world, random) => hurtPod(world, random, (podId) => ({ kind: 'host-death', podId })),
  (world, random) =>
    hurtPod(world, random, (podId) => ({ kind: 'host-death', podId, mode: 'vanish' })),
  (world, random) => hurtPod(world, random, (podId) => ({ kind: 'restart', podId, wipe: true })),
  (world, random) => hurtPod(world, random, (podId) => ({ kind: 'restart', podId })),
  duplicatePod,
  duplicatePod,
  (world, random) => world.pause(random.pick(world.jobs)),
  (world, random) => world.pause(random.pick(world.jobs)),
  (world, random) => world.resume(random.pick(world.jobs)),
  (world) => world.control.addFault({ kind: 'spot-reclaim' }),
  (world) => world.control.addFault({ kind: 'spot-reclaim', mode: 'vanish' }),
];

async function cancelOne(world: World, random: Random): Promise<void> {
  await world.cancel(random.pick(world.jobs));
}

/** Another pod with the name of a living one, as a create that was repeated would make. */
async function duplicatePod(world: World, random: Random): Promise<void> {
  const pods = await world.livingPods();
  if (pods.length === 0) return;
  await createPodByHand(world.emulator.url, random.pick(pods).name).catch(() => undefined);
}

async function hurtPod(
  world: World,
  random: Random,
  fault: (podId: string) => Readonly<Record<string, unknown>>,
): Promise<void> {
  const pods = (await world.livingPods()).filter(({ pid }) => pid !== null);
  if (pods.length === 0) return;
  // It may be gone by now.
  await world.control.addFault(fault(random.pick(pods).id)).catch(() => undefined);
}

/** Resolves after so many failpoints, or once nothing more is to come. */
async function passFailpoints(world: World, count: number, isOver: () => boolean): Promise<void> {
  let left = count;
  const stop = world.onHit(() => (left -= 1));
  await until('failpoints go by', () => left <= 0 || isOver(), CHAOS_MS).finally(stop);
}

async function haveJobsEnded(world: World): Promise<boolean> {
  for (const { id } of world.jobs) if (!ENDED.has(await world.statusOf(id))) return false;
  return true;
}

/** `all`, or some by their numbers. */
function chooseSeeds(wish: string | undefined): readonly number[] {
  if (wish === undefined) return SEEDS.slice(0, QUICK_SEEDS);
  return wish === 'all' ? SEEDS : wish.split(',').map(Number);
}

async function runSeed(seed: number): Promise<void> {
  const random = createRandom(seed);
  const world = await createWorld({ seed });
  await (await world.begin()).end('SIGKILL');
  for (const fault of FAULTS) await world.control.addFault(fault);
  await world.control.addFault({ kind: 'listing-lag', ms: random.whole(0, LAG_MS) });
  const story: Story = { faults: 0, events: 0 };
  let isOver = false;

  const submissions = Array.from({ length: JOBS }, (_, index) =>
    world.submit(index < SPOT_JOBS ? { placement: SPOT } : {}),
  );
  const lives = liveThroughKills(world, random, () => isOver);
  await Promise.all(submissions);
  const deeds = doDeeds(world, random, story, () => isOver);
  await until(
    'the jobs have ended, or the chaos has',
    async () => {
      return (await haveJobsEnded(world)) || story.events >= EVENTS;
    },
    CHAOS_MS,
  );
  isOver = true;
  await Promise.all([lives, deeds]);
  story.faults = (await world.control.faults()).reduce((sum, { fired }) => sum + fired, 0);
  await world.control.clearFaults();
  for (const job of world.jobs) await world.resume(job);
  await settle(world);
  const figures = await expectInvariants(world, LAG_MS);
  const kills = world.kills();
  process.stdout.write(`chaos ${JSON.stringify({ seed, kills, ...story, ...figures })}\n`);
}

const SPOT = { gpuCount: 1, cloud: 'SECURE', spot: true };

async function liveThroughKills(
  world: World,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  for (let life = 0; life < KILLS && !isOver(); life += 1) {
    const plan = { failpoint: null, hit: random.whole(3, 25), signal: 'SIGKILL' } as const;
    const server = await world.start(plan);
    await until('the next kill', () => server.hasEnded() || isOver(), CHAOS_MS);
    if (!server.hasEnded()) await server.end('SIGKILL');
  }
  await world.start();
}

async function doDeeds(
  world: World,
  random: Random,
  story: Story,
  isOver: () => boolean,
): Promise<void> {
  while (story.events < EVENTS && !isOver()) {
    await passFailpoints(world, random.whole(1, MAX_GAP), isOver);
    await random.pick(DEEDS)(world, random);
    story.events += 1;
  }
}

const chosen = chooseSeeds(process.env.CHAOS_SEEDS);
const groups = Array.from({ length: Math.ceil(chosen.length / AT_A_TIME) }, (_, group) =>
  chosen.slice(group * AT_A_TIME, (group + 1) * AT_A_TIME),
);

it.each(groups.map((seeds) => ({ seeds })))(
  'seeds $seeds: every job ends once and no pod is left',
  async ({ seeds }) => {
    expect(seeds.length).toBeGreaterThan(0);
    await allOf(seeds.map(runSeed));
  },
  240_000,
);
