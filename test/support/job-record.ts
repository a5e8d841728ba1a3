import type { Job } from '../../src/domain/job/job.ts';

/** A job as it is when it was just submitted, but for what is said; nobody ever reads its spec. */
export function jobRecord(id: string, more: Partial<Job> = {}): Job {
  const at = Date.now();
  return {
    id,
    tenantId: 'default',
    credentialId: 'default',
    name: id,
    status: 'PENDING',
    statusSince: at,
    statusReason: null,
    spec: {} as Job['spec'],
    placement: {} as Job['placement'],
    limits: {} as Job['limits'],
    labels: [],
    attempt: 0,
    failures: 0,
    progress: null,
    failure: null,
    estimatedUsd: null,
    cancelRequestedAt: null,
    pauseRequestedAt: null,
    pausedMs: 0,
    pauses: 0,
    createdAt: at,
    startedAt: null,
    endedAt: null,
    capacitySince: null,
    ...more,
  };
}
