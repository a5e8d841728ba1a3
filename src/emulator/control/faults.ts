/** The faults in force, and which of them fire at a request. */
import { createRandom } from '../random.ts';
import { Problem } from '../http/problem.ts';
import type { Fault, FaultKind, RequestFault } from './fault-schema.ts';

const MAX_FAULTS = 100;
/** What faults call requests to the proxy in front of pods. */
export const PROXY_ROUTE = 'proxy';

export interface ActiveFault {
  readonly id: string;
  readonly fault: Fault;
  /** Requests it looked at, and those it fired at. */
  readonly seen: number;
  readonly fired: number;
}

export interface SseFaults {
  readonly cutAfter: number | null;
  readonly duplicateEvery: number | null;
  readonly dropEvery: number | null;
}

export interface Faults {
  /** @throws {Problem} 400 over a hundred */
  add(fault: Fault): ActiveFault;
  list(): readonly ActiveFault[];
  remove(id: string): boolean;
  clear(): void;
  /** The faults that fire at a request by any of these names, in the order they were added. */
  fire(routeNames: readonly string[]): readonly RequestFault[];
  /** These count as fired when they are asked for and so. */
  isGraphqlGone(): boolean;
  listingLagMs(): number;
  isTooEarly(ageMs: number): boolean;
  /** What happens to one log stream. */
  sse(): SseFaults;
  /** Counts as fired only by `onEmptied`: one placement asks about many data centres. */
  readonly isEmptied: (gpuTypeId: string, dataCenterId: string) => boolean;
  readonly onEmptied: () => void;
  /** Why a new pod never gets to run; null: it does. */
  readonly nextBootFailure: () => string | null;
  /** After how many bytes the proxy cuts an answer; null: not. Told when it did. */
  readonly proxyCutAfterBytes: () => number | null;
  readonly onProxyCut: () => void;
}

export function createFaults(seed: number): Faults {
  const random = createRandom(seed);
  let active: ActiveFault[] = [];
  let counter = 0;

  function standing<K extends FaultKind>(kind: K): readonly Extract<Fault, { kind: K }>[] {
    return active
      .filter(({ fault, fired }) => fault.kind === kind && fired < timesOf(fault))
      .map(({ fault }) => fault as Extract<Fault, { kind: K }>);
  }

  /** The first of its kind that stands, counted as fired. */
  function use<K extends FaultKind>(kind: K): Extract<Fault, { kind: K }> | undefined {
    const [fault] = standing(kind);
    active = active.map((entry) =>
      entry.fault === fault ? { ...entry, fired: entry.fired + 1 } : entry,
    );
    return fault;
  }

  function decides(entry: ActiveFault, fault: RequestFault): boolean {
    if (entry.seen < (fault.after ?? 0)) return false;
    if (entry.fired >= timesOf(fault)) return false;
    return fault.probability === undefined || random() < fault.probability;
  }

  return {
    add(fault) {
      if (active.length >= MAX_FAULTS) throw new Problem(400, `at most ${MAX_FAULTS} faults`);
      counter += 1;
      const entry: ActiveFault = { id: `fault-${counter}`, fault, seen: 0, fired: 0 };
      active.push(entry);
      return entry;
    },
    list: () => active,
    remove(id) {
      const before = active.length;
      active = active.filter((entry) => entry.id !== id);
      return active.length < before;
    },
    clear() {
      active = [];
    },
    fire(routeNames) {
      const firing: RequestFault[] = [];
      active = active.map((entry) => {
        const { fault } = entry;
        if (!isRequestFault(fault) || !matches(fault, routeNames)) return entry;
        const fires = decides(entry, fault);
        if (fires) firing.push(fault);
        return { ...entry, seen: entry.seen + 1, fired: entry.fired + (fires ? 1 : 0) };
      });
      return firing;
    },
    isGraphqlGone: () => use('graphql-gone') !== undefined,
    listingLagMs: () => use('listing-lag')?.ms ?? 0,
    isTooEarly: (ageMs) =>
      standing('early-404').some(({ ms }) => ageMs < ms) && use('early-404') !== undefined,
    sse: () => ({
      cutAfter: use('sse-cut')?.afterLines ?? null,
      duplicateEvery: use('sse-duplicate')?.every ?? null,
      dropEvery: use('sse-drop')?.every ?? null,
    }),
    isEmptied: (gpuTypeId, dataCenterId) =>
      standing('no-capacity').some(
        (fault) =>
          (fault.gpuTypeId ?? gpuTypeId) === gpuTypeId &&
          (fault.dataCenterId ?? dataCenterId) === dataCenterId,
      ),
    onEmptied: () => void use('no-capacity'),
    nextBootFailure: () => use('boot-failure')?.message ?? null,
    proxyCutAfterBytes: () => standing('proxy-cut')[0]?.afterBytes ?? null,
    onProxyCut: () => void use('proxy-cut'),
  };
}

const STATE_KINDS: ReadonlySet<FaultKind> = new Set([
  'graphql-gone',
  'listing-lag',
  'early-404',
  'no-capacity',
  'sse-cut',
  'sse-duplicate',
  'sse-drop',
  'spot-reclaim',
  'host-death',
  'restart',
  'boot-failure',
  'proxy-cut',
]);

function isRequestFault(fault: Fault): fault is RequestFault {
  return !STATE_KINDS.has(fault.kind);
}

function timesOf(fault: Fault): number {
  return ('times' in fault ? fault.times : undefined) ?? Infinity;
}

/** Where credit is asked for. */
const RENTING: readonly string[] = [
  'POST /v2/pods',
  'graphql:podRentInterruptable',
  'graphql:podFindAndDeployOnDemand',
];

function matches({ kind, route }: RequestFault, names: readonly string[]): boolean {
  if (route === undefined) {
    if (names.includes(PROXY_ROUTE)) return false;
    return kind !== 'insufficient-balance' || names.some((name) => RENTING.includes(name));
  }
  if (!route.startsWith('* ')) return names.includes(route);
  return names.some((name) => name.endsWith(route.slice(1)));
}
