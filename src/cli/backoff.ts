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

/** Tries of one thing, of which several in a row may fail. */
export interface Backoff {
  /** The last try got further than those before. `isSettled`: and so well that waits begin anew. */
  advance(isSettled: boolean): void;
  /** @throws {CliFailure} the failure, when too many tries in a row got nowhere; interrupted */
  wait(failure: CliFailure): Promise<void>;
}

export function createBackoff({ firstMs, limit, onRetry, signal }: Retry): Backoff {
  let fruitless = 0;
  let waits = 0;
  return {
    advance(isSettled) {
      fruitless = 0;
      if (isSettled) waits = 0;
    },
    async wait(failure) {
      fruitless += 1;
      if (fruitless > limit) throw failure;
      const waitMs = firstMs * Math.min(MOST_GROWTH, 2 ** waits);
      waits += 1;
      await onRetry(failure, waitMs, waits);
      await sleep(waitMs, signal);
    },
  };
}

/** @throws {CliFailure} the last one, or at once one that does not pass by itself */
export async function withRetries<T>(attempt: () => Promise<T>, retry: Retry): Promise<T> {
  const backoff = createBackoff(retry);
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof CliFailure) || !error.isPassing) throw error;
      if (retry.hasAdvanced?.() === true) backoff.advance(true);
      await backoff.wait(error);
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
