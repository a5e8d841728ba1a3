/** Log lines, in chunks: one row for up to {@link CHUNK_LINES} lines. */
import type { LogLine, LogSource, NewLogLine } from '../domain/job/log-line.ts';
import type { Queryable, SqlValue } from './database.ts';
import { padded } from './padded.ts';

export const CHUNK_LINES = 1_000;
/** A chunk is closed with the line that reaches this: readers hold several of them at a time. */
const CHUNK_CHARACTERS = 256 * 1024;
/** What is read at a time: as many lines, in no more chunks; but one chunk at least. */
const LINES_PER_READ = 1_000;
const CHUNKS_PER_READ = 64;
/** Of one insert: SQLite binds at most 32,766 values. */
const ROWS_PER_INSERT = 500;

/** As kept: at, source, attempt, text. */
type StoredLine = readonly [number, LogSource, number, string];

/** Lines as they will be kept, before they have numbers. */
export interface NewChunk {
  readonly count: number;
  /** A JSON array: ASCII controls, NUL too, are escaped in it, which PostgreSQL asks for. */
  readonly body: string;
}

export interface PlacedChunk extends NewChunk {
  readonly tenantId: string;
  readonly jobId: string;
  readonly firstSeq: number;
}

export function toChunks(lines: readonly NewLogLine[]): readonly NewChunk[] {
  const chunks: NewChunk[] = [];
  let kept: StoredLine[] = [];
  let characters = 0;
  const close = () => {
    if (kept.length > 0) chunks.push({ count: kept.length, body: JSON.stringify(kept) });
    kept = [];
    characters = 0;
  };
  for (const { at, source, attempt, text } of lines) {
    kept.push([at, source, attempt, text]);
    characters += text.length;
    if (kept.length >= CHUNK_LINES || characters >= CHUNK_CHARACTERS) close();
  }
  close();
  return chunks;
}

export function bytesOf(chunks: readonly NewChunk[]): number {
  return chunks.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
}

/** Says in a job's log what became of it, in one transaction with what else `tx` writes. */
export async function appendLifecycle(
  tx: Queryable,
  job: { readonly id: string; readonly tenantId: string },
  line: Pick<NewLogLine, 'at' | 'attempt' | 'text'>,
): Promise<void> {
  await appendLines(tx, job, [{ ...line, source: 'LIFECYCLE' }]);
}

/** Numbers and stores lines, in one transaction with what else `tx` writes. @returns the last number */
export async function appendLines(
  tx: Queryable,
  job: { readonly id: string; readonly tenantId: string },
  lines: readonly NewLogLine[],
): Promise<number> {
  const chunks = toChunks(lines);
  const [row] = await tx.query<{ log_seq: number }>(
    `update jobs set log_seq = log_seq + $2, log_bytes = log_bytes + $3
      where id = $1 returning log_seq`,
    [job.id, lines.length, bytesOf(chunks)],
  );
  if (row === undefined) throw new Error(`there is no job ${job.id}`);
  const before = row.log_seq - lines.length;
  await insertChunks(tx, placeChunks(job, before, chunks));
  return row.log_seq;
}

/** Gives chunks their numbers: they follow on number `before`. */
export function placeChunks(
  job: { readonly id: string; readonly tenantId: string },
  before: number,
  chunks: readonly NewChunk[],
): readonly PlacedChunk[] {
  let firstSeq = before + 1;
  return chunks.map((chunk) => {
    const placed = { ...chunk, tenantId: job.tenantId, jobId: job.id, firstSeq };
    firstSeq += chunk.count;
    return placed;
  });
}

export async function insertChunks(tx: Queryable, chunks: readonly PlacedChunk[]): Promise<void> {
  for (let at = 0; at < chunks.length; at += ROWS_PER_INSERT) {
    const rows = chunks.slice(at, at + ROWS_PER_INSERT);
    await tx.query(
      `insert into log_chunks (tenant_id, job_id, first_seq, line_count, body)
       values ${valueRows(rows.length, 5)}`,
      rows.flatMap(({ tenantId, jobId, firstSeq, count, body }): SqlValue[] => [
        tenantId,
        jobId,
        firstSeq,
        count,
        body,
      ]),
    );
  }
}

/** `($1, $2), ($3, $4), …` */
export function valueRows(rows: number, columns: number): string {
  return rowsOf(rows, columns, (name) => name);
}

/** The same with types: PostgreSQL has nothing to infer them from. */
export function castRows(rows: number, types: readonly string[]): string {
  return rowsOf(rows, types.length, (name, column) => `cast(${name} as ${types[column] ?? ''})`);
}

function rowsOf(
  rows: number,
  columns: number,
  cell: (name: string, column: number) => string,
): string {
  return Array.from({ length: rows }, (_row, row) => {
    const cells = Array.from({ length: columns }, (_, at) =>
      cell(`$${row * columns + at + 1}`, at),
    );
    return `(${cells.join(', ')})`;
  }).join(', ');
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
        and first_seq <= (
          select coalesce(min(first_seq), $3) from log_chunks
           where job_id = $1 and first_seq > $2 and first_seq + line_count > $3
        ) + ${LINES_PER_READ}
      order by first_seq limit ${CHUNKS_PER_READ}`,
    [jobId, after - CHUNK_LINES, after + 1],
  );
  return rows.flatMap(toLines).filter(({ seq }) => seq > after);
}

/** A place in a job's log, and the number of a line behind it that is stored. */
export interface LogSpan {
  readonly jobId: string;
  readonly after: number;
  readonly upTo: number;
}

/**
 * The stored lines of each span, in order, in the order of the spans; perhaps some behind its end.
 * All of them at once: for spans of few lines. An error: what is stored there cannot be read.
 */
export async function linesWithin(
  db: Queryable,
  spans: readonly LogSpan[],
): Promise<readonly (readonly LogLine[] | Error)[]> {
  const asked = padded(spans, NO_SPAN);
  const wanted = asked.flatMap(({ jobId, after, upTo }, n) => [n, jobId, after, upTo]);
  const rows = await db.query<ChunkRow & { readonly n: number }>(
    `with wanted (n, job_id, after_seq, up_to) as (values ${castRows(asked.length, SPAN_TYPES)})
     select wanted.n as n, chunk.first_seq as first_seq, chunk.body as body
       from wanted join log_chunks chunk on chunk.job_id = wanted.job_id
        and chunk.first_seq > wanted.after_seq - ${CHUNK_LINES}
        and chunk.first_seq + chunk.line_count > wanted.after_seq + 1
        and chunk.first_seq <= wanted.up_to
      order by wanted.n, chunk.first_seq`,
    wanted,
  );
  const chunks = Map.groupBy(rows, ({ n }) => n);
  return spans.map(({ after }, n) => readLines(chunks.get(n) ?? [], after));
}

const SPAN_TYPES = ['bigint', 'text', 'bigint', 'bigint'] as const;
const NO_SPAN: LogSpan = { jobId: '', after: 0, upTo: 0 };

function readLines(chunks: readonly ChunkRow[], after: number): LogLine[] | Error {
  try {
    return chunks.flatMap(toLines).filter(({ seq }) => seq > after);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Stored lines before number `before`, in order: the last ones. */
export async function linesBefore(
  db: Queryable,
  jobId: string,
  before: number,
): Promise<readonly LogLine[]> {
  const rows = await db.query<ChunkRow>(
    `select first_seq, body from log_chunks
      where job_id = $1 and first_seq < $2 and first_seq >= (
        select coalesce(max(first_seq), 0) from log_chunks where job_id = $1 and first_seq < $2
      ) - ${LINES_PER_READ}
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
