/**
 * Looks after stored logs in the rhythm of the sweeper: those of ended jobs become artifacts, and what
 * is too old or too large goes.
 */
import { unarchivedJobs } from '../store/log-retention.ts';
import { createKeeper } from './keeper.ts';
import type { Keeper, KeeperDeps, Look } from './keeper.ts';
import { archiveLog } from './log-artifact.ts';
import type { ArchiveDeps } from './log-artifact.ts';
import { retainLogs } from './retention.ts';
import type { RetentionPolicy } from './retention.ts';

const JOBS_PER_RUN = 20;
/** After a log that could not be archived, before it is tried again: others come first. */
const REST_MS = 60_000;

export interface LogKeeperDeps extends ArchiveDeps, KeeperDeps {
  readonly policy: RetentionPolicy;
  readonly onArchived: (jobId: string) => void;
}

export function createLogKeeper(deps: LogKeeperDeps): Keeper {
  const { db, now } = deps;
  const restUntil = new Map<string, number>();

  async function look({ signal, hold, report }: Look): Promise<void> {
    if (!(await hold())) return;
    for (const job of await unarchivedJobs(db, JOBS_PER_RUN + restUntil.size)) {
      if (signal.aborted) return;
      if ((restUntil.get(job.id) ?? 0) > now()) continue;
      await archive(job, signal).catch((error: unknown) => {
        restUntil.set(job.id, now() + REST_MS);
        report(error, job.id);
      });
    }
    await retainLogs(db, deps.policy, now(), signal);
  }

  async function archive(
    job: Parameters<typeof archiveLog>[1],
    signal: AbortSignal,
  ): Promise<void> {
    await archiveLog(deps, job, signal);
    restUntil.delete(job.id);
    deps.onArchived(job.id);
  }

  return createKeeper(deps, 'log-keeper', look);
}
