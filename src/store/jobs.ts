/** Jobs: one function a statement. Every write behind a lease carries its token. */
import { AppError } from '../errors.ts';
import type { Job, JobStatus } from '../domain/job/job.ts';
import type { Database, Queryable } from './database.ts';

interface JobRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly credential_id: string;
  readonly name: string;
  readonly status: JobStatus;
  readonly status_since: number;
  readonly status_reason: string | null;
  readonly spec: string;
  readonly placement: string;
  readonly limits: string;
  readonly labels: string;
  readonly attempt: number;
  readonly failures: number;
  readonly progress: string | null;
  readonly failure: string | null;
  readonly estimated_usd: number | null;
  readonly cancel_requested_at: number | null;
  readonly pause_requested_at: number | null;
  readonly paused_ms: number;
  readonly pauses: number;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly capacity_since: number | null;
  readonly lease_token: number;
}

const COLUMNS = `jobs.id, jobs.tenant_id, jobs.credential_id, jobs.name, jobs.status,
  jobs.status_since, jobs.status_reason, jobs.spec, jobs.placement, jobs.limits, jobs.labels,
  jobs.attempt, jobs.failures, jobs.progress, jobs.failure, jobs.estimated_usd,
  jobs.cancel_requested_at, jobs.pause_requested_at, jobs.paused_ms, jobs.pauses, jobs.created_at, jobs.started_at, jobs.ended_at,
  jobs.capacity_since, jobs.lease_token`;

export interface Lease {
  readonly job: Job;
  /** Fences every write: a later lease has a higher one. */
  readonly token: number;
}

/** The lease has gone to another: nothing was written. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Due at once, by whatever clock: the database's may differ from ours. */
export async function insertJob(tx: Queryable, job: Job): Promise<void> {
  await tx.query(
    `insert into jobs (id, tenant_id, credential_id, name, status, status_since, spec, placement,
       limits, labels, attempt, failures, estimated_usd, created_at, due_at, lease_token,
       leased_until, log_seq, metric_seq)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $6, 0, 0, 0, 0, 0)`,
    [
      job.id,
      job.tenantId,
      job.credentialId,
      job.name,
      job.status,
      job.createdAt,
      JSON.stringify(job.spec),
      JSON.stringify(job.placement),
      JSON.stringify(job.limits),
      JSON.stringify(job.labels),
      job.estimatedUsd,
    ],
  );
}

/** What a key was used for. */
export interface KnownKey {
  readonly jobId: string;
  readonly bodySha256: string;
}

export type KeyClaim = { readonly kind: 'new' } | ({ readonly kind: 'known' } & KnownKey);

/** Null: it was not used yet. */
export async function findKey(
  db: Queryable,
  tenantId: string,
  key: string,
): Promise<KnownKey | null> {
  const [row] = await db.query<{ job_id: string; body_sha256: string }>(
    'select job_id, body_sha256 from idempotency_keys where tenant_id = $1 and key = $2',
    [tenantId, key],
  );
  return row === undefined ? null : { jobId: row.job_id, bodySha256: row.body_sha256 };
}

/** Whoever comes second waits for the first and then sees its job. */
export async function claimKey(
  tx: Queryable,
  key: { tenantId: string; key: string; bodySha256: string; jobId: string; now: number },
): Promise<KeyClaim> {
  const made = await tx.query(
    `insert into idempotency_keys (tenant_id, key, body_sha256, job_id, created_at)
     values ($1, $2, $3, $4, $5) on conflict (tenant_id, key) do nothing returning job_id`,
    [key.tenantId, key.key, key.bodySha256, key.jobId, key.now],
  );
  if (made.length > 0) return { kind: 'new' };
  const known = await findKey(tx, key.tenantId, key.key);
  if (known === null) throw new Error('a key that is taken is not there');
  return { kind: 'known', ...known };
}

export async function purgeKeys(db: Queryable, before: number): Promise<void> {
  await db.query('delete from idempotency_keys where created_at < $1', [before]);
}

/** Whether a job that has not ended trains on this upload. */
export async function isUploadWanted(
  db: Queryable,
  tenantId: string,
  uploadId: string,
): Promise<boolean> {
  // Ids are letters, digits and dashes: they mean nothing to `like`, but for `_`, which only widens it.
  const rows = await db.query(
    `select 1 from jobs where tenant_id = $1 and due_at is not null and spec like $2 limit 1`,
    [tenantId, `%"uploadId":"${uploadId}"%`],
  );
  return rows.length > 0;
}

