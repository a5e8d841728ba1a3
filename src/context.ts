import type { CreateUploadResult } from './artifacts/uploads.ts';
import type { PlatformStatus } from './datasources/platform-status.ts';
import type { PriceLoaders } from './datasources/price-loaders.ts';
import type { JobLimits } from './domain/training/placement.ts';
import type { Trainer } from './domain/training/trainer.ts';
import type { JobLoaders } from './jobs/job-loaders.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { RentedPods } from './jobs/rented-pods.ts';
import type { LogReader } from './logs/reader.ts';
import type { JobStreams } from './logs/tail-streams.ts';

/** What a resolver may use. Made anew for every operation. */
export interface Context {
  /**
   * Callers of one visibility get the same answer to the same question. Answers are never shared
   * across two.
   */
  readonly visibility: string;
  readonly requestId: string;
  readonly prices: PriceLoaders;
  /** What a job gets where it names no limits, and the most it may name. */
  readonly jobLimits: JobLimits;
  readonly platformStatus: () => Promise<PlatformStatus>;
  readonly trainer: Trainer;
  readonly jobs: Jobs;
  readonly stored: JobLoaders;
  readonly logs: LogReader;
  readonly streams: JobStreams;
  readonly rentedPods: RentedPods;
  readonly createUpload: (
    fileName: string,
    sizeBytes: number | null,
  ) => Promise<CreateUploadResult>;
  /** A signed URL under which an artifact can be fetched for a while. */
  readonly downloadUrl: (artifactId: string, path: string) => string;
}
