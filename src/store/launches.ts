/** The ledger of create calls. A launch is written before its call and never deleted. */
import type { Launch, LaunchState } from '../domain/job/job.ts';
import type { CloudTier } from '../domain/gpu.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

interface LaunchRow {
  readonly pod_name: string;
  readonly job_id: string;
  readonly attempt: number;
  readonly state: LaunchState;
  readonly gpu_type_id: string;
  readonly gpu_count: number;
  readonly cloud: CloudTier;
  readonly spot: number;
  readonly usd_per_hour: number;
  readonly pod_id: string | null;
  readonly data_center_id: string | null;
  readonly intended_at: number;
  readonly unsure_until: number;
  readonly live_at: number | null;
  readonly condemned_at: number | null;
  readonly reason: string | null;
  readonly observed_at: number | null;
  readonly absent_since: number | null;
  readonly absences: number;
  readonly terminated_at: number | null;
  readonly gone_at: number | null;
  readonly billed_usd: number | null;
  readonly log_event_id: string;
  readonly image_fault: string | null;
}

export interface LaunchIntent {
  readonly podName: string;
  readonly tenantId: string;
  readonly credentialId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly gpuTypeId: string;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly spot: boolean;
  readonly usdPerHour: number;
  readonly intendedAt: number;
  readonly unsureUntil: number;
}

export async function intendLaunch(tx: Queryable, intent: LaunchIntent): Promise<void> {
  await tx.query(
    `insert into launches (pod_name, tenant_id, credential_id, job_id, attempt, state, gpu_type_id,
       gpu_count, cloud, spot, usd_per_hour, intended_at, unsure_until, absences)
     values ($1, $2, $3, $4, $5, 'INTENDED', $6, $7, $8, $9, $10, $11, $12, 0)`,
    [
      intent.podName,
      intent.tenantId,
      intent.credentialId,
      intent.jobId,
      intent.attempt,
      intent.gpuTypeId,
      intent.gpuCount,
      intent.cloud,
      intent.spot ? 1 : 0,
      intent.usdPerHour,
      intent.intendedAt,
      intent.unsureUntil,
    ],
  );
}

/** False: it is not INTENDED any more. */
export async function adoptLaunch(
  tx: Queryable,
  podName: string,
  pod: { id: string; dataCenterId: string | null; usdPerHour: number; now: number },
): Promise<boolean> {
  const rows = await tx.query(
    `update launches set state = 'LIVE', pod_id = $2, data_center_id = $3,
       usd_per_hour = case when cast($4 as double precision) > 0
         then cast($4 as double precision) else usd_per_hour end,
       live_at = $5, absences = 0, absent_since = null
      where pod_name = $1 and state = 'INTENDED' returning pod_name`,
    [podName, pod.id, pod.dataCenterId, pod.usdPerHour, pod.now],
  );
  return rows.length > 0;
}

/** The platform said no: there is no pod. */
export async function refuseLaunch(
  tx: Queryable,
  podName: string,
  reason: string,
  now: number,
): Promise<void> {
  await tx.query(
    `update launches set state = 'GONE', gone_at = $3, reason = $2
      where pod_name = $1 and state = 'INTENDED'`,
    [podName, reason.slice(0, 500), now],
  );
}

/** Whatever pod bears this name is to be terminated, from now on and for ever. */
export async function condemnLaunches(
  tx: Queryable,
  jobId: string,
  reason: string,
  now: number,
): Promise<void> {
  await tx.query(
    `update launches set state = 'CONDEMNED', condemned_at = $3, reason = $2, absences = 0,
       absent_since = null
      where job_id = $1 and state in ('INTENDED', 'LIVE')`,
    [jobId, reason.slice(0, 500), now],
  );
}

/** A pod that is listed though its launch is condemned or was thought gone: it still costs. */
export async function condemnSeen(
  tx: Queryable,
  podName: string,
  podId: string,
  usdPerHour: number,
): Promise<void> {
  await tx.query(
    `update launches set state = 'CONDEMNED', pod_id = coalesce(pod_id, $2), absences = 0,
       absent_since = null, gone_at = null, terminated_at = null,
       usd_per_hour = case when pod_id is null then $3 else usd_per_hour end
      where pod_name = $1 and state in ('CONDEMNED', 'GONE')`,
    [podName, podId, usdPerHour],
  );
}

/** `takenAt` is when the listing was asked for; each counts once. */
export async function recordAbsence(
  tx: Queryable,
  podName: string,
  takenAt: number,
): Promise<void> {
  await tx.query(
    `update launches set absences = absences + 1, absent_since = coalesce(absent_since, $2),
       observed_at = $2
      where pod_name = $1 and (observed_at is null or observed_at < $2)`,
    [podName, takenAt],
  );
}

