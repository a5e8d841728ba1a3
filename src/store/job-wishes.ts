/** What callers wish of a job: stored, and due at once; what it takes is the reconciler's. */
import type { Queryable } from './database.ts';

/** Cancellation is a wish that stays; the job becomes due at once. False: it had ended already. */
export async function requestCancel(
  db: Queryable,
  tenantId: string,
  id: string,
  now: number,
): Promise<boolean> {
  const rows = await db.query(
    `update jobs set cancel_requested_at = coalesce(cancel_requested_at, $3), due_at = 0
      where tenant_id = $1 and id = $2 and due_at is not null and ended_at is null returning id`,
    [tenantId, id, now],
  );
  return rows.length > 0;
}

/** A wish too; it does not count against a cancellation. False: it has ended, or is cancelled. */
export async function requestPause(
  db: Queryable,
  tenantId: string,
  id: string,
  now: number,
): Promise<boolean> {
  const rows = await db.query(
    `update jobs set pause_requested_at = coalesce(pause_requested_at, $3), due_at = 0
      where tenant_id = $1 and id = $2 and ended_at is null and cancel_requested_at is null
      returning id`,
    [tenantId, id, now],
  );
  return rows.length > 0;
}

/** The wish for a pause is taken back. False: it has ended, or is cancelled. */
export async function requestResume(db: Queryable, tenantId: string, id: string): Promise<boolean> {
  const rows = await db.query(
    `update jobs set pause_requested_at = null, due_at = 0
      where tenant_id = $1 and id = $2 and ended_at is null and cancel_requested_at is null
      returning id`,
    [tenantId, id],
  );
  return rows.length > 0;
}
