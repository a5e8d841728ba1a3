/** Pods that bear our name and that the store has never heard of. */
import type { Queryable } from './database.ts';

export interface QuarantinedPod {
  readonly podId: string;
  readonly podName: string;
  readonly usdPerHour: number;
  readonly firstSeenAt: number;
  readonly decision: 'TERMINATE' | 'KEEP' | null;
}

/** True: it was not known before, or had been taken for gone. */
export async function quarantine(
  db: Queryable,
  pod: {
    podId: string;
    podName: string;
    tenantId: string;
    credentialId: string;
    usdPerHour: number;
    now: number;
  },
): Promise<boolean> {
  const rows = await db.query(
    `insert into quarantined_pods (pod_id, tenant_id, credential_id, pod_name, usd_per_hour,
       first_seen_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (pod_id) do update set ended_at = null
       where quarantined_pods.ended_at is not null
     returning pod_id`,
    [pod.podId, pod.tenantId, pod.credentialId, pod.podName, pod.usdPerHour, pod.now],
  );
  return rows.length > 0;
}

export async function quarantinedPods(
  db: Queryable,
  credentialId: string,
): Promise<readonly QuarantinedPod[]> {
  const rows = await db.query<{
    pod_id: string;
    pod_name: string;
    usd_per_hour: number;
    first_seen_at: number;
    decision: QuarantinedPod['decision'];
  }>(
    `select * from quarantined_pods where credential_id = $1 and ended_at is null
      order by first_seen_at limit 1000`,
    [credentialId],
  );
  return rows.map((row) => ({
    podId: row.pod_id,
    podName: row.pod_name,
    usdPerHour: row.usd_per_hour,
    firstSeenAt: row.first_seen_at,
    decision: row.decision,
  }));
}

export async function endQuarantine(db: Queryable, podId: string, now: number): Promise<void> {
  await db.query(
    'update quarantined_pods set ended_at = $2 where pod_id = $1 and ended_at is null',
    [podId, now],
  );
}

/** Pods that were gone before `endedBefore`; one that is listed again after all is a new one. */
export async function purgeQuarantine(db: Queryable, endedBefore: number): Promise<void> {
  await db.query('delete from quarantined_pods where ended_at < $1', [endedBefore]);
}

/** False: no such pod is in quarantine. */
export async function decideQuarantine(
  db: Queryable,
  podId: string,
  decision: 'TERMINATE' | 'KEEP',
): Promise<boolean> {
  const rows = await db.query(
    'update quarantined_pods set decision = $2 where pod_id = $1 and ended_at is null returning pod_id',
    [podId, decision],
  );
  return rows.length > 0;
}
