/**
 * What is to be done next with a job. Pure and total: everything it knows is in its arguments.
 *
 * ```
 * PENDING ──rent──▶ PROVISIONING ──deliver──▶ PREPARING ──▶ RUNNING ──▶ COLLECTING ──▶ COMPLETED
 *    ▲                    │ lost, reclaimed, restarted      │
 *    └────── retry ───────┴─────────────────────────────────┘──▶ FAILED (no attempt left)
 * ```
 *
 * A job that is to pause goes from wherever it is to PAUSED: from RUNNING by way of a checkpoint, and
 * from COLLECTING not at all, as it is done. It comes back as PENDING.
 *
 * Cancellation wins everywhere, then the limits. What is unknown ends nothing: only a pod that was
 * looked for and not found, often and long enough, is gone.
 */
import { makeFailure } from '../training/failure.ts';
import type { TrainingFailure } from '../training/failure.ts';
import { hasEnded } from './job.ts';
import type { AttemptOutcome, Job, JobStatus, Launch } from './job.ts';
import { diedOfStop, missingCheckpoint } from './last-checkpoint.ts';
import type { LastCheckpoint } from './last-checkpoint.ts';

/** A pod in the newest listing. */
export type PodSeen =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'absent'; readonly since: number; readonly times: number }
  | { readonly kind: 'present'; readonly hasEnded: boolean; readonly isReady: boolean };

export type AgentSeen =
  | { readonly kind: 'unasked' }
  | { readonly kind: 'silent' }
  | {
      readonly kind: 'speaks';
      readonly bootId: string;
      readonly phase: 'WAITING' | 'PREPARING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';
      readonly exitCode: number | null;
      /** Translated; null: it did not fail. */
      readonly failure: TrainingFailure | null;
      /** It was stopped, and did not fail by itself. */
      readonly isStopped: boolean;
      /** The environment failed it, and not what was asked for: another pod may do better. */
      readonly isEnvironmental: boolean;
      /** Every line it wrote is stored. */
      readonly isLogStored: boolean;
    };

export interface Situation {
  readonly now: number;
  readonly job: Pick<
    Job,
    | 'status'
    | 'statusSince'
    | 'cancelRequestedAt'
    | 'pauseRequestedAt'
    | 'pausedMs'
    | 'pauses'
    | 'attempt'
    | 'limits'
    | 'startedAt'
    | 'failures'
    | 'capacitySince'
  >;
  /** The newest launch of the current attempt that is INTENDED or LIVE; null: there is none. */
  readonly launch: Pick<Launch, 'state' | 'spot' | 'unsureUntil' | 'liveAt' | 'imageFault'> | null;
  /** Boot of the agent that got the job; null: none did. */
  readonly bootId: string | null;
  /** Since when the trainer is being stopped for a pause; null: it is not. */
  readonly stoppingSince: number | null;
  /** The pod has a newer checkpoint than what is stored. */
  readonly isCheckpointLeft: boolean;
  /** Why the run looks as if it went wrong; null: it does not. */
  readonly warning: string | null;
  /** A condemned pod of this job may still be alive. */
  readonly isPodLeft: boolean;
  readonly usdSoFar: number;
  readonly pod: PodSeen;
  readonly agent: AgentSeen;
}

export interface StepPolicy {
  /** Between two looks at something slow, and at something quick. */
  readonly tickMs: number;
  readonly followMs: number;
  /** The longest a job waits for a free machine. */
  readonly capacityMs: number;
  /** From the rented pod to its agent's first answer. */
  readonly provisioningMs: number;
  /** From the agent's first answer to the first step of training. */
  readonly preparingMs: number;
  readonly collectingMs: number;
  /** From the word to stop to the checkpoint in the store. */
  readonly pausingMs: number;
  /** A pod is gone when it was missing in so many listings over so long. */
  readonly absences: number;
  readonly absentMs: number;
}

