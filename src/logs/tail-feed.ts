/** What a tail reads: a job's numbered records, some at a time. */
import type { LogLine, MetricPoint } from '../domain/job/log-line.ts';
import type { Database } from '../store/database.ts';
import type { JobHead } from '../store/job-heads.ts';
import { pointsAfter } from '../store/metric-points.ts';
import type { TailLoaders } from './tail-loaders.ts';

const MAX_RECORDS = 1_000;
/** Lines can be long: a batch of them is not over a quarter of what a connection may buffer. */
const MAX_CHARACTERS = 256 * 1024;

export interface Taken<T> {
  readonly items: readonly T[];
  /** Everything up to this number was looked at. */
  readonly to: number;
}

export interface Feed<T> {
  last(head: JobHead): number;
  /** Records after `after` up to number `limit`, which is stored. */
  take(after: number, limit: number): Promise<Taken<T>>;
}

/** One reader's: what was read and not yet taken is kept for its next take. */
export function createLogFeed(
  loaders: TailLoaders,
  jobId: string,
  fits: (line: LogLine) => boolean,
): Feed<LogLine> {
  let read: readonly LogLine[] = [];

  async function linesFrom(after: number, upTo: number): Promise<readonly LogLine[]> {
    const rest = read.at(-1);
    if (rest !== undefined && rest.seq > after) return read.filter(({ seq }) => seq > after);
    return loaders.lines({ jobId, after, upTo });
  }

  return {
    last: ({ log }) => log,
    async take(after, limit) {
      const lines = await linesFrom(after, limit);
      const items: LogLine[] = [];
      let to = after;
      let characters = 0;
      for (const line of lines) {
        if (line.seq > limit || items.length >= MAX_RECORDS || characters >= MAX_CHARACTERS) break;
        to = line.seq;
        if (!fits(line)) continue;
        items.push(line);
        characters += line.text.length;
      }
      const last = lines.at(-1)?.seq ?? after;
      read = last > to ? lines : [];
      // No line up to a number that is stored: they were removed, being too old.
      const isHole = (lines[0]?.seq ?? Infinity) > limit;
      return { items, to: isHole ? limit : to };
    },
  };
}

export function createMetricFeed(db: Database, jobId: string): Feed<MetricPoint> {
  return {
    last: ({ metrics }) => metrics,
    async take(after, limit) {
      const items = await pointsAfter(db, jobId, after, null, MAX_RECORDS);
      const known = items.filter(({ seq }) => seq <= limit);
      return {
        items: known,
        to: items.length < MAX_RECORDS ? limit : (known.at(-1)?.seq ?? limit),
      };
    },
  };
}
