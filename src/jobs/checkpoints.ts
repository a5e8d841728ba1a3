/**
 * Stores the newest complete checkpoint of a training: pulled off its pod while it runs, verified,
 * and told only when the whole of it is in the artifact store.
 *
 * 1. the agent's list names a complete checkpoint that is newer than what is stored: the one that was
 *    begun, so that none is begun anew for ever where they come faster than they are fetched; else
 *    the newest
 * 2. its files come into the staging folder, each verified; the marker must name them all
 * 3. the set is written down as intended, then the store adopts the files
 * 4. in one transaction: rows of the files, the set STORED, those beyond the budget condemned
 *
 * Nothing is written for an attempt that has ended meanwhile.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { collectListed } from '../artifacts/collect.ts';
import type { CollectedFile, CollectOutcome, FetchedFile } from '../artifacts/collect.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import {
  checkpointFault,
  checkpointName,
  chooseCheckpoint,
  COMPLETE,
  hasCheckpoint,
  readCheckpointPath,
  staleCheckpoints,
} from '../domain/job/checkpoint.ts';
import type { Attempt, Job } from '../domain/job/job.ts';
import { upsertArtifact } from '../store/artifacts.ts';
import { findAttempt } from '../store/attempts.ts';
import type { Database, Queryable } from '../store/database.ts';
import { checkpointsOf, condemnFiles, intendFiles, settleFiles } from '../store/file-sets.ts';
import type { Checkpoint, FileSet } from '../store/file-sets.ts';
import { lockLiveJob } from '../store/jobs.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import type { Failpoint } from './failpoint.ts';
import { checkpointStagingOf, namesIn } from './staging.ts';

/** A pod takes back no more of them than it takes files, and one is the dataset. PROTOCOL.md §3.3 */
const MAX_FILES = 90;
const MAX_MARKER_BYTES = 1024 * 1024;