export type Step =
  /** It has ended: nothing, ever again. */
  | { readonly kind: 'rest' }
  | {
      readonly kind: 'wait';
      readonly status: JobStatus;
      readonly reason: string | null;
      readonly dueInMs: number;
    }
  /** Choose a machine, store the intent, rent it. */
  | { readonly kind: 'rent' }
  /** The pod of the intended launch is there. */
  | { readonly kind: 'adopt' }
  /** The pod of the intended launch never came: condemn the launch, rent another. */
  | { readonly kind: 'abandon' }
  /** Hand job and files to the agent and have it start. */
  | { readonly kind: 'deliver' }
  /** Have the trainer write a checkpoint and end. */
  | { readonly kind: 'stop' }
  /** Store the checkpoint it left. */
  | { readonly kind: 'save' }
  /** Out of a pause. */
  | { readonly kind: 'resume' }
  /** Nothing, until somebody wishes something. */
  | { readonly kind: 'idle'; readonly dueInMs: number }
  /** Fetch, verify and store the results; then the job is COMPLETED. */
  | { readonly kind: 'collect' }
  /** The attempt is over; `then` says what becomes of the job. */
  | {
      readonly kind: 'end';
      readonly outcome: AttemptOutcome;
      readonly then: 'retry' | 'fail' | 'cancel' | 'pause';
      readonly failure: TrainingFailure | null;
      readonly exitCode: number | null;
      /** What became of the checkpoint that a pause was to end with; omitted: nothing is missing. */
      readonly lastCheckpoint?: LastCheckpoint;
    };

const IDLE_MS = 3_600_000;
const PAUSING = 'Pausing.';

export function nextStep(seen: Situation, policy: StepPolicy): Step {
  const { job } = seen;
  if (hasEnded(job.status)) return { kind: 'rest' };
  if (job.cancelRequestedAt !== null) {
    return { kind: 'end', outcome: 'CANCELLED', then: 'cancel', failure: null, exitCode: null };
  }
  if (job.status === 'PAUSED') return whenPaused(seen);
  const limit = limitReached(seen);
  if (limit !== null) return fail(limit);
  switch (job.status) {
    case 'PENDING':
      return whenPending(seen, policy);
    case 'PROVISIONING':
      return whenProvisioning(seen, policy);
    case 'PREPARING':
    case 'RUNNING':
      return whenTraining(seen, policy);
    case 'COLLECTING':
      return whenCollecting(seen, policy);
  }
}

/** It costs nothing, so no limit counts. Looked at now and then, should a wish have been missed. */
function whenPaused({ job }: Situation): Step {
  return job.pauseRequestedAt === null ? { kind: 'resume' } : { kind: 'idle', dueInMs: IDLE_MS };
}

function limitReached({ job, now, usdSoFar }: Situation): TrainingFailure | null {
  const { limits, startedAt, pausedMs } = job;
  if (startedAt !== null && now - startedAt - pausedMs >= limits.maxRuntimeSeconds * 1_000) {
    const message = `The job's limit of ${limits.maxRuntimeSeconds} seconds is reached.`;
    return makeFailure('RUNTIME_LIMIT', message);
  }
  if (usdSoFar >= limits.maxCostUsd) {
    return makeFailure('BUDGET_EXHAUSTED', `The job's limit of $${limits.maxCostUsd} is reached.`);
  }
  return null;
}

/** How long a transfer may go on before something is to be decided. */
export function msUntilLimit(
  { job, now, usdSoFar, stoppingSince }: Situation,
  usdPerHour: number,
  policy: StepPolicy,
): number {
  const phaseEnd =
    job.status === 'RUNNING'
      ? (stoppingSince ?? now) + policy.pausingMs
      : job.statusSince + (job.status === 'COLLECTING' ? policy.collectingMs : policy.preparingMs);
  const budgetMs =
    usdPerHour > 0 ? ((job.limits.maxCostUsd - usdSoFar) * 3_600_000) / usdPerHour : Infinity;
  const runtimeMs =
    (job.startedAt ?? now) + job.pausedMs + job.limits.maxRuntimeSeconds * 1_000 - now;
  return Math.max(0, Math.min(phaseEnd - now, budgetMs, runtimeMs));
}

function whenPending(seen: Situation, policy: StepPolicy): Step {
  if (seen.job.pauseRequestedAt !== null) return pause('PAUSED');
  if (seen.isPodLeft) {
    return wait('PENDING', 'The pod of the last attempt is being terminated.', policy.tickMs);
  }
  const { capacitySince } = seen.job;
  if (capacitySince !== null && seen.now - capacitySince >= policy.capacityMs) {
    const minutes = Math.round(policy.capacityMs / 60_000);
    return fail(makeFailure('NO_CAPACITY', `No machine was to be had within ${minutes} minutes.`));
  }
  return { kind: 'rent' };
}

