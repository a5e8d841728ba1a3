/**
 * Files that belong together in the artifact store: a checkpoint, or the results of an attempt.
 *
 * - STORING   intended: some of its files may be in the store, none of them has a row in `artifacts`
 * - STORED    a checkpoint, all of whose files are there and have one
 * - REMOVING  its files have no rows any more and are being removed
 *
 * A row is gone with the last of its files, or once the results it stands for are told.
 */
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

export interface FileSet {
  readonly jobId: string;
  readonly attempt: number;
  readonly name: string;
  /** Of a checkpoint; null: results. */
  readonly step: number | null;
  /** What the checkpoint was trained by. */
  readonly specSha256: string | null;
  readonly sizeBytes: number;
  readonly storageKeys: readonly string[];
}

export interface Checkpoint extends FileSet {
  readonly step: number;
}

interface FileSetRow {
  readonly job_id: string;
  readonly attempt: number;
  readonly name: string;
  readonly step: number | null;
  readonly spec_sha256: string | null;
  readonly size_bytes: number;
  readonly storage_keys: string;
}

const COLUMNS = ['job_id', 'attempt', 'name', 'step', 'spec_sha256', 'size_bytes', 'storage_keys'];
/** Of one statement. */
const KEYS_AT_ONCE = 1_000;

/** False: that set is stored already, or being removed. */
export async function intendFiles(
  tx: Queryable,
  tenantId: string,
  set: FileSet,
  now: number,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into file_sets (${COLUMNS.join(', ')}, tenant_id, state, created_at)
      values ($1, $2, $3, $4, $5, $6, $7, $8, 'STORING', $9)
      on conflict (job_id, attempt, name) do update set size_bytes = excluded.size_bytes,
        storage_keys = excluded.storage_keys, created_at = excluded.created_at
      where file_sets.state = 'STORING' returning name`,
    [
      set.jobId,
      set.attempt,
      set.name,
      set.step,
      set.specSha256,
      set.sizeBytes,
      JSON.stringify(set.storageKeys),
      tenantId,
      now,
    ],
  );
  return rows.length > 0;
}

type SetName = Pick<FileSet, 'jobId' | 'attempt' | 'name'>;

/** Its files have their rows in `artifacts`. False: it is not STORING any more. */
export function settleFiles(tx: Queryable, set: SetName): Promise<boolean> {
  return leaveStoring(tx, set, 'STORED');
}

/** A stored one: from now on nobody finds its files, and whoever looks after them removes them. */
export async function condemnFiles(tx: Queryable, set: FileSet): Promise<void> {
  const { jobId, attempt, name, storageKeys } = set;
  for (const keys of portionsOf(storageKeys)) {
    await tx.query(
      `delete from artifacts where job_id = $1 and attempt = $2
          and storage_key in (${placeholders(keys, 3)})`,
      [jobId, attempt, ...keys],
    );
  }
  await tx.query(
    `update file_sets set state = 'REMOVING' where job_id = $1 and attempt = $2 and name = $3`,
    [jobId, attempt, name],
  );
}

/** False: it is not STORING any more. Its files may be those of rows that another wrote. */
export function abandonFiles(db: Queryable, set: SetName): Promise<boolean> {
  return leaveStoring(db, set, 'REMOVING');
}

async function leaveStoring(
  db: Queryable,
  { jobId, attempt, name }: SetName,
  state: 'STORED' | 'REMOVING',
): Promise<boolean> {
  const rows = await db.query(
    `update file_sets set state = $4
      where job_id = $1 and attempt = $2 and name = $3 and state = 'STORING' returning name`,
    [jobId, attempt, name, state],
  );
  return rows.length > 0;
}

export async function dropFiles(db: Queryable, { jobId, attempt, name }: SetName): Promise<void> {
  await db.query('delete from file_sets where job_id = $1 and attempt = $2 and name = $3', [
    jobId,
    attempt,
    name,
  ]);
}

/** Stored checkpoints of a job, newest first: those of later attempts before all others. */
export async function checkpointsOf(db: Queryable, jobId: string): Promise<readonly Checkpoint[]> {
  const rows = await db.query<FileSetRow>(
    `select ${COLUMNS.join(', ')} from file_sets
      where job_id = $1 and state = 'STORED' and step is not null order by attempt desc, step desc`,
    [jobId],
  );
  return rows.map(toFileSet) as Checkpoint[];
}

/** Sets whose attempt ended before `endedBefore` while they were being stored. */
export async function abandonedSets(
  db: Queryable,
  endedBefore: number,
  limit: number,
): Promise<readonly FileSet[]> {
  const columns = COLUMNS.map((name) => `file_sets.${name}`).join(', ');
  const rows = await db.query<FileSetRow>(
    `select ${columns} from file_sets join attempts
        on attempts.job_id = file_sets.job_id and attempts.number = file_sets.attempt
      where file_sets.state = 'STORING' and attempts.ended_at < $1
      order by file_sets.created_at limit $2`,
    [endedBefore, limit],
  );
  return rows.map(toFileSet);
}

export async function setsToRemove(db: Queryable, limit: number): Promise<readonly FileSet[]> {
  const rows = await db.query<FileSetRow>(
    `select ${COLUMNS.join(', ')} from file_sets where state = 'REMOVING'
      order by created_at limit $1`,
    [limit],
  );
  return rows.map(toFileSet);
}

/** Those of its keys that no artifact of the job has. */
export async function unusedKeys(
  db: Queryable,
  { jobId, storageKeys }: FileSet,
): Promise<readonly string[]> {
  const used = new Set<string>();
  for (const keys of portionsOf(storageKeys)) {
    const rows = await db.query<{ storage_key: string }>(
      `select storage_key from artifacts
        where job_id = $1 and storage_key in (${placeholders(keys, 2)})`,
      [jobId, ...keys],
    );
    for (const row of rows) used.add(row.storage_key);
  }
  return storageKeys.filter((key) => !used.has(key));
}

function portionsOf(keys: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(keys.length / KEYS_AT_ONCE) }, (_, index) =>
    keys.slice(index * KEYS_AT_ONCE, (index + 1) * KEYS_AT_ONCE),
  );
}

function toFileSet(row: FileSetRow): FileSet {
  return {
    jobId: row.job_id,
    attempt: row.attempt,
    name: row.name,
    step: row.step,
    specSha256: row.spec_sha256,
    sizeBytes: row.size_bytes,
    storageKeys: JSON.parse(row.storage_keys) as readonly string[],
  };
}
