import type { Job, JobStatus } from '../domain/job/job.ts';
import type { CursorKind } from '../domain/job/log-cursor.ts';
import type { LogLine, MetricPoint } from '../domain/job/log-line.ts';
import type { ListPlace } from '../domain/job/list-cursor.ts';

/** One page of a list of jobs, as `TrainingJobConnection` is resolved from. */
export interface JobPage {
  readonly filter: {
    readonly status: readonly JobStatus[] | null;
    readonly nameContains: string | null;
  };
  readonly jobs: readonly Job[];
  readonly hasMore: boolean;
  /** Where the page began; null: at the newest job. */
  readonly place: ListPlace | null;
}

/** Lines that follow each other, between two places of the log. */
export interface LogBatch {
  readonly kind: 'batch';
  readonly jobId: string;
  readonly from: number;
  readonly to: number;
  readonly items: readonly LogLine[];
}

export interface MetricBatch {
  readonly kind: 'batch';
  readonly jobId: string;
  readonly to: number;
  readonly items: readonly MetricPoint[];
}

export interface StreamEnd {
  readonly kind: 'end';
  readonly jobId: string;
  readonly of: CursorKind;
  readonly reason: 'JOB_ENDED' | 'SHUTTING_DOWN' | 'LAGGED' | 'UNAUTHORIZED';
  readonly retry: boolean;
  readonly to: number;
}
