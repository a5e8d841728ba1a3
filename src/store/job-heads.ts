/** How far jobs are, in one row each: what readers look at before they read. */
import { hasEnded } from '../domain/job/job.ts';
import type { JobStatus } from '../domain/job/job.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

export interface JobHead {
  readonly id: string;
  readonly hasEnded: boolean;
  /** The last number given to a line of the log, and to a metric point. */
  readonly log: number;
  readonly metrics: number;
  /** Differs whenever anything that readers could see of the job differs. */
  readonly stamp: string;
}

interface HeadRow {
  readonly id: string;
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
  'id, status, log_seq, metric_seq, status_since, status_reason, attempt, progress, cancel_requested_at';

/** Null: the tenant has no such job. */
export async function jobHead(
  db: Queryable,
  tenantId: string,
  jobId: string,
): Promise<JobHead | null> {
  const [row] = await db.query<HeadRow>(
    `select ${COLUMNS} from jobs where id = $1 and tenant_id = $2`,
    [jobId, tenantId],
  );
  return row === undefined ? null : toHead(row);
}

/** Of whatever tenant; jobs that are not there are left out. */
export async function jobHeads(
  db: Queryable,
  jobIds: readonly string[],
): Promise<readonly JobHead[]> {
  const rows = await db.query<HeadRow>(
    `select ${COLUMNS} from jobs where id in (${placeholders(jobIds, 1)})`,
    jobIds,
  );
  return rows.map(toHead);
}

function toHead(row: HeadRow): JobHead {
  return {
    id: row.id,
    hasEnded: hasEnded(row.status),
    log: row.log_seq,
    metrics: row.metric_seq,
    stamp: JSON.stringify(row),
  };
}
