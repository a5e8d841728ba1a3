/** A job, its pod and its agent as they are seen, but for what a test says. */
import type { JobStatus } from '../../src/domain/job/job.ts';
import { nextStep } from '../../src/domain/job/next-step.ts';
import type { AgentSeen, PodSeen, Situation, StepPolicy } from '../../src/domain/job/next-step.ts';

export const POLICY: StepPolicy = {
  tickMs: 5_000,
  followMs: 1_000,
  capacityMs: 60_000,
  provisioningMs: 60_000,
  preparingMs: 60_000,
  collectingMs: 60_000,
  pausingMs: 60_000,
  absences: 3,
  absentMs: 20_000,
};
export const NOW = 1_000_000;
export const LIVE = {
  state: 'LIVE',
  spot: false,
  unsureUntil: NOW,
  liveAt: NOW - 1_000,
  imageFault: null,
} as const;
export const INTENDED = {
  state: 'INTENDED',
  spot: false,
  unsureUntil: NOW + 1,
  liveAt: null,
  imageFault: null,
} as const;
export const HERE: PodSeen = { kind: 'present', hasEnded: false, isReady: true };
export const UNKNOWN: PodSeen = { kind: 'unknown' };
export const GONE: PodSeen = { kind: 'absent', since: NOW - 20_000, times: 3 };

type Speaking = Extract<AgentSeen, { kind: 'speaks' }>;
export function speaks(phase: Speaking['phase'], more: Partial<Speaking> = {}): Speaking {
  return {
    kind: 'speaks',
    bootId: 'boot',
    phase,
    exitCode: null,
    failure: null,
    isStopped: false,
    isEnvironmental: false,
    isLogStored: true,
    ...more,
  };
}

export function situation(
  status: JobStatus,
  more: Partial<Omit<Situation, 'job'>> = {},
  job: Partial<Situation['job']> = {},
): Situation {
  return {
    now: NOW,
    job: {
      status,
      statusSince: NOW - 1_000,
      cancelRequestedAt: null,
      pauseRequestedAt: null,
      pausedMs: 0,
      pauses: 0,
      attempt: 1,
      failures: 0,
      startedAt: NOW - 1_000,
      capacitySince: null,
      limits: { maxRuntimeSeconds: 3_600, maxCostUsd: 10, maxAttempts: 3 },
      ...job,
    },
    launch: status === 'PENDING' ? null : LIVE,
    bootId: 'boot',
    stoppingSince: null,
    isCheckpointLeft: false,
    warning: null,
    isPodLeft: false,
    usdSoFar: 0,
    pod: HERE,
    agent: { kind: 'silent' },
    ...more,
  };
}

export const step = (...args: Parameters<typeof situation>) => nextStep(situation(...args), POLICY);
