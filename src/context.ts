import type { PlatformStatus } from './datasources/platform-status.ts';
import type { PriceLoaders } from './datasources/price-loaders.ts';
import type { JobLimits } from './domain/training/placement.ts';

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
}