function whenProvisioning(seen: Situation, policy: StepPolicy): Step {
  const { launch, pod, agent, now } = seen;
  // Nothing was trained on it: whether its pod is there or not, it is condemned.
  if (seen.job.pauseRequestedAt !== null) return pause('PAUSED');
  if (launch === null) return { kind: 'abandon' };
  if (launch.state === 'INTENDED') {
    if (pod.kind === 'present') return { kind: 'adopt' };
    const isOver = pod.kind === 'absent' && now >= launch.unsureUntil;
    if (isOver) return { kind: 'abandon' };
    if (now >= launch.unsureUntil + policy.provisioningMs) {
      // Nobody can tell whether there is a pod: it stays condemned, and the job need not wait.
      return fail(makeFailure('PLATFORM_UNAVAILABLE', 'The platform lists no pods for too long.'));
    }
    return wait('PROVISIONING', 'Looking for the pod: its creation gave no answer.', policy.tickMs);
  }
  const lost = lostPod(seen, policy);
  if (lost !== null) return lost;
  if (agent.kind === 'speaks') return { kind: 'deliver' };
  if (now - (launch.liveAt ?? now) >= policy.provisioningMs) {
    const minutes = Math.round(policy.provisioningMs / 60_000);
    const failure =
      launch.imageFault === null
        ? makeFailure('STARTUP_TIMEOUT', `The pod did not come up within ${minutes} minutes.`)
        : makeFailure('IMAGE_PULL', `The image could not be pulled: ${launch.imageFault}`);
    return retry(seen, 'FAILED', failure);
  }
  const isUp = pod.kind === 'present' && pod.isReady;
  return wait(
    'PROVISIONING',
    isUp ? 'Waiting for the agent in the pod.' : 'The pod boots.',
    policy.followMs,
  );
}

function whenTraining(seen: Situation, policy: StepPolicy): Step {
  const { agent, job } = seen;
  const lost = lostPod(seen, policy);
  if (lost !== null) return lost;
  if (isPausing(seen)) return whenPausing(seen, policy);
  const isLate = job.status === 'PREPARING' && seen.now - job.statusSince >= policy.preparingMs;
  if (agent.kind !== 'speaks') {
    if (isLate) return tooLate(seen, policy);
    // It trains on without us; limits end it if it never speaks again.
    return wait(job.status, 'The agent in the pod does not answer now.', policy.followMs);
  }
  if (seen.bootId !== null && agent.bootId !== seen.bootId) return restarted(seen);
  switch (agent.phase) {
    case 'WAITING':
      return isLate ? tooLate(seen, policy) : { kind: 'deliver' };
    case 'PREPARING':
      return isLate ? tooLate(seen, policy) : wait(job.status, null, policy.followMs);
    case 'RUNNING':
      return wait('RUNNING', seen.warning, policy.followMs);
    case 'SUCCEEDED':
      return agent.isLogStored
        ? wait('COLLECTING', null, 0)
        : wait('RUNNING', seen.warning, policy.followMs);
    case 'FAILED':
      return agent.isLogStored
        ? trainingFailed(seen, agent)
        : wait(job.status, seen.warning, policy.followMs);
  }
}

/** Also where the wish was taken back after the trainer was told to stop. */
function isPausing({ job, stoppingSince }: Situation): boolean {
  return job.pauseRequestedAt !== null || stoppingSince !== null;
}

