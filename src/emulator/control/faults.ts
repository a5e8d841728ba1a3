/** The faults that tests have asked for, and the decision which of them fire. */
import type { Fault, FaultKind, FaultOf } from './fault-schema.ts';

export const MAX_FAULTS = 100;

/** A fault, and how often it has fired. */
export type FaultReport = Fault & { readonly id: string; readonly fired: number };

/**
 * The faults that can meet one request.
 *
 * `take` finds the first of these kinds, in the order they were posted, that accepts the occasion
 * and fires; asking counts as an occasion, so ask once for each thing that can go wrong.
 */
export interface RequestFaults {
  take<K extends FaultKind>(
    kinds: readonly K[],
    accepts?: (fault: FaultOf<K>) => boolean,
  ): FaultOf<K> | null;
}

export interface Faults {
  /** Null: there are {@link MAX_FAULTS} already. */
  add(fault: Fault): FaultReport | null;
  list(): readonly FaultReport[];
  /** False: there is none with this id. */
  remove(id: string): boolean;
  clear(): void;
  /** @param names the route's names, the most general one included */
  forRequest(names: readonly string[]): RequestFaults;
  /** Decides one occasion of one fault outside of a request. */
  fires(id: string): boolean;
}

interface Entry {
  readonly id: string;
  readonly fault: Fault;
  occasions: number;
  fired: number;
}

/** @param random chances, in [0, 1) */
export function createFaults(random: () => number): Faults {
  const entries = new Map<string, Entry>();
  let added = 0;

  function fires(entry: Entry): boolean {
    const { times = Infinity, after = 0, probability = 1 } = entry.fault;
    if (entry.fired >= times) return false;
    entry.occasions += 1;
    if (entry.occasions <= after || random() >= probability) return false;
    entry.fired += 1;
    return true;
  }

  return {
    add(fault) {
      if (entries.size >= MAX_FAULTS) return null;
      added += 1;
      const entry: Entry = { id: `fault-${added}`, fault, occasions: 0, fired: 0 };
      entries.set(entry.id, entry);
      return report(entry);
    },
    list: () => [...entries.values()].map(report),
    remove: (id) => entries.delete(id),
    clear: () => {
      entries.clear();
    },
    fires(id) {
      const entry = entries.get(id);
      return entry !== undefined && fires(entry);
    },
    forRequest: (names) => ({
      take(kinds, accepts = () => true) {
        for (const entry of entries.values()) {
          const { fault } = entry;
          if (!isOfKind(fault, kinds) || !meets(fault, names) || !accepts(fault)) continue;
          if (fires(entry)) return fault;
        }
        return null;
      },
    }),
  };
}

function report({ id, fault, fired }: Entry): FaultReport {
  return { ...fault, id, fired };
}

function isOfKind<K extends FaultKind>(fault: Fault, kinds: readonly K[]): fault is FaultOf<K> {
  return (kinds as readonly FaultKind[]).includes(fault.kind);
}

function meets(fault: Fault, names: readonly string[]): boolean {
  const route = 'route' in fault ? fault.route : undefined;
  return route === undefined || names.includes(route);
}
