/** What is done to a canary while it sings: servers killed, sources that fail, repeat and drop. */
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../chaos/random.ts';
import type { Random } from '../chaos/random.ts';
import type { World } from '../chaos/world.ts';
import type { Plan } from './plan.ts';

type Fault = Readonly<Record<string, unknown>>;

/** Behind this share of all lines no kill is planned: readers must be there to see it. */
const LAST_KILL = 0.95;
const LOOK_MS = 20;
/** One kind of weather. */
const WEATHER_MS = [800, 4_000] as const;

/** The platform's own stream lies whenever it is needed, which is while the proxy is down. */
const LYING_PLATFORM: readonly Fault[] = [
  { kind: 'sse-duplicate', every: 3 },
  { kind: 'sse-drop', every: 50 },
  { kind: 'sse-cut', afterLines: 300 },
];
const NO_PROXY: Fault = { kind: 'status', status: 502, route: 'proxy' };
const NO_PLATFORM: Fault = { kind: 'status', status: 500, route: 'GET /v2/pods/{id}/logs' };

const WEATHERS: readonly (readonly Fault[])[] = [
  [],
  [{ kind: 'proxy-cut', afterBytes: 30_000 }],
  [{ kind: 'proxy-cut', afterBytes: 2_000 }],
  [...LYING_PLATFORM, NO_PROXY],
  [...LYING_PLATFORM, { ...NO_PROXY, probability: 0.6 }],
  [...LYING_PLATFORM, { kind: 'reset', route: 'proxy', probability: 0.5 }],
  [{ kind: 'delay', ms: 300, route: 'proxy', probability: 0.5 }],
  [{ kind: 'malformed', route: 'proxy', probability: 0.2 }],
  [
    { ...NO_PROXY, probability: 0.7 },
    { ...NO_PLATFORM, probability: 0.7 },
  ],
];

export interface Trouble {
  kills: number;
  restarts: number;
  /** Of each kind of fault, how often it came to pass. */
  readonly fired: Map<string, number>;
}

/**
 * Seeded. `delivered`: lines that have come to readers so far. `end` leaves a clear sky and a server
 * that lives.
 */
export function startTrouble(world: World, plan: Plan, delivered: () => number) {
  const trouble: Trouble = { kills: 0, restarts: 0, fired: new Map() };
  let isOver = false;
  const randomOf = (stream: number) => createRandom(plan.seed * 7_919 + stream);

  async function killServers(random: Random): Promise<void> {
    const readersOfJob = Math.max(1, Math.floor(plan.readers / plan.jobs));
    const last = Math.floor(LAST_KILL * plan.jobs * plan.lines * readersOfJob);
    const moments = Array.from({ length: plan.kills }, () => random.whole(0, last));
    for (const moment of moments.sort((a, b) => a - b)) {
      while (delivered() < moment && !isOver) await pause(LOOK_MS);
      if (isOver) return;
      await world.server().end('SIGKILL');
      trouble.kills += 1;
      await world.start();
    }
  }

  async function makeWeather(random: Random): Promise<void> {
    const { control } = world;
    while (!isOver) {
      for (const fault of random.pick(WEATHERS)) await control.addFault(fault);
      await pause(random.whole(...WEATHER_MS));
      for (const { kind, fired } of await control.faults()) {
        trouble.fired.set(kind, (trouble.fired.get(kind) ?? 0) + fired);
      }
      await control.clearFaults();
    }
  }

  /** Kills what runs in a pod that trains; its attempt is over, and the next begins anew. */
  async function restartPods(random: Random): Promise<void> {
    // All of them in the first half: what begins anew writes everything again.
    const everyMs = (500 * plan.lines) / plan.rate / Math.max(1, plan.restarts);
    while (trouble.restarts < plan.restarts && !isOver) {
      await pause(everyMs);
      const pods = (await world.livingPods()).filter(
        ({ pid, createdAt }) => pid !== null && Date.now() - Date.parse(createdAt) > everyMs,
      );
      if (pods.length === 0) continue;
      await world.control.addFault({ kind: 'restart', podId: random.pick(pods).id }).then(
        () => (trouble.restarts += 1),
        // It has ended meanwhile.
        () => undefined,
      );
    }
  }

  const all = Promise.all([
    killServers(randomOf(1)),
    makeWeather(randomOf(2)),
    restartPods(randomOf(3)),
  ]);
  all.catch(() => undefined);
  return {
    async end(): Promise<Trouble> {
      isOver = true;
      await all;
      return trouble;
    },
  };
}
