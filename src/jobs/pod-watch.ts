/** The newest listing of all pods, shared by everything that looks at pods: one call a tick. */
import type { Platform, Pod } from '../datasources/platform.ts';
import { AppError } from '../errors.ts';

export interface Listing {
  /** When it was asked for: what was created before should be in it, but for the platform's lag. */
  readonly takenAt: number;
  readonly pods: readonly Pod[];
  readonly byName: ReadonlyMap<string, readonly Pod[]>;
}

export interface PodWatch {
  /** Null: there is none that is fresh enough to say anything. */
  latest(): Listing | null;
  /** Asks the platform. Null: it did not answer, which says nothing about any pod. */
  refresh(signal: AbortSignal): Promise<Listing | null>;
}

export interface PodWatchDeps {
  readonly platform: Platform;
  readonly maxAgeMs: number;
  readonly now: () => number;
  readonly onFailure: (error: AppError) => void;
}

export function createPodWatch({ platform, maxAgeMs, now, onFailure }: PodWatchDeps): PodWatch {
  let listing: Listing | null = null;
  return {
    latest() {
      if (listing === null) return null;
      // A negative age: the clock was set back, and the listing may be of any age.
      const ageMs = now() - listing.takenAt;
      return ageMs >= 0 && ageMs <= maxAgeMs ? listing : null;
    },
    async refresh(signal) {
      const takenAt = now();
      try {
        // Money depends on it: it is made seldom when the budget is short, and never given up.
        const listed = await platform.listPods({ signal, urgency: 'interactive' });
        const pods = listed.filter(({ status }) => status !== 'TERMINATED');
        listing = { takenAt, pods, byName: Map.groupBy(pods, ({ name }) => name) };
        return listing;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        onFailure(error);
        return null;
      }
    },
  };
}
