/** Carries out what {@link nextStep} decided for one leased job. */
import type { PodAgent } from '../datasources/pod-agent.ts';
import { AppError } from '../errors.ts';
import type { Step } from '../domain/job/next-step.ts';
import { makeFailure } from '../domain/training/failure.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { condemnLaunches } from '../store/launches.ts';
import { collectJob } from './collect.ts';
import type { StoringDeps } from './checkpoints.ts';
import { deliverJob } from './deliver.ts';
import type { DeliverDeps } from './deliver.ts';
import { end, knownPods } from './end-attempt.ts';
import type { EndDeps, EndStep } from './end-attempt.ts';
import type { Observed } from './observe.ts';
import { resumeJob, saveLastCheckpoint, stopTrainer } from './pause.ts';
import type { PauseDeps } from './pause.ts';
import type { Renter } from './rent.ts';

export interface PerformDeps extends EndDeps {
  readonly renter: Renter;
  readonly deliver: DeliverDeps;
  readonly collect: StoringDeps;
  readonly pause: PauseDeps;
  readonly tickMs: number;
  readonly followMs: number;
  /** Creations without an answer after which a job fails. */
  readonly maxRentFailures: number;
}

/** @returns when the job is to be looked at again; null: never */
export async function perform(
  deps: PerformDeps,
  lease: Lease,
  step: Step,
  seen: Observed,
  signal: AbortSignal,
): Promise<number | null> {
  switch (step.kind) {
    case 'rest':
      return null;
    case 'wait':
      await settle(deps, lease, step);
      return step.dueInMs;
    case 'rent':
      return rent(deps, lease, seen, signal);
    case 'adopt':
      if (seen.launch !== null && seen.found !== null) {
        deps.failpoint('adopt.found');
        await deps.renter.adopt(lease, seen.launch.podName, seen.found);
        deps.failpoint('adopt.saved');
      }
      return 0;
    case 'abandon':
      return abandon(deps, lease);
    case 'deliver':
      if (seen.agent !== null && seen.status !== null) {
        return deliver(deps, lease, seen.agent, seen.status.bootId, seen, signal);
      }
      return 0;
    case 'stop':
      await stopTrainer(deps.pause, lease, seen.agent, signal);
      return deps.followMs;
    case 'save':
      return save(deps, lease, seen, signal);
    case 'resume':
      await resumeJob(deps.pause, lease);
      return 0;
    case 'idle':
      return step.dueInMs;
    case 'collect':
      return collect(deps, lease, seen, signal);
    case 'end':
      await end(deps, lease, step, seen, signal);
      return deps.followMs;
  }
}

async function settle(
  { db, now }: PerformDeps,
  lease: Lease,
  { status, reason }: Extract<Step, { kind: 'wait' }>,
): Promise<void> {
  const { job } = lease;
  if (job.status === status && job.statusReason === reason) return;
  await fenced(db, lease, (tx, current) =>
    patchJob(tx, current, { status, statusReason: reason }, now()),
  );
}

async function rent(
  deps: PerformDeps,
  lease: Lease,
  seen: Observed,
  signal: AbortSignal,
): Promise<number | null> {
  if (lease.job.failures >= deps.maxRentFailures) {
    const message = 'The platform gave no answer to the creation of a pod, again and again.';
    await endFailed(deps, lease, seen, makeFailure('PLATFORM_UNAVAILABLE', message), signal);
    return deps.followMs;
  }
  const result = await deps.renter.rent(lease, seen.launches, signal);
  switch (result.kind) {
    case 'rented':
      return deps.followMs;
    case 'unknown':
      return deps.tickMs;
    case 'later':
      await waitForMachine(deps, lease, result.reason);
      return result.ms;
    case 'failed':
      await endFailed(deps, lease, seen, result.failure, signal);
      return deps.followMs;
  }
}

/** The wait for a machine begins when none was to be had for the first time. */
async function waitForMachine(
  { db, now }: PerformDeps,
  lease: Lease,
  statusReason: string,
): Promise<void> {
  await fenced(db, lease, (tx, current) => {
    const at = now();
    const capacitySince = current.capacitySince ?? at;
    return patchJob(tx, current, { status: 'PENDING', capacitySince, statusReason }, at);
  });
}

/** A dataset that is gone will not come back, however long the pod waits. */
async function deliver(
  deps: PerformDeps,
  lease: Lease,
  agent: PodAgent,
  bootId: string,
  seen: Observed,
  signal: AbortSignal,
): Promise<number> {
  try {
    await deliverJob(deps.deliver, lease, agent, bootId, signal);
    return 0;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
    await endFailed(deps, lease, seen, makeFailure('DATASET_INVALID', error.message), signal);
    return deps.followMs;
  }
}

/** The same attempt goes on with another launch, once nothing can come of this one. */
async function abandon(deps: PerformDeps, lease: Lease): Promise<number> {
  await fenced(deps.db, lease, async (tx, job) => {
    const at = deps.now();
    await condemnLaunches(tx, job.id, 'its creation gave no answer and no pod', at);
    const statusReason = 'The creation of the pod gave no answer and no pod: trying again.';
    await patchJob(tx, job, { status: 'PENDING', statusReason, failures: job.failures + 1 }, at);
  });
  deps.failpoint('abandon.saved');
  return deps.tickMs;
}

async function collect(
  deps: PerformDeps,
  lease: Lease,
  seen: Observed,
  signal: AbortSignal,
): Promise<number | null> {
  const { agent, status } = seen;
  if (agent === null || status === null) return deps.followMs;
  await deps.logs.finish(lease, seen);
  await deps.checkpoints.stop(lease.job.id);
  const corrupt = await collectJob(deps.collect, lease, agent, status, signal);
  if (corrupt !== null) {
    await endFailed(deps, lease, seen, makeFailure('ARTIFACT_CORRUPT', corrupt), signal);
    return deps.followMs;
  }
  await deps.sweeper.end(knownPods(seen.launches), signal);
  return null;
}

/** The checkpoint that a stopped trainer has left; then the attempt may end. */
async function save(
  deps: PerformDeps,
  lease: Lease,
  seen: Observed,
  signal: AbortSignal,
): Promise<number> {
  const { agent, status } = seen;
  if (agent === null || status === null) return deps.followMs;
  await deps.checkpoints.stop(lease.job.id);
  const { bootId, exitCode } = status;
  const isWorthIt = await saveLastCheckpoint(deps.pause, lease, agent, bootId, signal);
  if (!isWorthIt) {
    const step = {
      kind: 'end',
      outcome: 'PAUSED',
      then: 'pause',
      failure: null,
      exitCode,
    } as const;
    await end(deps, lease, step, seen, signal);
  }
  return deps.followMs;
}

async function endFailed(
  deps: PerformDeps,
  lease: Lease,
  seen: Observed,
  failure: NonNullable<EndStep['failure']>,
  signal: AbortSignal,
): Promise<void> {
  const step: EndStep = { kind: 'end', outcome: 'FAILED', then: 'fail', failure, exitCode: null };
  await end(deps, lease, step, seen, signal);
}
