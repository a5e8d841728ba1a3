/** The end of an attempt, whatever becomes of its job: decided and stored first, then the pod goes. */
import type { Logger } from 'pino';
import { hasEnded } from '../domain/job/job.ts';
import type { Job, JobStatus, Launch } from '../domain/job/job.ts';
import { progressAt } from '../domain/job/metric-line.ts';
import type { Step } from '../domain/job/next-step.ts';
import { endAttempt } from '../store/attempts.ts';
import type { Database, Queryable } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { JobPatch, Lease } from '../store/jobs.ts';
import { condemnLaunches } from '../store/launches.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import type { Failpoint } from './failpoint.ts';
import type { LogWatch } from './log-watch.ts';
import type { Observed } from './observe.ts';
import { resumableCheckpoint } from './resume.ts';
import { discardStaging } from './staging.ts';
import type { Sweeper } from './sweeper.ts';

export interface EndDeps {
  readonly db: Database;
  readonly logs: Pick<LogWatch, 'finish'>;
  readonly checkpoints: Pick<CheckpointKeeper, 'stop'>;
  readonly stagingFolder: string;
  readonly sweeper: Sweeper;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export type EndStep = Extract<Step, { kind: 'end' }>;

/** The pod is ended by us now, or by the sweeper later. */
export async function end(
  deps: EndDeps,
  lease: Lease,
  decided: EndStep,
  seen: Pick<Observed, 'launches' | 'launch' | 'status'>,
  signal: AbortSignal,
): Promise<void> {
  const { id: jobId, attempt } = lease.job;
  deps.failpoint('end.decided');
  // Before: what comes after the end of its attempt is no line of it any more.
  await deps.logs.finish(lease, seen);
  await deps.checkpoints.stop(jobId);
  const { status, reason } = await fenced(deps.db, lease, (tx, job) =>
    store(tx, job, job.cancelRequestedAt === null ? decided : asCancelled(decided), deps.now()),
  );
  deps.failpoint('end.saved');
  await discardStaging(deps.stagingFolder, jobId, attempt);
  deps.log.info({ jobId, status, reason }, 'attempt ended');
  await deps.sweeper.end(knownPods(seen.launches), signal);
}

async function store(
  tx: Queryable,
  job: Job,
  step: EndStep,
  at: number,
): Promise<{ status: JobStatus; reason: string | undefined }> {
  const { outcome, exitCode, failure } = step;
  const hadBegun = await endAttempt(tx, job.id, job.attempt, { outcome, exitCode, now: at });
  await condemnLaunches(tx, job.id, failure?.message ?? outcome, at);
  const patch = await patchOf(tx, job, step, hadBegun);
  const status = patch.status ?? job.status;
  const left = patch.progress?.step ?? null;
  for (const text of [warningText(step, left), lifecycleText(step, job.attempt, left)]) {
    if (text !== null) await appendLifecycle(tx, job, { at, attempt: job.attempt, text });
  }
  await patchJob(tx, job, { ...patch, ...(hasEnded(status) ? { endedAt: at } : {}) }, at);
  return { status, reason: failure?.message };
}

async function patchOf(
  tx: Queryable,
  job: Job,
  { then, failure }: EndStep,
  hadBegun: boolean,
): Promise<JobPatch> {
  const anew = { failures: 0, capacitySince: null };
  switch (then) {
    case 'cancel':
      return { status: 'CANCELLED', statusReason: null };
    case 'fail':
      return { status: 'FAILED', statusReason: failure?.message ?? null, failure };
    case 'retry':
      return {
        ...anew,
        status: 'PENDING',
        statusReason: failure?.message ?? null,
        attempt: job.attempt + 1,
        progress: await progressLeft(tx, job),
      };
    case 'pause':
      return {
        ...anew,
        // Taken back while it was under way: it goes on at once.
        status: job.pauseRequestedAt === null ? 'PENDING' : 'PAUSED',
        statusReason: null,
        progress: await progressLeft(tx, job),
        ...(hadBegun ? { attempt: job.attempt + 1, pauses: job.pauses + 1 } : {}),
      };
  }
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

/** Null: nothing of what was trained is lost. `left` null: no checkpoint is stored. */
function warningText({ lastCheckpoint, exitCode }: EndStep, left: number | null): string | null {
  if (lastCheckpoint === undefined) return null;
  const how = exitCode === null ? '' : ` (the trainer ended with exit code ${exitCode})`;
  const next = left === null ? 'it will begin anew' : `it will go on from step ${left}`;
  return `warning: its last checkpoint was ${lastCheckpoint}${how}: ${next}`;
}

function lifecycleText(
  { then, outcome, failure }: EndStep,
  attempt: number,
  step: number | null,
): string {
  const why = failure === null ? '' : `: ${failure.message}`;
  switch (then) {
    case 'cancel':
      return 'cancelled';
    case 'fail':
      return `failed (${failure?.code ?? outcome})${why}`;
    case 'retry':
      return `attempt ${attempt} ended (${outcome})${why} Attempt ${attempt + 1} follows.`;
    case 'pause':
      return step === null ? 'paused: it will begin anew' : `paused at step ${step}`;
  }
}

export function knownPods(launches: readonly Launch[]): readonly Launch[] {
  return launches.filter(({ state }) => state === 'LIVE' || state === 'CONDEMNED');
}
