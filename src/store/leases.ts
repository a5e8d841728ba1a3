import type { Database } from './database.ts';

/** What servers do for one job under a lease, whose name is `<kind>:<job id>`. */
const JOB_LEASES = ['checkpoint', 'finish', 'ingest', 'system'];

/** Takes or renews a named lease of the server; false: another holds it. */
export async function holdLease(
  db: Database,
  lease: { tenantId: string; name: string; workerId: string; leaseMs: number },
): Promise<boolean> {
  const rows = await db.query(
    `insert into leases (tenant_id, name, token, leased_by, leased_until)
     values ($1, $2, 1, $3, ${db.nowMs} + $4)
     on conflict (tenant_id, name) do update
       set token = leases.token + 1, leased_by = $3, leased_until = ${db.nowMs} + $4
       where leases.leased_by = $3 or leases.leased_until <= ${db.nowMs}
     returning token`,
    [lease.tenantId, lease.name, lease.workerId, lease.leaseMs],
  );
  return rows.length > 0;
}

/** Whether anybody holds it, this server too. */
export async function isLeaseHeld(
  db: Database,
  { tenantId, name }: { tenantId: string; name: string },
): Promise<boolean> {
  const rows = await db.query(
    `select 1 as held from leases where tenant_id = $1 and name = $2 and leased_until > ${db.nowMs}`,
    [tenantId, name],
  );
  return rows.length > 0;
}

export async function dropLease(
  db: Database,
  lease: { tenantId: string; name: string; workerId: string },
): Promise<void> {
  await db.query(
    `update leases set leased_until = 0 where tenant_id = $1 and name = $2 and leased_by = $3`,
    [lease.tenantId, lease.name, lease.workerId],
  );
}

/** For names that are not used again. */
export async function removeLease(
  db: Database,
  lease: { tenantId: string; name: string; workerId: string },
): Promise<void> {
  await db.query(`delete from leases where tenant_id = $1 and name = $2 and leased_by = $3`, [
    lease.tenantId,
    lease.name,
    lease.workerId,
  ]);
}

const ID_OF_JOB = JOB_LEASES.map(
  (kind) => `when leases.name like '${kind}:%' then substr(leases.name, ${kind.length + 2})`,
).join(' ');

/**
 * Removes up to `limit` leases that ran out, of jobs that have ended: left by servers that were
 * killed, and never taken again.
 */
export async function purgeLeases(db: Database, limit: number): Promise<void> {
  // One that somebody takes at this moment does not count as run out any more.
  await db.query(
    `with expired as materialized (
       select leases.tenant_id, leases.name from leases
         join jobs on jobs.id = case ${ID_OF_JOB} end and jobs.tenant_id = leases.tenant_id
        where leases.leased_until <= ${db.nowMs} and jobs.ended_at is not null limit $1)
     delete from leases where leased_until <= ${db.nowMs}
        and (tenant_id, name) in (select tenant_id, name from expired)`,
    [limit],
  );
}
