/** What becomes of logs once they are written: an artifact at the end, and gone in time. */
import type { Database, Queryable } from './database.ts';

/** Of one transaction: others wait for it on SQLite. */
const ROWS_PER_DELETE = 200;

export interface EndedJob {
  readonly id: string;
  readonly tenantId: string;
}

/** Jobs that have ended with a log that is no artifact yet, in the order of their ends. */
export async function unarchivedJobs(db: Queryable, limit: number): Promise<readonly EndedJob[]> {
  return db.query<EndedJob>(
    `select id, tenant_id as "tenantId" from jobs
      where ended_at is not null and log_archived_at is null and log_seq > 0
      order by ended_at limit $1`,
    [limit],
  );
}

export async function markArchived(tx: Queryable, jobId: string, now: number): Promise<void> {
  await tx.query('update jobs set log_archived_at = $2 where id = $1', [jobId, now]);
}

/** Jobs whose log is an artifact and that ended before `before`, as long as they have one here. */
export async function expiredJobs(
  db: Queryable,
  before: number,
  limit: number,
): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    `select id from jobs where ended_at < $1 and log_archived_at is not null
        and log_expired_at is null order by ended_at limit $2`,
    [before, limit],
  );
  return rows.map(({ id }) => id);
}

/** Also takes the GPU samples, which are as many; the trainer's own figures stay. */
export async function expireLog(db: Database, jobId: string, now: number): Promise<void> {
  while ((await dropOldest(db, jobId, 0)) > 0);
  for (;;) {
    const rows = await db.query(
      `delete from metric_points where job_id = $1 and seq in (
         select seq from metric_points where job_id = $1 and name like 'gpu%.%'
          order by seq limit ${ROWS_PER_DELETE * 10}) returning seq`,
      [jobId],
    );
    if (rows.length === 0) break;
  }
  await db.query('update jobs set log_expired_at = $2 where id = $1', [jobId, now]);
}

/** Jobs that go on and have more log than that. */
export async function oversizedJobs(db: Queryable, maxBytes: number): Promise<readonly string[]> {
  const rows = await db.query<{ id: string }>(
    'select id from jobs where due_at is not null and log_bytes > $1',
    [maxBytes],
  );
  return rows.map(({ id }) => id);
}

/** Drops the oldest chunks, some at a time, until `bytes` are left. @returns how many it dropped */
export async function dropOldest(db: Database, jobId: string, bytes: number): Promise<number> {
  return db.transaction(async (tx) => {
    const [job] = await tx.query<{ log_bytes: number }>(
      `select log_bytes from jobs where id = $1 ${db.forUpdate}`,
      [jobId],
    );
    const chunks = await tx.query<{ first_seq: number; bytes: number }>(
      `select first_seq, octet_length(body) as bytes from log_chunks
        where job_id = $1 order by first_seq limit ${ROWS_PER_DELETE}`,
      [jobId],
    );
    let left = job?.log_bytes ?? 0;
    const dropped = chunks.filter((chunk) => {
      if (bytes > 0 && left <= bytes) return false;
      left -= chunk.bytes;
      return true;
    });
    const last = dropped.at(-1);
    if (last === undefined) return 0;
    await tx.query('delete from log_chunks where job_id = $1 and first_seq <= $2', [
      jobId,
      last.first_seq,
    ]);
    await tx.query('update jobs set log_bytes = $2 where id = $1', [jobId, Math.max(0, left)]);
    return dropped.length;
  });
}
