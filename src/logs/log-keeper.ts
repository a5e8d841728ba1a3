/**
 * Looks after stored logs under a lease of its own, in the rhythm of the sweeper: those of ended
 * jobs become artifacts, and what is too old or too large goes.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { dropLease, holdLease } from '../store/leases.ts';
import { unarchivedJobs } from '../store/log-retention.ts';
import { archiveLog } from './log-artifact.ts';
import type { ArchiveDeps } from './log-artifact.ts';
import { retainLogs } from './retention.ts';
import type { RetentionPolicy } from './retention.ts';

const JOBS_PER_RUN = 20;
/** After a log that could not be archived, before it is tried again: others come first. */
const REST_MS = 60_000;
const LEASE_NAME = 'log-keeper';

export interface LogKeeperDeps extends ArchiveDeps {
  readonly tenantId: string;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly tickMs: number;
  readonly policy: RetentionPolicy;
  readonly log: Logger;
  readonly onArchived: (jobId: string) => void;
}

export interface LogKeeper {
  start(): void;
  close(): Promise<void>;
}

export function createLogKeeper(deps: LogKeeperDeps): LogKeeper {
  const { db, tenantId, workerId, log, now } = deps;
  const lease = { tenantId, workerId, name: LEASE_NAME };
  const stopping = new AbortController();
  const { signal } = stopping;
  const restUntil = new Map<string, number>();
  let loop: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await look().catch((error: unknown) => {
        report(error);
      });
      await pause(deps.tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async function look(): Promise<void> {
    if (!(await holdLease(db, { ...lease, leaseMs: deps.leaseMs }))) return;
    for (const job of await unarchivedJobs(db, JOBS_PER_RUN + restUntil.size)) {
      if (signal.aborted) return;
      if ((restUntil.get(job.id) ?? 0) <= now()) await archive(job);
    }
    await retainLogs(db, deps.policy, now(), signal);
  }

  async function archive(job: Parameters<typeof archiveLog>[1]): Promise<void> {
    try {
      await archiveLog(deps, job, signal);
      restUntil.delete(job.id);
      deps.onArchived(job.id);
    } catch (error) {
      restUntil.set(job.id, now() + REST_MS);
      report(error, job.id);
    }
  }

  function report(error: unknown, jobId?: string): void {
    if (signal.aborted) return;
    if (error instanceof AppError) log.warn({ jobId, reason: error.message }, 'log keeper: later');
    else log.error({ err: error, jobId }, 'log keeper: a bug');
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