function whenPausing(seen: Situation, policy: StepPolicy): Step {
  const { agent, job, now, stoppingSince } = seen;
  const isLate = stoppingSince !== null && now - stoppingSince >= policy.pausingMs;
  if (agent.kind !== 'speaks') {
    if (isLate) return pause('PAUSED', null, 'not stored');
    return job.status === 'PREPARING' ? pause('PAUSED') : { kind: 'stop' };
  }
  if (seen.bootId !== null && agent.bootId !== seen.bootId) return restarted(seen);
  switch (agent.phase) {
    case 'WAITING':
    case 'PREPARING':
      return pause('PAUSED');
    case 'RUNNING':
      return isLate ? pause('PAUSED', null, 'not written') : { kind: 'stop' };
    case 'SUCCEEDED':
      return wait(
        agent.isLogStored ? 'COLLECTING' : 'RUNNING',
        null,
        agent.isLogStored ? 0 : policy.followMs,
      );
    case 'FAILED':
      if (!agent.isLogStored && !isLate) return wait(job.status, PAUSING, policy.followMs);
      if (!agent.isStopped && !diedOfStop(stoppingSince, agent)) return trainingFailed(seen, agent);
      // It ended before it was told to: from the word to stop on there is a deadline.
      if (seen.isCheckpointLeft && stoppingSince === null) return { kind: 'stop' };
      if (seen.isCheckpointLeft && !isLate) return { kind: 'save' };
      return pause('PAUSED', agent.exitCode, missingCheckpoint(agent, seen.isCheckpointLeft));
  }
}

type Speaking = Extract<AgentSeen, { kind: 'speaks' }>;

function trainingFailed(seen: Situation, agent: Speaking): Step {
  const failure =
    agent.failure ?? makeFailure('TRAINER_CRASHED', 'The trainer ended without saying why.');
  return agent.isEnvironmental
    ? retry(seen, 'FAILED', failure, agent.exitCode)
    : fail(failure, agent.exitCode);
}

function whenCollecting(seen: Situation, policy: StepPolicy): Step {
  const { agent, job, now } = seen;
  const lost = lostPod(seen, policy);
  if (lost !== null) return lost;
  if (now - job.statusSince >= policy.collectingMs) {
    return fail(makeFailure('ARTIFACT_CORRUPT', 'The results could not be fetched in time.'));
  }
  if (agent.kind !== 'speaks') {
    return wait('COLLECTING', 'The agent in the pod does not answer now.', policy.followMs);
  }
  if (seen.bootId !== null && agent.bootId !== seen.bootId) return restarted(seen);
  return { kind: 'collect' };
}

/** Null: it is there, or nobody can tell. */
function lostPod(seen: Situation, policy: StepPolicy): Step | null {
  const { pod, launch, now } = seen;
  if (launch === null) return lost(seen, 'The pod is not there any more.');
  if (pod.kind === 'present') {
    return pod.hasEnded ? lost(seen, 'The pod was ended by the platform.') : null;
  }
  const isGone =
    pod.kind === 'absent' && pod.times >= policy.absences && now - pod.since >= policy.absentMs;
  return isGone ? lost(seen, 'The pod disappeared.') : null;
}

/** A spot pod that ends unexpectedly was taken back: no other sign is given. */
function lost(seen: Situation, message: string): Step {
  const outcome = seen.launch?.spot ? 'RECLAIMED' : 'LOST';
  // Whoever wants a pause has it now, and no attempt was used up.
  if (isPausing(seen)) return pause(outcome);
  const code = outcome === 'RECLAIMED' ? 'SPOT_RECLAIMED' : 'POD_LOST';
  return retry(seen, outcome, makeFailure(code, message));
}

function restarted(seen: Situation): Step {
  return lost(seen, 'The container restarted while it trained.');
}

function tooLate(seen: Situation, policy: StepPolicy): Step {
  const minutes = Math.round(policy.preparingMs / 60_000);
  const message = `The pod did not begin to train within ${minutes} minutes.`;
  return retry(seen, 'FAILED', makeFailure('STARTUP_TIMEOUT', message));
}

function retry(
  { job }: Situation,
  outcome: AttemptOutcome,
  failure: TrainingFailure,
  exitCode: number | null = null,
): Step {
  const then = job.attempt - job.pauses < job.limits.maxAttempts ? 'retry' : 'fail';
  return { kind: 'end', outcome, then, failure, exitCode };
}

function fail(failure: TrainingFailure, exitCode: number | null = null): Step {
  return { kind: 'end', outcome: 'FAILED', then: 'fail', failure, exitCode };
}

function pause(
  outcome: AttemptOutcome,
  exitCode: number | null = null,
  lastCheckpoint?: LastCheckpoint,
): Step {
  const missing = lastCheckpoint === undefined ? {} : { lastCheckpoint };
  return { kind: 'end', outcome, then: 'pause', failure: null, exitCode, ...missing };
}

function wait(status: JobStatus, reason: string | null, dueInMs: number): Step {
  return { kind: 'wait', status, reason, dueInMs };
}
