/** What is kept of a job, its attempts and the pods that were rented for it. Instants are epoch ms. */
import type { CloudTier } from '../gpu.ts';
import type { TrainingFailure } from '../training/failure.ts';
import type { JobLimits, Placement } from '../training/placement.ts';
import type { TrainingSpec } from '../training/training-spec.ts';

export const JOB_STATUSES = [
  'PENDING',
  'PROVISIONING',
  'PREPARING',
  'RUNNING',
  'COLLECTING',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];
export type EndStatus = Extract<JobStatus, 'COMPLETED' | 'FAILED' | 'CANCELLED'>;

export function hasEnded(status: JobStatus): status is EndStatus {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}

export interface JobLabel {
  readonly name: string;
  readonly value: string;
}

export interface JobProgress {
  readonly step: number;
  readonly totalSteps: number | null;
  readonly epoch: number | null;
  readonly fraction: number | null;
  readonly secondsRemaining: number | null;
}

export interface Job {
  readonly id: string;
  readonly tenantId: string;
  readonly credentialId: string;
  readonly name: string;
  readonly status: JobStatus;
  readonly statusSince: number;
  readonly statusReason: string | null;
  readonly spec: TrainingSpec;
  readonly placement: Placement;
  readonly limits: JobLimits;
  readonly labels: readonly JobLabel[];
  /** The newest attempt; 0: none yet. */
  readonly attempt: number;
  /** Consecutive failures of the current step. */
  readonly failures: number;
  readonly progress: JobProgress | null;
  readonly failure: TrainingFailure | null;
  readonly estimatedUsd: number | null;
  readonly cancelRequestedAt: number | null;
  /** A pause is wished, or there; null: neither, or it is over. */
  readonly pauseRequestedAt: number | null;
  /** All pauses since its first pod that are over. */
  readonly pausedMs: number;
  /** Attempts that a pause ended: they use up none. */
  readonly pauses: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Since when no machine was to be had; null: it was not looked for, or found. */
  readonly capacitySince: number | null;
}

export type AttemptOutcome = 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'RECLAIMED' | 'LOST' | 'PAUSED';

export interface Attempt {
  readonly jobId: string;
  readonly number: number;
  readonly spot: boolean;
  readonly gpuTypeId: string | null;
  readonly dataCenterId: string | null;
  readonly usdPerHour: number | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: AttemptOutcome | null;
  readonly exitCode: number | null;
  /** The agent's boot that got the job; null: none did. */
  readonly bootId: string | null;
  /** The last line of that boot that is stored. */
  readonly bootLine: number;
  /** Why the run looks as if it went wrong; null: it does not. */
  readonly warning: string | null;
  /** The pod's time of the last GPU sample that is stored. */
  readonly gpuSampleAt: number | null;
  /** The step of the checkpoint that its trainer was given; 0: none. Null: not decided yet. */
  readonly resumeStep: number | null;
  /** Where its trainer began; null: it has not said so. */
  readonly startStep: number | null;
  /** Since when its trainer is being stopped for a pause; null: it is not. */
  readonly stoppingSince: number | null;
}

/**
 * One create call and what became of it.
 *
 * - INTENDED   stored, perhaps sent, perhaps answered
 * - LIVE       its pod is known and works for the attempt
 * - CONDEMNED  its pod, if there is one, is to be terminated wherever it shows
 * - GONE       refused, or not seen any more for long enough; comes back as CONDEMNED if it is seen
 */
export type LaunchState = 'INTENDED' | 'LIVE' | 'CONDEMNED' | 'GONE';

export interface Launch {
  /** Unique for ever: the only handle on a pod whose create call gave no answer. */
  readonly podName: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly state: LaunchState;
  readonly gpuTypeId: string;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly spot: boolean;
  readonly usdPerHour: number;
  readonly podId: string | null;
  readonly dataCenterId: string | null;
  readonly intendedAt: number;
  /** Until then the call may still take effect, or its pod not yet be listed. */
  readonly unsureUntil: number;
  readonly liveAt: number | null;
  readonly condemnedAt: number | null;
  readonly reason: string | null;
  readonly observedAt: number | null;
  readonly absentSince: number | null;
  readonly absences: number;
  readonly terminatedAt: number | null;
  readonly goneAt: number | null;
  readonly billedUsd: number | null;
  /** The last of the platform's own log lines that is stored; '': none. */
  readonly logEventId: string;
  /** What the platform said of an image that it could not pull; null: nothing of the kind. */
  readonly imageFault: string | null;
}
