import type { PlatformStatus } from './datasources/platform-status.ts';
import type { PriceLoaders } from './datasources/price-loaders.ts';

/** What a resolver may use. Made anew for every operation. */
export interface Context {
  /**
   * Callers of one visibility get the same answer to the same question. Answers are never shared
   * across two.
   */
  readonly visibility: string;
  readonly requestId: string;
  readonly prices: PriceLoaders;
  readonly platformStatus: () => Promise<PlatformStatus>;
}
