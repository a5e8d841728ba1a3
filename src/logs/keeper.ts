/** Looks after something from time to time, under a named lease: among all servers one does. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { dropLease, holdLease } from '../store/leases.ts';

export interface KeeperDeps {
  readonly db: Database;
  readonly tenantId: string;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly tickMs: number;
  readonly log: Logger;
}

export interface Keeper {
  start(): void;
  close(): Promise<void>;
}

/** What one look has to do with its keeper. */
export interface Look {
  /** Aborted when the server goes down. */
  readonly signal: AbortSignal;
  /** Takes or renews the lease. False: another server has it. */
  readonly hold: () => Promise<boolean>;
  /** A failure that does not end the look. */
  readonly report: (error: unknown, jobId?: string) => void;
}

/** `name` of the lease, and in the server's log. */
export function createKeeper(
  { db, tenantId, workerId, leaseMs, tickMs, log }: KeeperDeps,
  name: string,
  lookAround: (look: Look) => Promise<void>,
): Keeper {
  const lease = { tenantId, workerId, name };
  const title = name.replace('-', ' ');
  const stopping = new AbortController();
  const { signal } = stopping;
  let loop: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await lookAround({ signal, hold: () => holdLease(db, { ...lease, leaseMs }), report }).catch(
        (error: unknown) => {
          report(error);
        },
      );
      await pause(tickMs, undefined, { signal }).catch(() => undefined);
    }
  }

  function report(error: unknown, jobId?: string): void {
    if (signal.aborted) return;
    if (error instanceof AppError) log.warn({ jobId, reason: error.message }, `${title}: later`);
    else log.error({ err: error, jobId }, `${title}: a bug`);
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
