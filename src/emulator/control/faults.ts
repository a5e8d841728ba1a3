/** The faults in force, and which of them fire at a request. */
import { createRandom } from '../random.ts';
import { Problem } from '../http/problem.ts';
import type { Fault, FaultKind, RequestFault } from './fault-schema.ts';

const MAX_FAULTS = 100;

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
  isGraphqlGone(): boolean;
  readonly isEmptied: (gpuTypeId: string, dataCenterId: string) => boolean;
  listingLagMs(): number;
  early404Ms(): number;
  sse(): SseFaults;
}

export function createFaults(seed: number): Faults {
  const random = createRandom(seed);
  let active: ActiveFault[] = [];
  let counter = 0;

  function find<K extends FaultKind>(kind: K): Extract<Fault, { kind: K }> | undefined {
    const found = active.find(({ fault }) => fault.kind === kind);
    return found?.fault as Extract<Fault, { kind: K }> | undefined;
  }

  function decides(entry: ActiveFault, fault: RequestFault): boolean {
    if (entry.seen < (fault.after ?? 0)) return false;
    if (entry.fired >= (fault.times ?? Infinity)) return false;
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
        if (!isRequestFault(fault) || !matches(fault.route, routeNames)) return entry;
        const fires = decides(entry, fault);
        if (fires) firing.push(fault);
        return { ...entry, seen: entry.seen + 1, fired: entry.fired + (fires ? 1 : 0) };
      });
      return firing;
    },
    isGraphqlGone: () => find('graphql-gone') !== undefined,
    isEmptied: (gpuTypeId, dataCenterId) =>
      active.some(
        ({ fault }) =>
          fault.kind === 'no-capacity' &&
          (fault.gpuTypeId ?? gpuTypeId) === gpuTypeId &&
          (fault.dataCenterId ?? dataCenterId) === dataCenterId,
      ),
    listingLagMs: () => find('listing-lag')?.ms ?? 0,
    early404Ms: () => find('early-404')?.ms ?? 0,
    sse: () => ({
      cutAfter: find('sse-cut')?.afterLines ?? null,
      duplicateEvery: find('sse-duplicate')?.every ?? null,
      dropEvery: find('sse-drop')?.every ?? null,
    }),
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
]);

function isRequestFault(fault: Fault): fault is RequestFault {
  return !STATE_KINDS.has(fault.kind);
}

function matches(route: string | undefined, names: readonly string[]): boolean {
  if (route === undefined) return true;
  if (!route.startsWith('* ')) return names.includes(route);
  return names.some((name) => name.endsWith(route.slice(1)));
}