export async function recordPresence(
  tx: Queryable,
  podName: string,
  takenAt: number,
): Promise<void> {
  await tx.query(
    `update launches set absences = 0, absent_since = null, observed_at = $2
      where pod_name = $1 and (observed_at is null or observed_at < $2)`,
    [podName, takenAt],
  );
}

/** The platform accepted the end of its pod; another pod of the same name says nothing of it. */
export async function markTerminated(
  tx: Queryable,
  podName: string,
  podId: string,
  now: number,
): Promise<void> {
  await tx.query(
    `update launches set terminated_at = coalesce(terminated_at, $3)
      where pod_name = $1 and pod_id = $2`,
    [podName, podId, now],
  );
}

export async function markGone(
  tx: Queryable,
  podName: string,
  now: number,
  billingDueAt: number,
): Promise<void> {
  await tx.query(
    `update launches set state = 'GONE', gone_at = $2,
       billing_due_at = case when pod_id is null then null else cast($3 as bigint) end
      where pod_name = $1 and state = 'CONDEMNED'`,
    [podName, now, billingDueAt],
  );
}

export async function findLaunches(
  db: Queryable,
  podNames: readonly string[],
): Promise<ReadonlyMap<string, Launch>> {
  if (podNames.length === 0) return new Map();
  const rows = await db.query<LaunchRow>(
    `select * from launches where pod_name in (${placeholders(podNames, 1)})`,
    podNames,
  );
  return new Map(rows.map((row) => [row.pod_name, toLaunch(row)]));
}

type OpenLaunch = Launch & { readonly state: Exclude<LaunchState, 'GONE'> };

/** Launches that may cost money now, oldest first. */
export async function openLaunches(
  db: Queryable,
  credentialId: string,
): Promise<readonly OpenLaunch[]> {
  const rows = await db.query<LaunchRow>(
    `select * from launches where credential_id = $1 and state in ('INTENDED', 'LIVE', 'CONDEMNED')
      order by intended_at limit 5000`,
    [credentialId],
  );
  return rows.map(toLaunch) as OpenLaunch[];
}

/** Launches whose pod must go, oldest first. */
export async function condemnedLaunches(
  db: Queryable,
  credentialId: string,
): Promise<readonly Launch[]> {
  const rows = await db.query<LaunchRow>(
    `select * from launches where credential_id = $1 and state = 'CONDEMNED'
      order by condemned_at limit 5000`,
    [credentialId],
  );
  return rows.map(toLaunch);
}

/** Of each job, oldest first. */
export async function launchesOf(
  db: Queryable,
  jobIds: readonly string[],
): Promise<readonly (readonly Launch[])[]> {
  if (jobIds.length === 0) return [];
  const rows = await db.query<LaunchRow>(
    `select * from launches where job_id in (${placeholders(jobIds, 1)}) order by intended_at, pod_name`,
    jobIds,
  );
  const launches = rows.map(toLaunch);
  return jobIds.map((id) => launches.filter(({ jobId }) => jobId === id));
}

/** Pods whose bill is to be asked for. */
export async function unbilledLaunches(
  db: Queryable,
  credentialId: string,
  now: number,
  limit: number,
): Promise<readonly Launch[]> {
  const rows = await db.query<LaunchRow>(
    `select * from launches where credential_id = $1 and billing_due_at <= $2
      order by billing_due_at limit $3`,
    [credentialId, now, limit],
  );
  return rows.map(toLaunch);
}

/** `dueAt` null: it is not asked for again. */
export async function setBilled(
  db: Queryable,
  podName: string,
  billedUsd: number | null,
  dueAt: number | null,
): Promise<void> {
  await db.query(
    `update launches set billed_usd = coalesce($2, billed_usd), billing_due_at = $3
      where pod_name = $1`,
    [podName, billedUsd, dueAt],
  );
}

function toLaunch(row: LaunchRow): Launch {
  return {
    podName: row.pod_name,
    jobId: row.job_id,
    attempt: row.attempt,
    state: row.state,
    gpuTypeId: row.gpu_type_id,
    gpuCount: row.gpu_count,
    cloud: row.cloud,
    spot: row.spot === 1,
    usdPerHour: row.usd_per_hour,
    podId: row.pod_id,
    dataCenterId: row.data_center_id,
    intendedAt: row.intended_at,
    unsureUntil: row.unsure_until,
    liveAt: row.live_at,
    condemnedAt: row.condemned_at,
    reason: row.reason,
    observedAt: row.observed_at,
    absentSince: row.absent_since,
    absences: row.absences,
    terminatedAt: row.terminated_at,
    goneAt: row.gone_at,
    billedUsd: row.billed_usd,
    logEventId: row.log_event_id,
    imageFault: row.image_fault,
  };
}
