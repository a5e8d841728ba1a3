/** The steps into a pause and out of it; its end of an attempt is like any other. */
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import { setStopping } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import { saveCheckpoint } from './checkpoints.ts';
import type { StoringDeps } from './checkpoints.ts';
import type { Failpoint } from './failpoint.ts';

export interface PauseDeps {
  readonly db: Database;
  readonly checkpointing: StoringDeps;
  /** What the trainer has to write its checkpoint before it is killed. */
  readonly stopGraceSeconds: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

/** Said again and again until the trainer has ended: it repeats. `agent` null: it cannot be told. */
export async function stopTrainer(
  { db, stopGraceSeconds, log, now, failpoint }: PauseDeps,
  lease: Lease,
  agent: PodAgent | null,
  signal: AbortSignal,
): Promise<void> {
  const { job } = lease;
  // First: from now on its time to do so runs out.
  await fenced(db, lease, async (tx, current) => {
    await setStopping(tx, job.id, current.attempt, now());
    await patchJob(tx, current, { status: 'RUNNING', statusReason: 'Pausing.' }, now());
  });
  failpoint('pause.intended');
  try {
    await agent?.stop(stopGraceSeconds, signal);
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.startsWith('POD_')) throw error;
    log.warn({ jobId: job.id, reason: error.message }, 'pause: the trainer is not stopped yet');
  }
  failpoint('pause.stop-sent');
}

/** @returns whether it is worth asking for it again; false: it will not be better for waiting */
export async function saveLastCheckpoint(
  { checkpointing, db, now, failpoint }: PauseDeps,
  lease: Lease,
  agent: PodAgent,
  bootId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { job } = lease;
  const source = { job, attempt: job.attempt, bootId, agent };
  const result = await saveCheckpoint(checkpointing, source, signal);
  failpoint('pause.checkpoint-saved');
  if (result.kind !== 'corrupt') return true;
  const text = `warning: checkpoint ${result.step} is given up: ${result.reason}`;
  await fenced(db, lease, (tx, { attempt }) =>
    appendLifecycle(tx, job, { at: now(), attempt, text }),
  );
  return false;
}

/** The time of the pause is no time of training. */
export async function resumeJob({ db, now, failpoint }: PauseDeps, lease: Lease): Promise<void> {
  await fenced(db, lease, async (tx, job) => {
    // Taken back in the meantime.
    if (job.pauseRequestedAt !== null) return;
    const at = now();
    const pausedMs = job.startedAt === null ? 0 : Math.max(0, at - job.statusSince);
    const patch = {
      status: 'PENDING',
      statusReason: null,
      pausedMs: job.pausedMs + pausedMs,
    } as const;
    await appendLifecycle(tx, job, { at, attempt: job.attempt, text: 'resumed' });
    await patchJob(tx, job, patch, at);
  });
  failpoint('resume.saved');
}
