/**
 * Wakes readers when something of their job has changed. The bus does it at once; as a wake-up may
 * be lost, all jobs that are followed are also looked at once a second, in one query.
 */
import type { Bus } from '../bus/bus.ts';
import type { Database } from '../store/database.ts';
import { jobStamps } from '../store/job-heads.ts';

const JOBS_PER_QUERY = 1_000;

export interface Waker {
  /** Calls `wake` at each change of this job, perhaps without one, until the returned is called. */
  subscribe(jobId: string, wake: () => void): () => void;
  close(): void;
}

export interface WakerDeps {
  readonly db: Database;
  readonly bus: Bus;
  readonly pollMs: number;
}

export function createWaker({ db, bus, pollMs }: WakerDeps): Waker {
  const followed = new Map<string, { wakes: Set<() => void>; stamp: string; leave: () => void }>();
  let isLooking = false;

  function ring(jobId: string): void {
    for (const wake of followed.get(jobId)?.wakes ?? []) wake();
  }

  async function look(): Promise<void> {
    const ids = [...followed.keys()];
    for (let at = 0; at < ids.length; at += JOBS_PER_QUERY) {
      for (const { id, stamp } of await jobStamps(db, ids.slice(at, at + JOBS_PER_QUERY))) {
        const job = followed.get(id);
        if (job === undefined || job.stamp === stamp) continue;
        job.stamp = stamp;
        ring(id);
      }
    }
  }

  const timer = setInterval(() => {
    if (isLooking || followed.size === 0) return;
    isLooking = true;
    look()
      // The store is down: readers learn it where they read.
      .catch(() => undefined)
      .finally(() => {
        isLooking = false;
      });
  }, pollMs);
  timer.unref();

  return {
    subscribe(jobId, wake) {
      let job = followed.get(jobId);
      if (job === undefined) {
        const leave = bus.subscribe(jobId, () => {
          ring(jobId);
        });
        followed.set(jobId, (job = { wakes: new Set(), stamp: '', leave }));
      }
      const { wakes, leave } = job;
      wakes.add(wake);
      return () => {
        if (!wakes.delete(wake) || wakes.size > 0) return;
        leave();
        followed.delete(jobId);
      };
    },
    close() {
      clearInterval(timer);
    },
  };
}