/** In the order of `ids`; null where there is none. */
export async function findJobs(
  db: Queryable,
  tenantId: string,
  ids: readonly string[],
): Promise<readonly (Job | null)[]> {
  if (ids.length === 0) return [];
  const rows = await db.query<JobRow>(
    `select ${COLUMNS} from jobs where tenant_id = $1 and id in (${placeholders(ids, 2)})`,
    [tenantId, ...ids],
  );
  const byId = new Map(rows.map((row) => [row.id, toJob(row)]));
  return ids.map((id) => byId.get(id) ?? null);
}

export interface JobFilter {
  readonly tenantId: string;
  readonly status: readonly JobStatus[] | null;
  readonly nameContains: string | null;
}

/** Newest first. `after` is the last job of the page before. */
export async function listJobs(
  db: Queryable,
  filter: JobFilter,
  after: { createdAt: number; id: string } | null,
  limit: number,
): Promise<readonly Job[]> {
  const { sql, parameters } = conditions(filter);
  const seek =
    after === null
      ? ''
      : ` and (created_at < $${parameters.length + 1} or (created_at = $${parameters.length + 1} and id < $${parameters.length + 2}))`;
  const rows = await db.query<JobRow>(
    `select ${COLUMNS} from jobs where ${sql}${seek} order by created_at desc, id desc limit ${Math.trunc(limit)}`,
    [...parameters, ...(after === null ? [] : [after.createdAt, after.id])],
  );
  return rows.map(toJob);
}

export async function countJobs(db: Queryable, filter: JobFilter): Promise<number> {
  const { sql, parameters } = conditions(filter);
  const [row] = await db.query<{ count: number }>(
    `select count(*) as count from jobs where ${sql}`,
    parameters,
  );
  return row?.count ?? 0;
}

function conditions(filter: JobFilter): { sql: string; parameters: string[] } {
  const parameters: string[] = [filter.tenantId];
  const parts = ['tenant_id = $1'];
  if (filter.status !== null) {
    parts.push(`status in (${placeholders(filter.status, 2)})`);
    parameters.push(...filter.status);
  }
  if (filter.nameContains !== null) {
    parameters.push(`%${filter.nameContains.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`);
    parts.push(`lower(name) like $${parameters.length} escape '\\'`);
  }
  return { sql: parts.length === 0 ? 'true' : parts.join(' and '), parameters };
}

/** Takes up to `limit` due jobs until the lease ends; the token fences every later write. */
export async function claimDue(
  db: Database,
  claim: { workerId: string; leaseMs: number; limit: number },
): Promise<readonly Lease[]> {
  const rows = await db.query<JobRow>(
    `with due as materialized (
       select id from jobs
        where due_at <= ${db.nowMs} and leased_until <= ${db.nowMs}
        order by due_at limit $3 ${db.skipLocked})
     update jobs set lease_token = lease_token + 1, leased_by = $1, leased_until = ${db.nowMs} + $2
       from due where jobs.id = due.id returning ${COLUMNS}`,
    [claim.workerId, claim.leaseMs, claim.limit],
  );
  return rows.map((row) => ({ job: toJob(row), token: row.lease_token }));
}

/** Null: the lease is another's by now. */
export async function renewLease(
  db: Database,
  jobId: string,
  token: number,
  leaseMs: number,
): Promise<{ readonly isCancelled: boolean; readonly isPaused: boolean } | null> {
  type Wishes = Pick<JobRow, 'cancel_requested_at' | 'pause_requested_at'>;
  const [row] = await db.query<Wishes>(
    `update jobs set leased_until = ${db.nowMs} + $3 where id = $1 and lease_token = $2
     returning cancel_requested_at, pause_requested_at`,
    [jobId, token, leaseMs],
  );
  if (row === undefined) return null;
  return {
    isCancelled: row.cancel_requested_at !== null,
    isPaused: row.pause_requested_at !== null,
  };
}

/** When anything is due next, in epoch ms by the database's clock; null: nothing ever. */
export async function msUntilDue(db: Database): Promise<number | null> {
  const [row] = await db.query<{ ms: number | null }>(
    `select min(case when due_at > leased_until then due_at else leased_until end) - ${db.nowMs} as ms
       from jobs where due_at is not null`,
  );
  return row?.ms ?? null;
}

/**
 * Runs writes that count only while the lease holds. The row stays locked until they are done.
 * @throws {LeaseLost} and nothing is written
 */
