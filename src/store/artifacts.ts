/** Table `artifacts`: one function per statement. */
import type { ArtifactKind } from '../datasources/pod-agent.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

export interface ArtifactRow {
  readonly id: string;
  readonly job_id: string;
  readonly attempt: number;
  /** As the trainer wrote it, relative, with `/`. */
  readonly path: string;
  readonly kind: ArtifactKind;
  readonly size_bytes: number;
  /** Hex, checked when the file was collected. */
  readonly sha256: string;
  readonly storage_key: string;
  readonly created_at: number;
}

const COLUMNS = 'id, job_id, attempt, path, kind, size_bytes, sha256, storage_key, created_at';

/** A file collected again replaces what was known of it, under the id it had. */
export async function upsertArtifact(
  db: Queryable,
  tenantId: string,
  row: ArtifactRow,
): Promise<ArtifactRow> {
  const rows = await db.query<ArtifactRow>(
    `insert into artifacts (${COLUMNS}, tenant_id)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      on conflict (job_id, attempt, path) do update set kind = excluded.kind,
        size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
        storage_key = excluded.storage_key
      where artifacts.tenant_id = excluded.tenant_id
      returning ${COLUMNS}`,
    [
      row.id,
      row.job_id,
      row.attempt,
      row.path,
      row.kind,
      row.size_bytes,
      row.sha256,
      row.storage_key,
      row.created_at,
      tenantId,
    ],
  );
  return rows[0] ?? row;
}

/** The artifacts under these keys, in the same order each time. */
export async function selectArtifactsAt(
  db: Queryable,
  jobId: string,
  storageKeys: readonly string[],
): Promise<readonly ArtifactRow[]> {
  return db.query<ArtifactRow>(
    `select ${COLUMNS} from artifacts
      where job_id = $1 and storage_key in (${placeholders(storageKeys, 2)}) order by storage_key`,
    [jobId, ...storageKeys],
  );
}

/** In the order of `ids`; null where there is none. */
export async function selectArtifacts(
  db: Queryable,
  tenantId: string,
  ids: readonly string[],
): Promise<readonly (ArtifactRow | null)[]> {
  if (ids.length === 0) return [];
  const rows = await db.query<ArtifactRow>(
    `select ${COLUMNS} from artifacts where tenant_id = $1 and id in (${placeholders(ids, 2)})`,
    [tenantId, ...ids],
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

/** Of each job, by attempt and path. */
export async function selectArtifactsOfJobs(
  db: Queryable,
  tenantId: string,
  jobIds: readonly string[],
): Promise<readonly (readonly ArtifactRow[])[]> {
  if (jobIds.length === 0) return [];
  const rows = await db.query<ArtifactRow>(
    `select ${COLUMNS} from artifacts where tenant_id = $1 and job_id in (${placeholders(jobIds, 2)})
      order by attempt, path`,
    [tenantId, ...jobIds],
  );
  const byJob = Map.groupBy(rows, (row) => row.job_id);
  return jobIds.map((id) => byJob.get(id) ?? []);
}
