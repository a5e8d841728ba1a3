/**
 * What tails read, of many jobs at a time: lines of many jobs are stored in one commit and wake all
 * their readers at once, who then look in one statement instead of one each.
 */
import DataLoader from 'dataloader';
import type { LogLine } from '../domain/job/log-line.ts';
import type { Database } from '../store/database.ts';
import { jobHeads } from '../store/job-heads.ts';
import type { JobHead } from '../store/job-heads.ts';
import { linesAfter, linesWithin } from '../store/log-lines.ts';
import type { LogSpan } from '../store/log-lines.ts';

const JOBS_PER_QUERY = 512;
/** Lines can be long: fewer of these, and only where few lines are new. */
const SPANS_PER_QUERY = 32;
const MAX_SPAN_LINES = 32;

export interface TailLoaders {
  /** Null: the tenant has no such job. */
  head(jobId: string): Promise<JobHead | null>;
  /** Stored lines behind a place, in order; some at a time, perhaps some behind the end. */
  lines(span: LogSpan): Promise<readonly LogLine[]>;
}

export function createTailLoaders(db: Database, tenantId: string): TailLoaders {
  const heads = new DataLoader((ids: readonly string[]) => jobHeads(db, tenantId, ids), {
    cache: false,
    maxBatchSize: JOBS_PER_QUERY,
  });
  const spans = new DataLoader((wanted: readonly LogSpan[]) => linesWithin(db, wanted), {
    cache: false,
    maxBatchSize: SPANS_PER_QUERY,
  });

  return {
    head: (jobId) => heads.load(jobId),
    lines: (span) =>
      span.upTo - span.after <= MAX_SPAN_LINES
        ? spans.load(span)
        : linesAfter(db, span.jobId, span.after),
  };
}
