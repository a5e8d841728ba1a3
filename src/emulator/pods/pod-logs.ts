/** The logs of the live pods. They live in memory: a restart begins them anew with the boot. */
import { bootLines } from './boot-log.ts';
import type { BootTimes, Pod } from './pod.ts';
import { createPodLog } from './pod-log.ts';
import type { LogSource, PodLog } from './pod-log.ts';

export interface PodLogs {
  /** The pod's log, with every line of its boot that is due: ask again to have the later ones. */
  of(pod: Pod): PodLog;
  append(pod: Pod, source: LogSource, line: string): void;
  /** Readers that are at it keep what there is. */
  drop(podId: string): void;
}

interface Entry {
  readonly log: PodLog;
  /** The boot whose lines are being written. */
  bootedAt: number;
  bootLinesWritten: number;
}

export function createPodLogs({ now, times }: { now: () => number; times: BootTimes }): PodLogs {
  const entries = new Map<string, Entry>();

  function entryOf(pod: Pod): Entry {
    const entry = entries.get(pod.id) ?? { log: createPodLog(), bootedAt: NaN, bootLinesWritten: 0 };
    entries.set(pod.id, entry);
    if (entry.bootedAt !== pod.bootedAt) {
      entry.bootedAt = pod.bootedAt;
      entry.bootLinesWritten = 0;
    }
    return entry;
  }

  function of(pod: Pod): PodLog {
    const entry = entryOf(pod);
    const until = pod.exitedAt ?? now();
    const due = bootLines(pod, times).filter(({ at }) => at <= until);
    for (const { at, text } of due.slice(entry.bootLinesWritten)) {
      entry.bootLinesWritten += 1;
      entry.log.append('system', text, at);
    }
    return entry.log;
  }

  return {
    of,
    append: (pod, source, line) => {
      of(pod).append(source, line, now());
    },
    drop: (podId) => {
      entries.delete(podId);
    },
  };
}
