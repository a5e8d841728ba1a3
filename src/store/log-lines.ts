/** Log lines, in chunks: one row for up to {@link CHUNK_LINES} lines. */
import type { LogLine, LogSource, NewLogLine } from '../domain/job/log-line.ts';
import type { Queryable } from './database.ts';

export const CHUNK_LINES = 1_000;
/** Chunks read at a time: what one page needs, and no more memory than that. */
const CHUNKS_PER_READ = 4;

/** As kept: at, source, attempt, text. */
type StoredLine = readonly [number, LogSource, number, string];

/** Numbers and stores lines, in one transaction with what else `tx` writes. @returns the last number */
export async function appendLines(
  tx: Queryable,
  job: { readonly id: string; readonly tenantId: string },
  lines: readonly NewLogLine[],
): Promise<number> {
  const [row] = await tx.query<{ log_seq: number }>(
    'update jobs set log_seq = log_seq + $2 where id = $1 returning log_seq',
    [job.id, lines.length],
  );
  if (row === undefined) throw new Error(`there is no job ${job.id}`);
  const before = row.log_seq - lines.length;
  for (let at = 0; at < lines.length; at += CHUNK_LINES) {
    const chunk = lines.slice(at, at + CHUNK_LINES);
    const body = chunk.map(({ at: time, source, attempt, text }): StoredLine => [
      time,
      source,
      attempt,
      text,
    ]);
    await tx.query(
      `insert into log_chunks (tenant_id, job_id, first_seq, line_count, body)
       values ($1, $2, $3, $4, $5)`,
      [job.tenantId, job.id, before + at + 1, chunk.length, JSON.stringify(body)],
    );
  }
  return row.log_seq;
}

/** Stored lines after number `after`, in order; some chunks at a time: empty means that is all. */
export async function linesAfter(
  db: Queryable,
  jobId: string,
  after: number,
): Promise<readonly LogLine[]> {
  const rows = await db.query<ChunkRow>(
    `select first_seq, body from log_chunks
      where job_id = $1 and first_seq > $2 and first_seq + line_count > $3
      order by first_seq limit ${CHUNKS_PER_READ}`,
    [jobId, after - CHUNK_LINES, after + 1],
  );
  return rows.flatMap(toLines).filter(({ seq }) => seq > after);
}

/** Stored lines before number `before`, in order: the last ones. */
export async function linesBefore(
  db: Queryable,
  jobId: string,
  before: number,
): Promise<readonly LogLine[]> {
  const rows = await db.query<ChunkRow>(
    `select first_seq, body from log_chunks where job_id = $1 and first_seq < $2
      order by first_seq desc limit ${CHUNKS_PER_READ}`,
    [jobId, before],
  );
  return [...rows]
    .reverse()
    .flatMap(toLines)
    .filter(({ seq }) => seq < before);
}

export async function lastSeqs(
  db: Queryable,
  jobId: string,
): Promise<{ readonly log: number; readonly metrics: number }> {
  const [row] = await db.query<{ log_seq: number; metric_seq: number }>(
    'select log_seq, metric_seq from jobs where id = $1',
    [jobId],
  );
  return { log: row?.log_seq ?? 0, metrics: row?.metric_seq ?? 0 };
}

interface ChunkRow {
  readonly first_seq: number;
  readonly body: string;
}

function toLines({ first_seq, body }: ChunkRow): LogLine[] {
  return (JSON.parse(body) as StoredLine[]).map(([at, source, attempt, text], index) => ({
    seq: first_seq + index,
    at,
    source,
    attempt,
    text,
  }));
}
