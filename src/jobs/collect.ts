/** Fetches, verifies and stores the results of a finished training; then the job is COMPLETED. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { collectArtifacts } from '../artifacts/collect.ts';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import { upsertArtifact } from '../store/artifacts.ts';
import { endAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { condemnLaunches } from '../store/launches.ts';
import { appendLines } from '../store/log-lines.ts';
import type { Failpoint } from './failpoint.ts';

export interface CollectDeps {
  readonly db: Database;
  readonly artifacts: ArtifactStore;
  /** For what is on its way; on this machine's disk. */
  readonly stagingFolder: string;
  readonly maxBytes: number;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

/** Removes what is left on this machine of a collection that was not finished. */
export async function discardStaging(
  { stagingFolder }: CollectDeps,
  jobId: string,
  attempt: number,
): Promise<void> {
  await rm(stagingOf(stagingFolder, jobId, attempt), { recursive: true, force: true });
}

function stagingOf(folder: string, jobId: string, attempt: number): string {
  return join(folder, `${jobId}-${attempt}`);
}

/**
 * @returns why the results cannot be used; null: they are stored and the job has ended, or its
 *   cancellation came first
 */
export async function collectJob(
  deps: CollectDeps,
  lease: Lease,
  agent: PodAgent,
  { bootId, exitCode }: { readonly bootId: string; readonly exitCode: number | null },
  signal: AbortSignal,
): Promise<string | null> {
  const { job } = lease;
  const { db, now, failpoint } = deps;
  failpoint('collect.decided');
  const place = `${job.id}/${job.attempt}`;
  const result = await collectArtifacts({
    agent,
    bootId,
    staging: stagingOf(deps.stagingFolder, job.id, job.attempt),
    keyPrefix: `jobs/${place}/`,
    store: deps.artifacts,
    maxBytes: deps.maxBytes,
    signal,
  });
  if (result.kind === 'corrupt') return result.reason;
  failpoint('collect.fetched');
  await fenced(db, lease, async (tx, current) => {
    if (current.cancelRequestedAt !== null) return;
    const at = now();
    for (const file of result.files) {
      await upsertArtifact(tx, job.tenantId, {
        id: randomUUID(),
        job_id: job.id,
        attempt: current.attempt,
        path: file.path,
        kind: file.kind,
        size_bytes: file.sizeBytes,
        sha256: file.sha256,
        storage_key: file.storageKey,
        created_at: at,
      });
    }
    await endAttempt(tx, job.id, current.attempt, { outcome: 'SUCCEEDED', exitCode, now: at });
    await condemnLaunches(tx, job.id, 'the job is completed', at);
    const text = `completed: ${result.files.length} files stored and verified`;
    await appendLines(tx, job, [{ at, source: 'LIFECYCLE', attempt: current.attempt, text }]);
    await patchJob(tx, current, { status: 'COMPLETED', statusReason: null, endedAt: at }, at);
  });
  failpoint('collect.saved');
  return null;
}
