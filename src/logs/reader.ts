/** Pages of a job's stored log. */
import { AppError } from '../errors.ts';
import { decodeCursor, encodeCursor } from '../domain/job/log-cursor.ts';
import type { LogLine, LogSource, MetricPoint } from '../domain/job/log-line.ts';
import type { Database } from '../store/database.ts';
import { lastSeqs, linesAfter, linesBefore } from '../store/log-lines.ts';
import { pointsAfter } from '../store/metric-points.ts';

const DEFAULT_LINES = 100;
const MAX_LINES = 1_000;
/** A filter looks through so many lines for one page. */
const MAX_SCANNED = 50_000;
const DEFAULT_POINTS = 1_000;
const MAX_POINTS = 10_000;
const MAX_NEEDLE = 256;

export interface LogFilter {
  readonly sources?: readonly LogSource[] | null | undefined;
  readonly contains?: string | null | undefined;
  readonly attempt?: number | null | undefined;
}

export interface LogQuery {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
  readonly filter?: LogFilter | null | undefined;
}

export interface LogPage {
  readonly lines: readonly (LogLine & { readonly cursor: string })[];
  readonly startCursor: string | null;
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export interface MetricPage {
  readonly points: readonly MetricPoint[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

export interface LogReader {
  /** @throws {AppError} INVALID_CURSOR BAD_USER_INPUT STORE_UNAVAILABLE */
  page(jobId: string, query: LogQuery): Promise<LogPage>;
  /** @throws {AppError} as `page` */
  metrics(
    jobId: string,
    query: { names?: readonly string[] | null; first?: number | null; after?: string | null },
  ): Promise<MetricPage>;
}

export function createLogReader({ db }: { readonly db: Database }): LogReader {
  async function forward(jobId: string, query: LogQuery): Promise<LogPage> {
    const limit = sizeOf('first', query.first ?? DEFAULT_LINES, MAX_LINES);
    const from = query.after == null ? 0 : decodeCursor('log', jobId, query.after);
    const fits = toFilter(query.filter);
    const found: LogLine[] = [];
    let at = from;
    let scanned = 0;
    while (found.length < limit && scanned < MAX_SCANNED) {
      const lines = await linesAfter(db, jobId, at);
      if (lines.length === 0) break;
      for (const line of lines) {
        if (found.length >= limit) break;
        at = line.seq;
        scanned += 1;
        if (fits(line)) found.push(line);
      }
    }
    const { log } = await lastSeqs(db, jobId);
    return toPage(jobId, found, { end: at, hasNextPage: at < log, hasPreviousPage: from > 0 });
  }

  async function backward(jobId: string, query: LogQuery): Promise<LogPage> {
    const limit = sizeOf('last', query.last ?? DEFAULT_LINES, MAX_LINES);
    const { log } = await lastSeqs(db, jobId);
    const until = query.before == null ? log + 1 : decodeCursor('log', jobId, query.before);
    const fits = toFilter(query.filter);
    const found: LogLine[] = [];
    let at = until;
    let scanned = 0;
    while (found.length < limit && scanned < MAX_SCANNED) {
      const lines = await linesBefore(db, jobId, at);
      if (lines.length === 0) break;
      for (const line of [...lines].reverse()) {
        if (found.length >= limit) break;
        at = line.seq;
        scanned += 1;
        if (fits(line)) found.push(line);
      }
    }
    found.reverse();
    const end = until - 1;
    return toPage(jobId, found, { end, hasNextPage: end < log, hasPreviousPage: at > 1 });
  }

  return {
    async page(jobId, query) {
      const isBackward = query.last != null || query.before != null;
      if (isBackward && (query.first != null || query.after != null)) {
        throw new AppError(
          'BAD_USER_INPUT',
          'Give first and after, or last and before: not both pairs.',
        );
      }
      return isBackward ? backward(jobId, query) : forward(jobId, query);
    },
    async metrics(jobId, { names = null, first, after }) {
      const limit = sizeOf('first', first ?? DEFAULT_POINTS, MAX_POINTS);
      const from = after == null ? 0 : decodeCursor('metrics', jobId, after);
      if (names !== null && (names.length === 0 || names.length > 100)) {
        throw new AppError('BAD_USER_INPUT', 'names: give 1 to 100, or omit it for all.');
      }
      const points = await pointsAfter(db, jobId, from, names, limit + 1);
      const page = points.slice(0, limit);
      const last = page.at(-1)?.seq ?? from;
      return {
        points: page,
        endCursor: last === 0 ? null : encodeCursor('metrics', jobId, last),
        hasNextPage: points.length > limit,
      };
    },
  };
}

function sizeOf(name: string, size: number, max: number): number {
  if (size >= 1 && size <= max) return size;
  throw new AppError('BAD_USER_INPUT', `${name}: got ${size}; expected 1 to ${max}.`);
}

/** @throws {AppError} BAD_USER_INPUT */
export function toFilter(filter: LogFilter | null | undefined): (line: LogLine) => boolean {
  const { sources, contains, attempt } = filter ?? {};
  if ((contains?.length ?? 0) > MAX_NEEDLE) {
    throw new AppError('BAD_USER_INPUT', `filter.contains: at most ${MAX_NEEDLE} characters.`);
  }
  const needle = contains?.toLowerCase() ?? '';
  return (line) =>
    (sources == null || sources.includes(line.source)) &&
    (attempt == null || line.attempt === attempt) &&
    (needle === '' || line.text.toLowerCase().includes(needle));
}

function toPage(
  jobId: string,
  lines: readonly LogLine[],
  place: { end: number; hasNextPage: boolean; hasPreviousPage: boolean },
): LogPage {
  const cursorOf = (seq: number) => encodeCursor('log', jobId, seq);
  const [first] = lines;
  return {
    lines: lines.map((line) => ({ ...line, cursor: cursorOf(line.seq) })),
    startCursor: first === undefined ? null : cursorOf(first.seq),
    endCursor: place.end === 0 ? null : cursorOf(place.end),
    hasNextPage: place.hasNextPage,
    hasPreviousPage: place.hasPreviousPage,
  };
}
