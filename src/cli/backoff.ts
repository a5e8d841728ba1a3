/** Trying again what may succeed a little later. */
import { setTimeout as pause } from 'node:timers/promises';
import { interrupted } from './api.ts';
import { CliFailure } from './failure.ts';

export interface Retry {
  /** Before each further try; the count begins with 1. */
  readonly onRetry: (failure: CliFailure, waitMs: number, count: number) => Promise<void>;
  readonly signal: AbortSignal;
  /** Further tries in a row. */
  readonly limit: number;
  /** Before the first of them; it doubles up to twenty times as much. */
  readonly firstMs: number;
  /** Whether the failed try got further than those before: then counting begins anew. */
  readonly hasAdvanced?: () => boolean;
}

const MOST_GROWTH = 20;

/** @throws {CliFailure} the last one, or at once one that does not pass by itself */
export async function withRetries<T>(attempt: () => Promise<T>, retry: Retry): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CliFailure) || !error.isPassing) throw error;
      if (retry.hasAdvanced?.() === true) count = 1;
      if (count > retry.limit) throw error;
      const waitMs = retry.firstMs * Math.min(MOST_GROWTH, 2 ** (count - 1));
      await retry.onRetry(error, waitMs, count);
      await sleep(waitMs, retry.signal);
    }
  }
}

/** @throws {CliFailure} interrupted */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(ms, undefined, { signal });
  } catch {
    throw interrupted();
  }
}
