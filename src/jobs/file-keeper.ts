/**
 * Removes files that nobody finds any more, under a lease of its own: of checkpoints beyond the
 * budget, and what a collection left that was cut between the first file and the rows. What is to be
 * removed is known by the sets that were written down before; a key that a row has is never removed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { findAttempt } from '../store/attempts.ts';
import {
  abandonedSets,
  abandonFiles,
  dropFiles,
  setsToRemove,
  unusedKeys,
} from '../store/file-sets.ts';
import type { FileSet } from '../store/file-sets.ts';
import { dropLease, holdLease } from '../store/leases.ts';
import type { Failpoint } from './failpoint.ts';
import { discardStaging, stagedAttempts } from './staging.ts';

const SETS_PER_RUN = 20;
const LEASE_NAME = 'file-keeper';
/** Between two looks at what is left on this machine of attempts that are over. */
const STAGING_EVERY_MS = 600_000;

export interface FileKeeperDeps {
  readonly db: Database;
  readonly artifacts: Pick<ArtifactStore, 'remove'>;
  readonly stagingFolder: string;
  readonly tenantId: string;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly tickMs: number;
  /** So long after the end of an attempt nobody stores anything of it any more. */
  readonly graceMs: number;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export interface FileKeeper {
  start(): void;
  close(): Promise<void>;
}

export function createFileKeeper(deps: FileKeeperDeps): FileKeeper {
  const { db, tenantId, workerId, log, now, failpoint } = deps;
  const lease = { tenantId, workerId, name: LEASE_NAME };
  const stopping = new AbortController();
  const { signal } = stopping;
  let stagingDueAt = 0;
  let loop: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await look().catch(report);
      await pause(deps.tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    if (now() >= stagingDueAt) {
      stagingDueAt = now() + STAGING_EVERY_MS;
      await clearStaging();
    }
    if (!(await holdLease(db, { ...lease, leaseMs: deps.leaseMs }))) return;
    for (const set of await abandonedSets(db, now() - deps.graceMs, SETS_PER_RUN)) {
      await abandonFiles(db, set);
    }
    // One that cannot be removed now does not keep the others; the first is told.
    const failed: unknown[] = [];
    for (const set of await setsToRemove(db, SETS_PER_RUN)) {
      if (signal.aborted) return;
      await remove(set).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
  }

  /** Cut short, it begins again: to remove what is not there is a success. */
  async function remove(set: FileSet): Promise<void> {
    const { jobId, attempt, name } = set;
    const keys = await unusedKeys(db, set);
    for (const key of keys) {
      signal.throwIfAborted();
      await deps.artifacts.remove(key);
    }
    failpoint('files.removed');
    await dropFiles(db, set);
    log.info({ jobId, attempt, name, files: keys.length }, 'files removed');
  }

  /** Of attempts that ended elsewhere, or while this server was down. */
  async function clearStaging(): Promise<void> {
    for (const { jobId, attempt } of await stagedAttempts(deps.stagingFolder)) {
      const known = await findAttempt(db, jobId, attempt);
      if (known?.endedAt === null) continue;
      await discardStaging(deps.stagingFolder, jobId, attempt);
    }
  }

  function report(error: unknown): void {
    if (signal.aborted) return;
    if (error instanceof AppError) log.warn({ reason: error.message }, 'file keeper: later');
    else log.error({ err: error }, 'file keeper: a bug');
  }

  return {
    start() {
      loop = run();
    },
    async close() {
      stopping.abort();
      await loop;
      await dropLease(db, lease).catch(() => undefined);
    },
  };
}
