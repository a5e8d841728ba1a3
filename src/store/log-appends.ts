/**
 * What several readers of logs bring, in one transaction. Each append moves its own mark and counts
 * only where the mark was still where it began: one that comes late, or twice, writes nothing, and
 * takes none of the others with it.
 */
import type { JobProgress } from '../domain/job/job.ts';
import type { NewMetricPoint } from '../domain/job/log-line.ts';
import type { Database, Queryable, SqlValue } from './database.ts';
import { bytesOf, castRows, insertChunks, placeChunks } from './log-lines.ts';
import type { NewChunk } from './log-lines.ts';
import { insertPoints, placePoints } from './metric-points.ts';
import { placeholders } from './jobs.ts';

/** How far one source has been stored, and how far it will be with this append. */
export type LogMark =
  /** By the agent's line numbers of one boot. */
  | {
      readonly kind: 'boot';
      readonly attempt: number;
      readonly bootId: string;
      readonly from: number;
      readonly to: number;
    }
  /** By the platform's event ids of one pod; '': none yet. */
  | {
      readonly kind: 'system';
      readonly podName: string;
      readonly from: string;
      readonly to: string;
      /** What the platform said of an image that it could not pull. */
      readonly imageFault: string | null;
    };

export interface LogAppend {
  readonly tenantId: string;
  readonly jobId: string;
  readonly mark: LogMark;
  readonly chunks: readonly NewChunk[];
  readonly points: readonly NewMetricPoint[];
  /** Null: it stays as it is. */
  readonly progress: JobProgress | null;
}

/** @returns those that were written; the marks of the others were elsewhere, or their job has ended */
export async function appendAll(
  db: Database,
  appends: readonly LogAppend[],
): Promise<ReadonlySet<LogAppend>> {
  return db.transaction(async (tx) => {
    const jobs = await lockJobs(db, tx, appends);
    const live = appends.filter(({ jobId }) => jobs.has(jobId));
    const written = new Set([...(await moveBoots(tx, live)), ...(await moveEvents(tx, live))]);
    await store(tx, jobs, [...written]);
    return written;
  });
}

interface JobSeqs {
  readonly id: string;
  readonly log_seq: number;
  readonly metric_seq: number;
}

/** In one order, and before any row of theirs: whoever else writes to a job begins with it too. */
async function lockJobs(
  db: Database,
  tx: Queryable,
  appends: readonly LogAppend[],
): Promise<ReadonlyMap<string, JobSeqs>> {
  const ids = [...new Set(appends.map(({ jobId }) => jobId))];
  const rows = await tx.query<JobSeqs>(
    `select id, log_seq, metric_seq from jobs
      where id in (${placeholders(ids, 1)}) and ended_at is null order by id ${db.forUpdate}`,
    ids,
  );
  return new Map(rows.map((row) => [row.id, row]));
}

type MarkOf<K> = Extract<LogMark, { kind: K }>;
type Marked<K> = LogAppend & { readonly mark: MarkOf<K> };

function isMarked<K extends LogMark['kind']>(kind: K) {
  return (append: LogAppend): append is Marked<K> => append.mark.kind === kind;
}

async function moveBoots(
  tx: Queryable,
  appends: readonly LogAppend[],
): Promise<readonly LogAppend[]> {
  const boots = appends.filter(isMarked('boot'));
  if (boots.length === 0) return [];
  const rows = await tx.query<{ job_id: string; number: number }>(
    `update attempts set boot_line = v.column5
       from (values ${castRows(boots.length, ['text', 'bigint', 'text', 'bigint', 'bigint'])}) as v
      where attempts.job_id = v.column1 and attempts.number = v.column2
        and attempts.boot_id = v.column3 and attempts.boot_line = v.column4
        and attempts.ended_at is null
      returning attempts.job_id, attempts.number`,
    boots.flatMap(({ jobId, mark }): SqlValue[] => [
      jobId,
      mark.attempt,
      mark.bootId,
      mark.from,
      mark.to,
    ]),
  );
  const moved = new Set(rows.map((row) => `${row.job_id}/${row.number}`));
  return boots.filter(({ jobId, mark }) => moved.has(`${jobId}/${mark.attempt}`));
}

async function moveEvents(
  tx: Queryable,
  appends: readonly LogAppend[],
): Promise<readonly LogAppend[]> {
  const events = appends.filter(isMarked('system'));
  if (events.length === 0) return [];
  const rows = await tx.query<{ pod_name: string }>(
    `update launches set log_event_id = v.column3, image_fault = coalesce(v.column4, image_fault)
       from (values ${castRows(events.length, ['text', 'text', 'text', 'text'])}) as v
      where launches.pod_name = v.column1 and launches.log_event_id = v.column2
      returning launches.pod_name`,
    events.flatMap(({ mark }): SqlValue[] => [mark.podName, mark.from, mark.to, mark.imageFault]),
  );
  const moved = new Set(rows.map((row) => row.pod_name));
  return events.filter(({ mark }) => moved.has(mark.podName));
}

async function store(
  tx: Queryable,
  jobs: ReadonlyMap<string, JobSeqs>,
  appends: readonly LogAppend[],
): Promise<void> {
  if (appends.length === 0) return;
  const chunks = [];
  const points = [];
  const parameters: SqlValue[] = [];
  for (const [jobId, own] of Map.groupBy(appends, (each) => each.jobId)) {
    const { log_seq, metric_seq } = jobs.get(jobId) ?? { log_seq: 0, metric_seq: 0 };
    const job = { id: jobId, tenantId: own[0]?.tenantId ?? '' };
    const ownChunks = own.flatMap((each) => each.chunks);
    const ownPoints = own.flatMap((each) => each.points);
    chunks.push(...placeChunks(job, log_seq, ownChunks));
    points.push(...placePoints(job, metric_seq, ownPoints));
    const lines = ownChunks.reduce((sum, { count }) => sum + count, 0);
    const progress = own.findLast((each) => each.progress !== null)?.progress ?? null;
    parameters.push(jobId, lines, ownPoints.length, bytesOf(ownChunks));
    parameters.push(progress === null ? null : JSON.stringify(progress));
  }
  const types = ['text', 'bigint', 'bigint', 'bigint', 'text'] as const;
  await tx.query(
    `update jobs set log_seq = log_seq + v.column2, metric_seq = metric_seq + v.column3,
       log_bytes = log_bytes + v.column4, progress = coalesce(v.column5, progress)
       from (values ${castRows(parameters.length / types.length, types)}) as v
      where jobs.id = v.column1`,
    parameters,
  );
  await insertChunks(tx, chunks);
  await insertPoints(tx, points);
}
