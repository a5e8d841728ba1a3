import type { MetricPoint, NewMetricPoint } from '../domain/job/log-line.ts';
import type { Queryable } from './database.ts';
import { placeholders } from './jobs.ts';

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
  let seq = row.metric_seq - points.length;
  for (const point of points) {
    seq += 1;
    await tx.query(
      `insert into metric_points (tenant_id, job_id, seq, at, step, epoch, name, value)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [job.tenantId, job.id, seq, point.at, point.step, point.epoch, point.name, point.value],
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
