import type { Job, JobStatus } from '../domain/job/job.ts';
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
