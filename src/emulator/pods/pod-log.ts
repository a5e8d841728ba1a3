/** A pod's log as the platform keeps it: numbered by nobody but this file, bounded, live. */
export type LogSource = 'container' | 'system';

export interface LogEvent {
  /** `<ts>/<12 digits>`, as RunPod's event ids: ordered as text within one pod. */
  readonly id: string;
  readonly ts: string;
  readonly source: LogSource;
  readonly line: string;
}

export interface PodLog {
  append(source: LogSource, line: string): void;
  /** What is kept, oldest first. */
  events(): readonly LogEvent[];
  /** Calls back for every later event until the returned function is called. */
  subscribe(listener: (event: LogEvent) => void): () => void;
}

const MAX_EVENTS = 5_000;
const COUNTER_DIGITS = 12;

export function createPodLog(now: () => number): PodLog {
  let kept: LogEvent[] = [];
  let counter = 0;
  const listeners = new Set<(event: LogEvent) => void>();
  return {
    append(source, line) {
      counter += 1;
      const ts = new Date(now()).toISOString();
      const id = `${ts}/${String(counter).padStart(COUNTER_DIGITS, '0')}`;
      const event = { id, ts, source, line };
      kept.push(event);
      // Twice the bound and then cut: cheaper than shifting at every line.
      if (kept.length > 2 * MAX_EVENTS) kept = kept.slice(-MAX_EVENTS);
      for (const listener of listeners) listener(event);
    },
    events: () => kept.slice(-MAX_EVENTS),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
