/**
 * Pulls checkpoints off pods while they train. Beside the steps of their jobs, which it never holds
 * up: a job is looked at as often as ever, and may end in the middle of a pull.
 *
 * A job here is
 * - IDLE      what its pod has is stored, or nobody has said that it has more
 * - PULLING   one at a time, under a named lease, so that among all servers one does it
 * - RESTING   as long as the last pull took, so that half of the time nothing is taken from the
 *             training; after a failure for a while that doubles
 */
import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { AgentStatus, PodAgent } from '../datasources/pod-agent.ts';
import type { Attempt, Job } from '../domain/job/job.ts';
import { findAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { lockLiveJob } from '../store/jobs.ts';
import { holdLease, removeLease } from '../store/leases.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import { saveCheckpoint, savedStep } from './checkpoints.ts';
import type { CheckpointSource, StoringDeps } from './checkpoints.ts';
import { checkpointStagingOf } from './staging.ts';

/** Of one server: what a checkpoint takes of the network is taken from people's downloads. */
const MAX_PULLS = 2;
/** Jobs that are remembered; one that is forgotten is looked up in the store. */
const MAX_WATCHES = 1_000;
const FIRST_REST_MS = 10_000;
const MAX_REST_MS = 300_000;
/** So many in a row are no accident: this pod makes them faster than they can be fetched. */
const LOSSES_TOLD = 3;
/** After so many failures in a row the newest is begun instead, should the fault be in that one. */
const FAILURES_BORNE = 8;

export interface CheckpointKeeper {
  /** What a pod that trains says it has. At once; never fails. */
  note(job: Job, attempt: Attempt, agent: PodAgent, status: AgentStatus): void;
  /** Ends what is being pulled of this job, and resolves when nothing of it goes on here. */
  stop(jobId: string): Promise<void>;
  close(): Promise<void>;
}

export interface CheckpointKeeperDeps {
  readonly db: Database;
  readonly checkpoints: StoringDeps;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly log: Logger;
  readonly now: () => number;
  /** Told when something of the job has changed. */
  readonly onStored: (jobId: string) => void;
}

interface Pull {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

interface Watch {
  readonly attempt: number;
  /** Everything up to here is stored. */
  doneStep: number;
  failures: number;
  /** In a row, removed by the trainer before they were stored. */
  losses: number;
  hasToldLosses: boolean;
  restUntil: number;
  pull: Pull | null;
}

export function createCheckpointKeeper(deps: CheckpointKeeperDeps): CheckpointKeeper {
  const { db, log, workerId, leaseMs, now } = deps;
  const watches = new Map<string, Watch>();
  const pulls = new Set<Pull>();
  let isClosing = false;

  function watchOf(jobId: string, attempt: number): Watch {
    const known = watches.get(jobId);
    if (known?.attempt === attempt) return known;
    if (watches.size >= MAX_WATCHES) forgetIdle();
    const fresh: Watch = {
      attempt,
      doneStep: 0,
      failures: 0,
      losses: 0,
      hasToldLosses: false,
      restUntil: 0,
      pull: null,
    };
    watches.set(jobId, fresh);
    return fresh;
  }

  /** Their jobs may have ended on other servers. */
  function forgetIdle(): void {
    for (const [jobId, { pull }] of watches) if (pull === null) watches.delete(jobId);
  }

  function begin(watch: Watch, source: CheckpointSource, wanted: number): void {
    const stop = new AbortController();
    const ended = pull(watch, source, wanted, stop).finally(() => {
      pulls.delete(begun);
      watch.pull = null;
    });
    const begun: Pull = { stop, ended };
    watch.pull = begun;
    pulls.add(begun);
  }

  /** Never rejects. */
  async function pull(
    watch: Watch,
    source: CheckpointSource,
    wanted: number,
    stop: AbortController,
  ): Promise<void> {
    const began = now();
    try {
      const step = await underLease(source, stop, () =>
        pullOnce(watch, source, wanted, stop.signal),
      );
      watch.doneStep = Math.max(watch.doneStep, step);
      watch.failures = 0;
      watch.restUntil = now() + Math.min(MAX_REST_MS, now() - began);
    } catch (error) {
      if (stop.signal.aborted || isClosing) return;
      await rest(watch, source, error).catch((fault: unknown) => {
        report(fault, source.job.id);
      });
    }
  }

  /** @returns the step up to which all is stored; 0: another server does it */
  async function underLease(
    { job, attempt }: CheckpointSource,
    stop: AbortController,
    work: () => Promise<number>,
  ): Promise<number> {
    const lease = { tenantId: job.tenantId, name: `checkpoint:${job.id}`, workerId };
    const isHeld = async () => {
      if (!(await holdLease(db, { ...lease, leaseMs }))) return false;
      return (await findAttempt(db, job.id, attempt))?.endedAt === null;
    };
    if (!(await isHeld())) return 0;
    const renewal = setInterval(() => {
      isHeld().then(
        (held) => {
          if (!held) stop.abort();
        },
        (error: unknown) => {
          report(error, job.id);
        },
      );
    }, leaseMs / 3);
    try {
      return await work();
    } finally {
      clearInterval(renewal);
      // Where this fails too, it runs out by itself.
      await removeLease(db, lease).catch(() => undefined);
    }
  }

  /** @returns the step up to which all is stored */
  async function pullOnce(
    watch: Watch,
    source: CheckpointSource,
    wanted: number,
    signal: AbortSignal,
  ): Promise<number> {
    const { job, attempt } = source;
    const known = await savedStep(db, job.id, attempt);
    if (known >= wanted) return known;
    const result = await saveCheckpoint(deps.checkpoints, source, signal);
    if (result.kind === 'corrupt') {
      throw new AppError('POD_UNTRUSTED', `Checkpoint ${result.step}: ${result.reason}`);
    }
    if (result.kind === 'pruned') await noteLoss(watch, source, known);
    if (result.kind !== 'stored') return known;
    watch.losses = 0;
    deps.onStored(job.id);
    return result.step;
  }

  /** Told once: it is no failure of the training, but what a lost pod would cost grows. */
  async function noteLoss(watch: Watch, source: CheckpointSource, known: number): Promise<void> {
    watch.losses += 1;
    if (watch.losses < LOSSES_TOLD || watch.hasToldLosses) return;
    const since = known === 0 ? 'none is stored yet' : `the newest that is stored is ${known}`;
    await tell(
      source,
      `warning: ${LOSSES_TOLD} checkpoints in a row were removed on the pod before they could be stored, ` +
        `${since}: they are made faster than they can be fetched; a larger checkpointSteps helps`,
    );
    watch.hasToldLosses = true;
  }

  async function tell({ job, attempt }: CheckpointSource, text: string): Promise<void> {
    await db.transaction(async (tx) => {
      if (!(await lockLiveJob(db, tx, job.id))) return;
      await appendLifecycle(tx, job, { at: now(), attempt, text });
    });
    deps.onStored(job.id);
  }

  /** The first failure of several in a row is told in the job's log. */
  async function rest(watch: Watch, source: CheckpointSource, error: unknown) {
    const ms = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** watch.failures);
    watch.restUntil = now() + ms;
    watch.failures += 1;
    report(error, source.job.id);
    const mayPass = error instanceof AppError && error.retryable;
    if (!mayPass || watch.failures % FAILURES_BORNE === 0) await dropBegun(source);
    if (watch.failures > 1 || !(error instanceof AppError)) return;
    await tell(
      source,
      `warning: a checkpoint could not be stored, it is tried again: ${error.message}`,
    );
  }

  /** The next pull begins with the newest. */
  function dropBegun({ job, attempt }: CheckpointSource): Promise<void> {
    const folder = checkpointStagingOf(deps.checkpoints.stagingFolder, job.id, attempt);
    return rm(folder, { recursive: true, force: true });
  }

  function report(error: unknown, jobId: string): void {
    if (isClosing) return;
    if (error instanceof AppError) log.warn({ jobId, reason: error.message }, 'checkpoint: later');
    else log.error({ err: error, jobId }, 'checkpoint: a bug');
  }

  return {
    note(job, { number, bootId }, agent, { checkpointStep }) {
      if (isClosing || checkpointStep === null || bootId === null) return;
      const watch = watchOf(job.id, number);
      const isDue = checkpointStep > watch.doneStep && watch.restUntil <= now();
      // Where too many are under way, this one is looked at again soon enough.
      if (!isDue || watch.pull !== null || pulls.size >= MAX_PULLS) return;
      begin(watch, { job, attempt: number, bootId, agent }, checkpointStep);
    },
    async stop(jobId) {
      const watch = watches.get(jobId);
      watches.delete(jobId);
      watch?.pull?.stop.abort();
      await watch?.pull?.ended;
    },
    async close() {
      isClosing = true;
      const running = [...pulls];
      for (const { stop } of running) stop.abort();
      await Promise.all(running.map(({ ended }) => ended));
    },
  };
}
