/** Wake-ups within one process. */
import type { Bus } from './bus.ts';

export function createMemoryBus(): Bus {
  const listeners = new Map<string, Set<() => void>>();
  return {
    publish(jobId) {
      // Later, so that nobody who publishes runs a reader's code.
      setImmediate(() => {
        for (const wake of listeners.get(jobId) ?? []) wake();
      });
    },
    subscribe(jobId, wake) {
      let wakes = listeners.get(jobId);
      if (wakes === undefined) listeners.set(jobId, (wakes = new Set()));
      wakes.add(wake);
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && listeners.get(jobId) === wakes) listeners.delete(jobId);
      };
    },
    close() {
      listeners.clear();
      return Promise.resolve();
    },
  };
}