export async function fenced<T>(
  db: Database,
  { job, token }: Lease,
  write: (tx: Queryable, current: Job) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    const [row] = await tx.query<JobRow>(
      `update jobs set lease_token = lease_token where id = $1 and lease_token = $2
       returning ${COLUMNS}`,
      [job.id, token],
    );
    if (row === undefined) throw new LeaseLost(`job ${job.id} is another's by now`);
    return write(tx, toJob(row));
  });
}

/** Holds the job's row to the end of the transaction. False: it has ended, or there is none. */
export async function lockLiveJob(db: Database, tx: Queryable, id: string): Promise<boolean> {
  const rows = await tx.query(
    `select id from jobs where id = $1 and ended_at is null ${db.forUpdate}`,
    [id],
  );
  return rows.length > 0;
}

/** What a step changes of a job; what is absent stays. */
export interface JobPatch {
  readonly status?: JobStatus;
  /** Absent: now, where the status changes. */
  readonly statusReason?: string | null;
  readonly attempt?: number;
  readonly failures?: number;
  readonly progress?: Job['progress'];
  readonly failure?: Job['failure'];
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Null: it waits for no machine. */
  readonly capacitySince?: number | null;
  readonly pausedMs?: number;
  readonly pauses?: number;
}

export async function patchJob(
  tx: Queryable,
  job: Job,
  patch: JobPatch,
  now: number,
): Promise<void> {
  const status = patch.status ?? job.status;
  const text = (value: unknown) => (value == null ? null : JSON.stringify(value));
  await tx.query(
    `update jobs set status = $2, status_since = $3, status_reason = $4, attempt = $5,
       failures = $6, progress = $7, failure = $8, started_at = $9, ended_at = $10,
       capacity_since = $11, paused_ms = $12, pauses = $13 where id = $1`,
    [
      job.id,
      status,
      status === job.status ? job.statusSince : now,
      patch.statusReason === undefined ? job.statusReason : patch.statusReason,
      patch.attempt ?? job.attempt,
      patch.failures ?? job.failures,
      text(patch.progress === undefined ? job.progress : patch.progress),
      text(patch.failure === undefined ? job.failure : patch.failure),
      patch.startedAt ?? job.startedAt,
      patch.endedAt ?? job.endedAt,
      patch.capacitySince === undefined ? job.capacitySince : patch.capacitySince,
      patch.pausedMs ?? job.pausedMs,
      patch.pauses ?? job.pauses,
    ],
  );
}

/**
 * Gives the lease back; due again after `dueInMs`, null: never. A wish that came meanwhile stays due
 * at once. A lease that is another's is left alone.
 */
export async function releaseLease(
  db: Database,
  { job, token }: Lease,
  dueInMs: number | null,
): Promise<void> {
  // One that the step had seen is tried again no sooner than anything else.
  const isNews = [
    job.cancelRequestedAt === null ? 'cancel_requested_at is not null' : '1 = 0',
    `pause_requested_at is ${job.pauseRequestedAt === null ? 'not null' : 'null'}`,
  ].join(' or ');
  const due = dueInMs === null ? 'null' : `${db.nowMs} + ${Math.trunc(dueInMs)}`;
  await db.query(
    `update jobs set leased_until = 0, leased_by = null,
       due_at = case when ended_at is not null then null
                     when ${isNews} then ${db.nowMs}
                     else ${due} end
      where id = $1 and lease_token = $2`,
    [job.id, token],
  );
}

/** `$n, $n+1, …` for every item. */
export function placeholders(items: readonly unknown[], first: number): string {
  if (items.length > 10_000) throw new AppError('LIMIT_EXCEEDED', 'At most 10000 at a time.');
  return items.map((_item, index) => `$${first + index}`).join(', ');
}

function toJob(row: JobRow): Job {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    credentialId: row.credential_id,
    name: row.name,
    status: row.status,
    statusSince: row.status_since,
    statusReason: row.status_reason,
    spec: JSON.parse(row.spec) as Job['spec'],
    placement: JSON.parse(row.placement) as Job['placement'],
    limits: JSON.parse(row.limits) as Job['limits'],
    labels: JSON.parse(row.labels) as Job['labels'],
    attempt: row.attempt,
    failures: row.failures,
    progress: JSON.parse(row.progress ?? 'null') as Job['progress'],
    failure: JSON.parse(row.failure ?? 'null') as Job['failure'],
    estimatedUsd: row.estimated_usd,
    cancelRequestedAt: row.cancel_requested_at,
    pauseRequestedAt: row.pause_requested_at,
    pausedMs: row.paused_ms,
    pauses: row.pauses,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    capacitySince: row.capacity_since,
  };
}
