/** Fetches, verifies and stores the results of a finished training; then the job is COMPLETED. */
import { collectArtifacts } from '../artifacts/collect.ts';
import type { FetchedFile } from '../artifacts/collect.ts';
import type { AgentResult, PodAgent } from '../datasources/pod-agent.ts';
import { readCheckpointPath, staleCheckpoints } from '../domain/job/checkpoint.ts';
import { AppError } from '../errors.ts';
import { selectArtifactsOfJobs } from '../store/artifacts.ts';
import { endAttempt, findAttempt } from '../store/attempts.ts';
import { dropFiles, intendFiles } from '../store/file-sets.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { condemnLaunches } from '../store/launches.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import { givenStep, insertFile, pruneCheckpoints, sizeOf } from './checkpoints.ts';
import type { StoringDeps } from './checkpoints.ts';
import { resultStagingOf } from './staging.ts';

/** The set of an attempt's results, while they are being stored. */
const RESULTS = 'results';

/**
 * @returns why the results cannot be used; null: they are stored and the job has ended, or its
 *   cancellation came first
 */
export async function collectJob(
  deps: StoringDeps,
  lease: Lease,
  agent: PodAgent,
  { bootId, exitCode }: { readonly bootId: string; readonly exitCode: number | null },
  signal: AbortSignal,
): Promise<string | null> {
  const { job } = lease;
  const { db, now, failpoint } = deps;
  failpoint('collect.decided');
  const given = givenStep(await findAttempt(db, job.id, job.attempt));
  const stored = await storedSums(deps, lease);
  const result = await collectArtifacts({
    agent,
    bootId,
    staging: resultStagingOf(deps.stagingFolder, job.id, job.attempt),
    keyPrefix: `jobs/${job.id}/${job.attempt}/`,
    select: (files) => worthKeeping(files, given, deps.keep),
    isStored: (path, sha256) => stored.get(path) === sha256,
    beforeStore: async (files) => {
      await intendResults(deps, lease, files);
      return null;
    },
    store: deps.artifacts,
    maxBytes: deps.maxBytes,
    signal,
  });
  if (result.kind === 'corrupt') return result.reason;
  failpoint('collect.fetched');
  await fenced(db, lease, async (tx, current) => {
    if (current.cancelRequestedAt !== null) return;
    const at = now();
    const { attempt } = current;
    for (const file of result.files) await insertFile(tx, job, attempt, file, at);
    await dropFiles(tx, { jobId: job.id, attempt, name: RESULTS });
    const steps = stepsOf(result.files).map((step) => ({ attempt, step }));
    await pruneCheckpoints(tx, job.id, deps.keep, steps);
    await endAttempt(tx, job.id, attempt, { outcome: 'SUCCEEDED', exitCode, now: at });
    await condemnLaunches(tx, job.id, 'the job is completed', at);
    const text = `completed: ${result.files.length} files stored and verified`;
    await appendLifecycle(tx, job, { at, attempt, text });
    await patchJob(tx, current, { status: 'COMPLETED', statusReason: null, endedAt: at }, at);
  });
  failpoint('collect.saved');
  return null;
}

/** What was stored while it trained is not fetched again: sha256 by path. */
async function storedSums(
  { db }: StoringDeps,
  { job }: Lease,
): Promise<ReadonlyMap<string, string>> {
  const [rows = []] = await selectArtifactsOfJobs(db, job.tenantId, [job.id]);
  const own = rows.filter(({ attempt }) => attempt === job.attempt);
  return new Map(own.map(({ path, sha256 }) => [path, sha256]));
}

/**
 * Written down before the first of them is in the store: a collection may be cut at any file.
 * @throws {AppError} STORE_UNAVAILABLE what an earlier one left is still being removed
 */
async function intendResults(
  { db, now, failpoint }: StoringDeps,
  lease: Lease,
  files: readonly FetchedFile[],
): Promise<void> {
  const fresh = files.filter(({ partPath }) => partPath !== null);
  const set = {
    jobId: lease.job.id,
    attempt: lease.job.attempt,
    name: RESULTS,
    step: null,
    specSha256: null,
    sizeBytes: sizeOf(fresh),
    storageKeys: fresh.map(({ storageKey }) => storageKey),
  };
  const isIntended = await fenced(db, lease, (tx, job) =>
    intendFiles(tx, job.tenantId, set, now()),
  );
  if (!isIntended) {
    const message = 'Files that an earlier collection left are still being removed.';
    throw new AppError('STORE_UNAVAILABLE', message, { retryable: true });
  }
  failpoint('collect.intended');
}

/** Everything but old checkpoints, and the one that came with the attempt: that is another's. */
function worthKeeping(
  files: readonly AgentResult[],
  given: number,
  keep: number,
): readonly AgentResult[] {
  const steps = stepsOf(files).map((step) => ({ attempt: 0, step }));
  const left = new Set(staleCheckpoints(steps, keep).map(({ step }) => step));
  return files.filter(({ path }) => {
    const step = readCheckpointPath(path)?.step;
    return step === undefined || (step > given && !left.has(step));
  });
}

function stepsOf(files: readonly { readonly path: string }[]): readonly number[] {
  return [...new Set(files.flatMap(({ path }) => readCheckpointPath(path)?.step ?? []))];
}
