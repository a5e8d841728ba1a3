/**
 * Gives a new attempt the checkpoint at which the earlier ones stood: its files first, so that the
 * job that names them is put only once they are there. All of it repeats.
 *
 * One whose bytes are damaged is given up, and the next older one taken. Where the pod does not take
 * it, training begins anew: better than no training.
 */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { AgentCheckpoint, PodAgent, UploadSource } from '../datasources/pod-agent.ts';
import { AppError } from '../errors.ts';
import { checkpointName, readCheckpointPath } from '../domain/job/checkpoint.ts';
import { selectArtifactsAt } from '../store/artifacts.ts';
import type { ArtifactRow } from '../store/artifacts.ts';
import { findAttempt, setResumeStep, setStartStep } from '../store/attempts.ts';
import type { Database, Queryable } from '../store/database.ts';
import { checkpointsOf, condemnFiles } from '../store/file-sets.ts';
import type { Checkpoint } from '../store/file-sets.ts';
import { fenced } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import { specSha256 } from './checkpoints.ts';

export interface ResumeDeps {
  readonly db: Database;
  readonly artifacts: Pick<ArtifactStore, 'size' | 'read'>;
  readonly now: () => number;
}

/** The newest checkpoint that a next attempt of this job can go on from; null: there is none. */
export async function resumableCheckpoint(
  db: Queryable,
  job: Lease['job'],
  beforeAttempt: number,
): Promise<Checkpoint | null> {
  const spec = specSha256(job.spec);
  const stored = await checkpointsOf(db, job.id);
  return stored.find((each) => each.attempt < beforeAttempt && each.specSha256 === spec) ?? null;
}

/** @returns what the job is to say of it; null: training begins anew */
export async function deliverCheckpoint(
  deps: ResumeDeps,
  lease: Lease,
  agent: Pick<PodAgent, 'putFile'>,
  signal: AbortSignal,
): Promise<AgentCheckpoint | null> {
  const { job } = lease;
  const attempt = await findAttempt(deps.db, job.id, job.attempt);
  // Once decided it stays so: a boot takes one job.
  if (attempt?.resumeStep === 0) return null;
  for (;;) {
    const checkpoint = await resumableCheckpoint(deps.db, job, job.attempt);
    const sent = checkpoint && (await sendCheckpoint(deps, lease, checkpoint, agent, signal));
    if (sent === 'damaged') continue;
    await fenced(deps.db, lease, (tx) => setResumeStep(tx, job.id, job.attempt, sent?.step ?? 0));
    return sent;
  }
}

async function sendCheckpoint(
  deps: ResumeDeps,
  lease: Lease,
  checkpoint: Checkpoint,
  agent: Pick<PodAgent, 'putFile'>,
  signal: AbortSignal,
): Promise<AgentCheckpoint | 'damaged' | null> {
  const { step, storageKeys } = checkpoint;
  const rows = await selectArtifactsAt(deps.db, lease.job.id, storageKeys);
  try {
    if (rows.length !== storageKeys.length) throw damaged();
    const files: Record<string, string> = {};
    for (const [index, row] of rows.entries()) {
      const name = `${checkpointName(step)}.${index}`;
      await agent.putFile(name, await sourceOf(deps.artifacts, row), signal);
      files[readCheckpointPath(row.path)?.path ?? ''] = name;
    }
    return { step, files };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (isDamage(error)) {
      await giveUp(deps, lease, checkpoint);
      return 'damaged';
    }
    if (error.code !== 'POD_REFUSED' || error.retryable) throw error;
    await tell(deps, lease, `checkpoint ${step} is not taken by the pod: ${error.message}`);
    return null;
  }
}

async function sourceOf(
  store: ResumeDeps['artifacts'],
  { storage_key: key, size_bytes: sizeBytes, sha256 }: ArtifactRow,
): Promise<UploadSource> {
  if ((await store.size(key)) !== sizeBytes) throw damaged();
  return { sizeBytes, sha256, read: (from) => store.read(key, { from, to: sizeBytes - 1 }) };
}

function damaged(): AppError {
  return new AppError('NOT_FOUND', 'A file of the checkpoint is not as it was stored.');
}

function isDamage({ code, reason }: AppError): boolean {
  return code === 'NOT_FOUND' || reason === 'SHA256_MISMATCH';
}

async function giveUp({ db, now }: ResumeDeps, lease: Lease, checkpoint: Checkpoint) {
  await fenced(db, lease, async (tx, job) => {
    await condemnFiles(tx, checkpoint);
    const text = `checkpoint ${checkpoint.step} is damaged in the artifact store: it is not used`;
    await appendLifecycle(tx, job, { at: now(), attempt: job.attempt, text });
  });
}

async function tell({ db, now }: ResumeDeps, lease: Lease, text: string): Promise<void> {
  await fenced(db, lease, (tx, job) =>
    appendLifecycle(tx, job, { at: now(), attempt: job.attempt, text }),
  );
}

/** The trainer has said where it began: kept, and told where that is not as a matter of course. */
export async function noteStart(
  { db, now }: Pick<ResumeDeps, 'db' | 'now'>,
  lease: Lease,
  step: number,
): Promise<void> {
  await fenced(db, lease, async (tx, job) => {
    const { attempt } = job;
    if (!(await setStartStep(tx, job.id, attempt, step))) return;
    const given = (await findAttempt(tx, job.id, attempt))?.resumeStep ?? 0;
    const text = startText(attempt, given, step);
    if (text === null) return;
    await appendLifecycle(tx, job, { at: now(), attempt, text });
  });
}

function startText(attempt: number, given: number, step: number): string | null {
  if (step > 0) return `attempt ${attempt} resumes from step ${step}`;
  if (given > 0) {
    return `attempt ${attempt} begins anew: the trainer did not take checkpoint ${given}`;
  }
  return attempt > 1 ? `attempt ${attempt} begins anew: there is no checkpoint` : null;
}
