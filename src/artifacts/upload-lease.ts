import type { Database } from '../store/database.ts';
import { claimUpload, releaseUpload, renewUploadLease } from '../store/uploads.ts';
import { createOrder } from './in-order.ts';

/**
 * One receiver's hold on an upload, so that two never write it and a dead one does not keep it. It
 * renews itself; whoever is stopped for longer than the lease finds it lost.
 */
export interface UploadLease {
  readonly isLost: boolean;
  /** False: it is lost. */
  renew(): Promise<boolean>;
  /** No more renewals; when it ends, which is the proof of holding it. */
  settle(): Promise<number>;
  /** Gives the upload back, unless it is complete or another's by now. */
  release(): Promise<void>;
}

export interface UploadLeaseDeps {
  readonly db: Database;
  readonly tenantId: string;
  /** From the announcement until a waiting upload expires. */
  readonly ttlMs: number;
  readonly now: () => number;
}

export const LEASE_MS = 120_000;
const RENEW_MS = 20_000;

/** Null: another receiver has it, or it is complete. */
export async function takeUploadLease(
  { db, tenantId, ttlMs, now }: UploadLeaseDeps,
  id: string,
): Promise<UploadLease | null> {
  let until = now() + LEASE_MS;
  let isLost = false;
  const inOrder = createOrder();
  if (!(await claimUpload(db, tenantId, id, { now: now(), until }))) return null;
  const timer = setInterval(() => {
    // A database that is away is asked again: the lease outlives several tries.
    renew().catch(() => undefined);
  }, RENEW_MS).unref();

  /** Each names the end that the one before has set. */
  function renew(): Promise<boolean> {
    return inOrder(async () => {
      const newUntil = Math.max(now() + LEASE_MS, until + 1);
      if (await renewUploadLease(db, tenantId, id, { until, newUntil })) until = newUntil;
      else isLost = true;
      return !isLost;
    });
  }

  function settle(): Promise<number> {
    clearInterval(timer);
    return inOrder(() => Promise.resolve(until));
  }

  return {
    get isLost() {
      return isLost;
    },
    renew,
    settle,
    async release() {
      await releaseUpload(db, tenantId, id, { until: await settle(), ttlMs });
    },
  };
}