/** What it takes to store files of a pod: checkpoints here, results in `collect.ts`. */
export interface StoringDeps {
  readonly db: Database;
  readonly artifacts: ArtifactStore;
  /** For what is on its way; on this machine's disk. */
  readonly stagingFolder: string;
  readonly maxBytes: number;
  /** So many checkpoints of a job are kept, the newest. */
  readonly keep: number;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export interface CheckpointSource {
  readonly job: Pick<Job, 'id' | 'tenantId' | 'spec'>;
  readonly attempt: number;
  readonly bootId: string;
  readonly agent: Pick<PodAgent, 'results' | 'readResult'>;
}

export type SaveResult =
  | { readonly kind: 'stored'; readonly step: number }
  /** Nothing newer is whole or hashed yet, the attempt has ended, or its files are another's by now. */
  | { readonly kind: 'none' }
  /** The trainer removed it before the whole of it was here. */
  | { readonly kind: 'pruned'; readonly step: number }
  /** It is not what the pod says it is. */
  | { readonly kind: 'corrupt'; readonly step: number; readonly reason: string };

/** The step of the checkpoint that came with the attempt, as far as is known; 0: it has none. */
export function givenStep(attempt: Attempt | null): number {
  return attempt?.startStep ?? attempt?.resumeStep ?? 0;
}

/** The step up to which everything of this attempt is stored, or came with it; 0: nothing. */
export async function savedStep(db: Queryable, jobId: string, attempt: number): Promise<number> {
  const given = givenStep(await findAttempt(db, jobId, attempt));
  const own = (await checkpointsOf(db, jobId)).filter((each) => each.attempt === attempt);
  return Math.max(given, ...own.map(({ step }) => step));
}

/** @throws {AppError} POD_UNREACHABLE POD_REFUSED POD_UNTRUSTED STORE_UNAVAILABLE */
export async function saveCheckpoint(
  deps: StoringDeps,
  source: CheckpointSource,
  signal: AbortSignal,
): Promise<SaveResult> {
  const { job, attempt, bootId, agent } = source;
  const folder = checkpointStagingOf(deps.stagingFolder, job.id, attempt);
  const begun = await begunStep(folder);
  const list = await agent.results(signal, bootId, begun ?? undefined);
  // Of a folder whose sums are not all done the list has a part: that is no fault of the checkpoint.
  if (list.pending > 0) return { kind: 'none' };
  const saved = await savedStep(deps.db, job.id, attempt);
  const chosen = chooseCheckpoint({ ...list, savedStep: saved, begunStep: begun });
  await removeOthers(folder, chosen.kind === 'fetch' ? String(chosen.step) : null);
  if (chosen.kind !== 'fetch') return chosen;
  const { step } = chosen;
  const listed = list.files.filter(({ path }) => readCheckpointPath(path)?.step === step);
  const staging = join(folder, String(step));
  const found = { step, staging, bootId: list.bootId, files: listed };
  const outcome = await fetchCheckpoint(deps, source, found, signal);
  if (outcome.kind === 'taken') return { kind: 'none' };
  if (outcome.kind === 'corrupt') {
    // The trainer prunes too: what is gone by now was not wrong, but late.
    const { files } = await agent.results(signal, bootId);
    if (!hasCheckpoint(files, step)) return { kind: 'pruned', step };
    return { kind: 'corrupt', step, reason: outcome.reason };
  }
  deps.failpoint('checkpoint.adopted');
  const isStored = await tellCheckpoint(deps, source, step, outcome.files);
  deps.failpoint('checkpoint.saved');
  return isStored ? { kind: 'stored', step } : { kind: 'none' };
}

/** Of the newest one of which an earlier pull has left something; null: none. */
async function begunStep(folder: string): Promise<number | null> {
  const steps = (await namesIn(folder)).map(Number).filter(Number.isSafeInteger);
  return steps.length === 0 ? null : Math.max(...steps);
}

interface ListedCheckpoint {
  readonly step: number;
  /** Where its files are put together. */
  readonly staging: string;
  readonly bootId: string;
  readonly files: Parameters<typeof collectListed>[1]['files'];
}

/** `taken`: another has stored it meanwhile, or it is being removed; nothing was put into the store. */
async function fetchCheckpoint(
  deps: StoringDeps,
  source: CheckpointSource,
  { step, staging, bootId, files }: ListedCheckpoint,
  signal: AbortSignal,
): Promise<CollectOutcome | { readonly kind: 'taken' }> {
  const { job, attempt, agent } = source;
  if (files.length > MAX_FILES) {
    return { kind: 'corrupt', reason: `It has ${files.length} files, of ${MAX_FILES}.` };
  }
  const seen = { isTaken: false };
  const outcome = await collectListed(
    {
      agent,
      bootId,
      staging,
      keyPrefix: `jobs/${job.id}/${attempt}/`,
      store: deps.artifacts,
      maxBytes: deps.maxBytes,
      // It goes beside a training: one file, one range after the other.
      concurrency: 1,
      signal,
      beforeStore: async (fetched) => {
        const fault = await faultOf(fetched);
        if (fault !== null) return `The checkpoint is not complete: ${fault}.`;
        deps.failpoint('checkpoint.fetched');
        const set = setOf(source, step, fetched);
        seen.isTaken = !(await intendFiles(deps.db, job.tenantId, set, deps.now()));
        deps.failpoint('checkpoint.intended');
        return seen.isTaken ? 'Its files are another’s by now.' : null;
      },
    },
    { bootId, files },
  );
  return seen.isTaken ? { kind: 'taken' } : outcome;
}

/** What was begun of others is of no use any more. */
async function removeOthers(folder: string, name: string | null): Promise<void> {
  for (const other of (await namesIn(folder)).filter((each) => each !== name)) {
    await rm(join(folder, other), { recursive: true, force: true });
  }
}

async function faultOf(fetched: readonly FetchedFile[]): Promise<string | null> {
  const pathOf = ({ path }: FetchedFile) => readCheckpointPath(path)?.path ?? '';
  const marker = fetched.find((file) => pathOf(file) === COMPLETE)?.partPath;
  if (marker == null || (await stat(marker)).size > MAX_MARKER_BYTES) return 'its marker is none';
  const sums = new Map(fetched.map((file) => [pathOf(file), file.sha256]));
  return checkpointFault(await readFile(marker, 'utf8'), sums);
}

function setOf(
  { job, attempt }: CheckpointSource,
  step: number,
  files: readonly CollectedFile[],
): FileSet {
  return {
    jobId: job.id,
    attempt,
    name: checkpointName(step),
    step,
    specSha256: specSha256(job.spec),
    sizeBytes: sizeOf(files),
    storageKeys: files.map(({ storageKey }) => storageKey),
  };
}

/** False: the attempt has ended, or another has told it. */
async function tellCheckpoint(
  { db, keep, now }: StoringDeps,
  { job, attempt }: CheckpointSource,
  step: number,
  files: readonly CollectedFile[],
): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await lockLiveJob(db, tx, job.id))) return false;
    if ((await findAttempt(tx, job.id, attempt))?.endedAt !== null) return false;
    const name = checkpointName(step);
    if (!(await settleFiles(tx, { jobId: job.id, attempt, name }))) return false;
    const at = now();
    for (const file of files) await insertFile(tx, job, attempt, file, at);
    await pruneCheckpoints(tx, job.id, keep, []);
    const text = `checkpoint ${step} stored (${megabytes(sizeOf(files))})`;
    await appendLifecycle(tx, job, { at, attempt, text });
    return true;
  });
}

export async function insertFile(
  tx: Queryable,
  job: Pick<Job, 'id' | 'tenantId'>,
  attempt: number,
  { path, kind, sizeBytes, sha256, storageKey }: CollectedFile,
  now: number,
): Promise<void> {
  await upsertArtifact(tx, job.tenantId, {
    id: randomUUID(),
    job_id: job.id,
    attempt,
    path,
    kind,
    size_bytes: sizeBytes,
    sha256,
    storage_key: storageKey,
    created_at: now,
  });
}

/** `others` are as good as stored checkpoints, but no sets: they stay. */
export async function pruneCheckpoints(
  tx: Queryable,
  jobId: string,
  keep: number,
  others: readonly Pick<Checkpoint, 'attempt' | 'step'>[],
): Promise<void> {
  const stored = await checkpointsOf(tx, jobId);
  const unknown = others.filter(
    ({ attempt, step }) => !stored.some((each) => each.attempt === attempt && each.step === step),
  );
  const stale = new Set(staleCheckpoints([...stored, ...unknown], keep));
  for (const set of stored) if (stale.has(set)) await condemnFiles(tx, set);
}

/** Of all that decides what is trained; how often a checkpoint is made does not. */
export function specSha256(spec: Job['spec']): string {
  const same = JSON.stringify({ ...spec, checkpointSteps: null });
  return createHash('sha256').update(same).digest('hex');
}

export function sizeOf(files: readonly { readonly sizeBytes: number }[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}
