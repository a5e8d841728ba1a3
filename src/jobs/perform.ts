/** Carries out what {@link nextStep} decided for one leased job. */
import type { Logger } from 'pino';
import type { PodAgent } from '../datasources/pod-agent.ts';
import { AppError } from '../errors.ts';
import { hasEnded } from '../domain/job/job.ts';
import type { Job, Launch } from '../domain/job/job.ts';
import { progressAt } from '../domain/job/metric-line.ts';
import type { Step } from '../domain/job/next-step.ts';
import { makeFailure } from '../domain/training/failure.ts';
import { endAttempt } from '../store/attempts.ts';
import type { Database, Queryable } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { condemnLaunches } from '../store/launches.ts';
import { appendLines } from '../store/log-lines.ts';
import { collectJob } from './collect.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { CollectDeps } from './collect.ts';
import { deliverJob } from './deliver.ts';
import type { DeliverDeps } from './deliver.ts';
import type { Failpoint } from './failpoint.ts';
import type { LogWatch } from './log-watch.ts';
import type { Observed } from './observe.ts';
import type { Renter } from './rent.ts';
import { resumableCheckpoint } from './resume.ts';
import { discardStaging } from './staging.ts';
import type { Sweeper } from './sweeper.ts';

export interface PerformDeps {
  readonly db: Database;
  readonly logs: Pick<LogWatch, 'finish'>;
  readonly renter: Renter;
  readonly sweeper: Sweeper;
  readonly checkpoints: Pick<CheckpointKeeper, 'stop'>;
  readonly deliver: DeliverDeps;
  readonly collect: CollectDeps;
  readonly tickMs: number;
  readonly followMs: number;
  /** Creations without an answer after which a job fails. */
  readonly maxRentFailures: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

type EndStep = Extract<Step, { kind: 'end' }>;

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

const STATUS_AFTER = { retry: 'PENDING', fail: 'FAILED', cancel: 'CANCELLED' } as const;

/** The decision is stored first; then the pod is ended, by us now or by the sweeper later. */
async function end(
  deps: PerformDeps,
  lease: Lease,
  decided: EndStep,
  seen: Pick<Observed, 'launches' | 'launch' | 'status'>,
  signal: AbortSignal,
): Promise<void> {
  deps.failpoint('end.decided');
  // Before: what comes after the end of its attempt is no line of it any more.
  await deps.logs.finish(lease, seen);
  await deps.checkpoints.stop(lease.job.id);
  const { status, reason } = await fenced(deps.db, lease, async (tx, job) => {
    const at = deps.now();
    const step = job.cancelRequestedAt === null ? decided : asCancelled(decided);
    const status = STATUS_AFTER[step.then];
    const { outcome, exitCode, failure } = step;
    if (job.attempt > 0) await endAttempt(tx, job.id, job.attempt, { outcome, exitCode, now: at });
    await condemnLaunches(tx, job.id, failure?.message ?? outcome, at);
    const text = lifecycleText(step, job.attempt);
    await appendLines(tx, job, [{ at, source: 'LIFECYCLE', attempt: job.attempt, text }]);
    await patchJob(
      tx,
      job,
      {
        status,
        statusReason: step.then === 'cancel' ? null : (failure?.message ?? null),
        ...(step.then === 'retry'
          ? {
              attempt: job.attempt + 1,
              failures: 0,
              progress: await progressLeft(tx, job),
              capacitySince: null,
            }
          : {}),
        ...(step.then === 'fail' ? { failure } : {}),
        ...(hasEnded(status) ? { endedAt: at } : {}),
      },
      at,
    );
    return { status, reason: failure?.message };
  });
  deps.failpoint('end.saved');
  await discardStaging(deps.collect.stagingFolder, lease.job.id, lease.job.attempt);
  deps.log.info({ jobId: lease.job.id, status, reason }, 'attempt ended');
  await deps.sweeper.end(knownPods(seen.launches), signal);
}

/** Where the next attempt will begin, as far as is known; null: anew. */
async function progressLeft(tx: Queryable, job: Job): Promise<Job['progress']> {
  const checkpoint = await resumableCheckpoint(tx, job, job.attempt + 1);
  return checkpoint === null ? null : progressAt(checkpoint.step, job.progress?.totalSteps ?? null);
}

/** A cancellation that came while the end was being decided wins; the attempt ended as it did. */
function asCancelled(step: EndStep): EndStep {
  return { ...step, then: 'cancel', failure: null };
}

function lifecycleText({ then, outcome, failure }: EndStep, attempt: number): string {
  const why = failure === null ? '' : `: ${failure.message}`;
  switch (then) {
    case 'cancel':
      return 'cancelled';
    case 'fail':
      return `failed (${failure?.code ?? outcome})${why}`;
    case 'retry':
      return `attempt ${attempt} ended (${outcome})${why} Attempt ${attempt + 1} follows.`;
  }
}

function knownPods(launches: readonly Launch[]): readonly Launch[] {
  return launches.filter(({ state }) => state === 'LIVE' || state === 'CONDEMNED');
}
