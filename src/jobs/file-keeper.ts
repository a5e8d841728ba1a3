/**
 * Removes files that nobody finds any more, under a lease of its own: of checkpoints beyond the
 * budget, and what a collection left that was cut between the first file and the rows. What is to be
 * removed is known by the sets that were written down before; a key that a row has is never removed.
 */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { createKeeper } from '../logs/keeper.ts';
import type { Keeper, KeeperDeps, Look } from '../logs/keeper.ts';
import { findAttempt } from '../store/attempts.ts';
import {
  abandonedSets,
  abandonFiles,
  dropFiles,
  setsToRemove,
  unusedKeys,
} from '../store/file-sets.ts';
import type { FileSet } from '../store/file-sets.ts';
import type { Failpoint } from './failpoint.ts';
import { discardStaging, stagedAttempts } from './staging.ts';

const SETS_PER_RUN = 20;
/** Between two looks at what is left on this machine of attempts that are over. */
const STAGING_EVERY_MS = 600_000;

export interface FileKeeperDeps extends KeeperDeps {
  readonly artifacts: Pick<ArtifactStore, 'remove'>;
  readonly stagingFolder: string;
  /** So long after the end of an attempt nobody stores anything of it any more. */
  readonly graceMs: number;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export function createFileKeeper(deps: FileKeeperDeps): Keeper {
  const { db, log, now, failpoint } = deps;
  let stagingDueAt = 0;

  async function look({ signal, hold }: Look): Promise<void> {
    if (now() >= stagingDueAt) {
      stagingDueAt = now() + STAGING_EVERY_MS;
      await clearStaging();
    }
    if (!(await hold())) return;
    for (const set of await abandonedSets(db, now() - deps.graceMs, SETS_PER_RUN)) {
      await abandonFiles(db, set);
    }
    // One that cannot be removed now does not keep the others; the first is told.
    const failed: unknown[] = [];
    for (const set of await setsToRemove(db, SETS_PER_RUN)) {
      if (signal.aborted) return;
      await remove(set, signal).catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw failed[0];
  }

  /** Cut short, it begins again: to remove what is not there is a success. */
  async function remove(set: FileSet, signal: AbortSignal): Promise<void> {
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

  return createKeeper(deps, 'file-keeper', look);
}
