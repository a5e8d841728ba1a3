/** Brings pods up by the clock: what their system logs say meanwhile, and at last their containers. */
import type { Containers } from '../containers/containers.ts';
import { commandOf } from './pod.ts';
import type { BootTimes, Pod } from './pod.ts';
import type { PodLog } from './pod-log.ts';

export interface BootsDeps {
  readonly boot: BootTimes;
  readonly containers: Containers;
  readonly logOf: (podId: string) => PodLog;
}

export interface Boots {
  /** `ageMs`: how far it came before, where an emulator goes on with it. */
  begin(pod: Pod, ageMs?: number): void;
  cancel(podId: string): void;
  close(): void;
}

export function createBoots({ boot, containers, logOf }: BootsDeps): Boots {
  const timers = new Map<string, NodeJS.Timeout[]>();

  function cancel(podId: string): void {
    timers.get(podId)?.forEach(clearTimeout);
    timers.delete(podId);
  }

  function later(podId: string, ms: number, act: () => void): void {
    const timer = setTimeout(act, Math.max(0, ms));
    timer.unref();
    timers.set(podId, [...(timers.get(podId) ?? []), timer]);
  }

  function run(pod: Pod): void {
    timers.delete(pod.id);
    const log = logOf(pod.id);
    if (commandOf(pod.spec).length > 0) containers.start(pod, log);
    else log.append('system', 'start container');
  }

  return {
    begin(pod, ageMs = 0) {
      const { id, spec, bootFailure } = pod;
      const { provisioningMs, startingMs } = boot;
      cancel(id);
      const say = (line: string): void => {
        logOf(id).append('system', line);
      };
      say(`create container ${spec.image}`);
      later(id, provisioningMs - ageMs, () => {
        say(bootFailure ?? `${spec.image} Pulling from registry`);
      });
      if (bootFailure !== null) return;
      later(id, provisioningMs + startingMs - ageMs, () => {
        run(pod);
      });
    },
    cancel,
    close() {
      for (const podId of timers.keys()) cancel(podId);
    },
  };
}
