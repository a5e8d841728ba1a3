import type { MetricPoint, NewMetricPoint } from '../domain/job/log-line.ts';
import type { Queryable, SqlValue } from './database.ts';
import { placeholders } from './jobs.ts';
import { valueRows } from './log-lines.ts';

/** Of one insert: SQLite binds at most 32,766 values. */
const ROWS_PER_INSERT = 1_000;

export interface PlacedPoint extends MetricPoint {
  readonly tenantId: string;
  readonly jobId: string;
}

export async function appendPoints(
  tx: Queryable,
  job: { readonly id: string; readonly tenantId: string },
  points: readonly NewMetricPoint[],
): Promise<void> {
  if (points.length === 0) return;
  const [row] = await tx.query<{ metric_seq: number }>(
    'update jobs set metric_seq = metric_seq + $2 where id = $1 returning metric_seq',
    [job.id, points.length],
  );
  if (row === undefined) throw new Error(`there is no job ${job.id}`);
  await insertPoints(tx, placePoints(job, row.metric_seq - points.length, points));
}

/** Gives points their numbers: they follow on number `before`. */
export function placePoints(
  job: { readonly id: string; readonly tenantId: string },
  before: number,
  points: readonly NewMetricPoint[],
): readonly PlacedPoint[] {
  return points.map((point, index) => ({
    ...point,
    tenantId: job.tenantId,
    jobId: job.id,
    seq: before + index + 1,
  }));
}

export async function insertPoints(tx: Queryable, points: readonly PlacedPoint[]): Promise<void> {
  for (let at = 0; at < points.length; at += ROWS_PER_INSERT) {
    const rows = points.slice(at, at + ROWS_PER_INSERT);
    await tx.query(
      `insert into metric_points (tenant_id, job_id, seq, at, step, epoch, name, value)
       values ${valueRows(rows.length, 8)}`,
      rows.flatMap((row): SqlValue[] => [
        row.tenantId,
        row.jobId,
        row.seq,
        row.at,
        row.step,
        row.epoch,
        row.name,
        row.value,
      ]),
    );
  }
}

export async function pointsAfter(
  db: Queryable,
  jobId: string,
  after: number,
  names: readonly string[] | null,
  limit: number,
): Promise<readonly MetricPoint[]> {
  const named = names === null ? '' : ` and name in (${placeholders(names, 4)})`;
  return db.query<MetricPoint>(
    `select seq, at, step, epoch, name, value from metric_points
      where job_id = $1 and seq > $2${named} order by seq limit $3`,
    [jobId, after, limit, ...(names ?? [])],
  );
}
