/** How far jobs are, in one row each: what readers look at before they read. */
import { hasEnded } from '../domain/job/job.ts';
import type { JobStatus } from '../domain/job/job.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';
import { padded } from './padded.ts';

export interface JobHead {
  readonly id: string;
  readonly hasEnded: boolean;
  /** The last number given to a line of the log, and to a metric point. */
  readonly log: number;
  readonly metrics: number;
}

/** Differs whenever anything that readers could see of the job differs. */
export interface JobStamp {
  readonly id: string;
  readonly stamp: string;
}

interface HeadRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly status: JobStatus;
  readonly log_seq: number;
  readonly metric_seq: number;
  readonly status_since: number;
  readonly status_reason: string | null;
  readonly attempt: number;
  readonly progress: string | null;
  readonly cancel_requested_at: number | null;
}

const COLUMNS =
  'id, tenant_id, status, log_seq, metric_seq, status_since, status_reason, attempt, progress, cancel_requested_at';

/** In the order of the numbers asked for; null: the tenant has no such job. */
export async function jobHeads(
  db: Queryable,
  tenantId: string,
  jobIds: readonly string[],
): Promise<readonly (JobHead | null)[]> {
  const rows = await rowsOf(db, jobIds);
  const heads = new Map(
    rows.filter(({ tenant_id }) => tenant_id === tenantId).map((row) => [row.id, toHead(row)]),
  );
  return jobIds.map((id) => heads.get(id) ?? null);
}

/** Of whatever tenant; jobs that are not there are left out. */
export async function jobStamps(
  db: Queryable,
  jobIds: readonly string[],
): Promise<readonly JobStamp[]> {
  const rows = await rowsOf(db, jobIds);
  return rows.map((row) => ({ id: row.id, stamp: JSON.stringify(row) }));
}

function rowsOf(db: Queryable, jobIds: readonly string[]): Promise<readonly HeadRow[]> {
  const ids = padded(jobIds, '');
  return db.query<HeadRow>(
    `select ${COLUMNS} from jobs where id in (${placeholders(ids, 1)})`,
    ids,
  );
}

function toHead(row: HeadRow): JobHead {
  return {
    id: row.id,
    hasEnded: hasEnded(row.status),
    log: row.log_seq,
    metrics: row.metric_seq,
  };
}
