/** What may cost money now: open launches, and pods in quarantine. */
import { readPodName } from '../domain/job/pod-name.ts';
import type { TrainingUserError } from '../domain/training/user-error.ts';
import type { Database } from '../store/database.ts';
import { openLaunches } from '../store/launches.ts';
import { decideQuarantine, quarantinedPods } from '../store/quarantine.ts';

export interface RentedPod {
  readonly podId: string | null;
  readonly podName: string;
  readonly usdPerHour: number;
  readonly state: 'INTENDED' | 'LIVE' | 'CONDEMNED' | 'QUARANTINED';
  readonly jobId: string | null;
  readonly attempt: number | null;
  readonly since: number;
  readonly decision: 'TERMINATE' | 'KEEP' | null;
}

export interface RentedPods {
  list(): Promise<readonly RentedPod[]>;
  /** @returns what is wrong; empty: it stands */
  decide(podId: string, decision: 'TERMINATE' | 'KEEP'): Promise<readonly TrainingUserError[]>;
}

export function createRentedPods(deps: {
  readonly db: Database;
  readonly credentialId: string;
}): RentedPods {
  const { db, credentialId } = deps;
  return {
    async list() {
      const launches = await openLaunches(db, credentialId);
      const strangers = await quarantinedPods(db, credentialId);
      return [
        ...launches.map(({ podId, podName, usdPerHour, state, jobId, attempt, intendedAt }) => ({
          podId,
          podName,
          usdPerHour,
          state,
          jobId,
          attempt,
          since: intendedAt,
          decision: null,
        })),
        ...strangers.map(({ podId, podName, usdPerHour, firstSeenAt, decision }) => ({
          podId,
          podName,
          usdPerHour,
          state: 'QUARANTINED' as const,
          jobId: null,
          attempt: readPodName(podName)?.attempt ?? null,
          since: firstSeenAt,
          decision,
        })),
      ];
    },
    async decide(podId, decision) {
      if (await decideQuarantine(db, podId, decision)) return [];
      return [{ code: 'UNKNOWN', message: 'No such pod is in quarantine.', path: ['podId'] }];
    },
  };
}
