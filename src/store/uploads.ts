/** Table `uploads`: one function per statement. */
import type { DatasetFormat } from '../domain/dataset/dataset-file-name.ts';
import type { Queryable } from './database.ts';

/**
 * - WAITING    for its bytes, until `expires_at`
 * - RECEIVING  by one process, whose lease ends at `expires_at` unless it is renewed
 * - READY      complete and checked; never changes
 * - EXPIRED    being removed; nobody finds it any more
 */
export type UploadState = 'WAITING' | 'RECEIVING' | 'READY' | 'EXPIRED';

export interface UploadRow {
  readonly id: string;
  readonly file_name: string;
  readonly declared_bytes: number | null;
  readonly state: UploadState;
  readonly size_bytes: number | null;
  readonly sha256: string | null;
  readonly format: DatasetFormat | null;
  readonly row_count: number | null;
  readonly storage_key: string | null;
  readonly created_at: number;
  readonly expires_at: number;
  readonly completed_at: number | null;
}

const COLUMNS = `id, file_name, declared_bytes, state, size_bytes, sha256, format, row_count,
  storage_key, created_at, expires_at, completed_at`;

interface NewUpload {
  readonly id: string;
  readonly fileName: string;
  readonly declaredBytes: number | null;
  readonly createdAt: number;
  readonly expiresAt: number;
}

export async function insertUpload(db: Queryable, tenantId: string, it: NewUpload): Promise<void> {
  await db.query(
    `insert into uploads (id, tenant_id, file_name, declared_bytes, state, created_at, expires_at)
      values ($1, $2, $3, $4, 'WAITING', $5, $6)`,
    [it.id, tenantId, it.fileName, it.declaredBytes, it.createdAt, it.expiresAt],
  );
}

export async function selectUpload(
  db: Queryable,
  tenantId: string,
  id: string,
): Promise<UploadRow | null> {
  const rows = await db.query<UploadRow>(
    `select ${COLUMNS} from uploads where tenant_id = $1 and id = $2 and state <> 'EXPIRED'`,
    [tenantId, id],
  );
  return rows[0] ?? null;
}

/** Takes it for one receiver until `leaseUntil`; false: another has it, or it is complete. */
export async function claimUpload(
  db: Queryable,
  tenantId: string,
  id: string,
  lease: { readonly now: number; readonly until: number },
): Promise<boolean> {
  const rows = await db.query(
    `update uploads set state = 'RECEIVING', expires_at = $3
      where tenant_id = $1 and id = $2
        and (state = 'WAITING' or (state = 'RECEIVING' and expires_at < $4)) returning id`,
    [tenantId, id, lease.until, lease.now],
  );
  return rows.length > 0;
}

/** False: the lease was lost. The lease's end is its token: a later one always ends later. */
export async function renewUploadLease(
  db: Queryable,
  tenantId: string,
  id: string,
  lease: { readonly until: number; readonly newUntil: number },
): Promise<boolean> {
  const rows = await db.query(
    `update uploads set expires_at = $4
      where tenant_id = $1 and id = $2 and state = 'RECEIVING' and expires_at = $3 returning id`,
    [tenantId, id, lease.until, lease.newUntil],
  );
  return rows.length > 0;
}

/** Gives it back after a failure: it may be sent again until `ttlMs` after it was made. */
export async function releaseUpload(
  db: Queryable,
  tenantId: string,
  id: string,
  lease: { readonly until: number; readonly ttlMs: number },
): Promise<void> {
  await db.query(
    `update uploads set state = 'WAITING', expires_at = created_at + $4
      where tenant_id = $1 and id = $2 and state = 'RECEIVING' and expires_at = $3`,
    [tenantId, id, lease.until, lease.ttlMs],
  );
}

interface CompleteUpload {
  readonly leaseUntil: number;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly format: DatasetFormat;
  readonly rowCount: number;
  readonly storageKey: string;
  readonly completedAt: number;
}

/** Null: the lease was lost. */
export async function completeUpload(
  db: Queryable,
  tenantId: string,
  id: string,
  it: CompleteUpload,
): Promise<UploadRow | null> {
  const rows = await db.query<UploadRow>(
    `update uploads set state = 'READY', size_bytes = $4, sha256 = $5, format = $6, row_count = $7,
        storage_key = $8, completed_at = $9
      where tenant_id = $1 and id = $2 and state = 'RECEIVING' and expires_at = $3
      returning ${COLUMNS}`,
    [
      tenantId,
      id,
      it.leaseUntil,
      it.sizeBytes,
      it.sha256,
      it.format,
      it.rowCount,
      it.storageKey,
      it.completedAt,
    ],
  );
  return rows[0] ?? null;
}

/** Those that no byte came for in time, those whose receiver died, and those half removed. */
export async function selectDeadUploads(
  db: Queryable,
  tenantId: string,
  limits: { readonly now: number; readonly createdBefore: number; readonly limit: number },
): Promise<readonly UploadRow[]> {
  return db.query<UploadRow>(
    `select ${COLUMNS} from uploads
      where tenant_id = $1 and (state = 'EXPIRED'
        or (state in ('WAITING', 'RECEIVING') and expires_at < $2 and created_at < $3))
      order by id limit $4`,
    [tenantId, limits.now, limits.createdBefore, limits.limit],
  );
}

/** Complete ones of long ago, by id after `after`. */
export async function selectOldUploads(
  db: Queryable,
  tenantId: string,
  page: { readonly completedBefore: number; readonly after: string; readonly limit: number },
): Promise<readonly UploadRow[]> {
  return db.query<UploadRow>(
    `select ${COLUMNS} from uploads
      where tenant_id = $1 and state = 'READY' and completed_at < $2 and id > $3
      order by id limit $4`,
    [tenantId, page.completedBefore, page.after, page.limit],
  );
}

/** Hides it before its file goes; false: it changed since `seen` was read. */
export async function expireUpload(
  db: Queryable,
  tenantId: string,
  seen: UploadRow,
): Promise<boolean> {
  const rows = await db.query(
    `update uploads set state = 'EXPIRED'
      where tenant_id = $1 and id = $2 and state = $3 and expires_at = $4 returning id`,
    [tenantId, seen.id, seen.state, seen.expires_at],
  );
  return rows.length > 0;
}

export async function deleteUpload(db: Queryable, tenantId: string, id: string): Promise<void> {
  await db.query(`delete from uploads where tenant_id = $1 and id = $2 and state = 'EXPIRED'`, [
    tenantId,
    id,
  ]);
}
