import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';

export interface PatienceOptions {
  /** Failures in a row, without progress, that are borne. */
  readonly maxFailures: number;
  /** Pause after the first failure; doubles to 30 s. */
  readonly retryPauseMs: number;
  readonly signal: AbortSignal;
}

export interface Patience {
  /** Something came: failures before it are forgotten. */
  noteProgress(): void;
  /** Pauses before the next try. Throws what may not be tried again, or has failed too often. */
  bear(error: unknown): Promise<void>;
}

const MAX_PAUSE_MS = 30_000;

/** Goes on as long as something comes: a transfer of any length survives any number of cuts. */
export function createPatience({ maxFailures, retryPauseMs, signal }: PatienceOptions): Patience {
  let failures = 0;
  return {
    noteProgress() {
      failures = 0;
    },
    async bear(error) {
      signal.throwIfAborted();
      if (!(error instanceof AppError) || !error.retryable || failures >= maxFailures) throw error;
      const longest = Math.min(MAX_PAUSE_MS, retryPauseMs * 2 ** failures);
      failures += 1;
      await pause(longest * (0.5 + Math.random() / 2), undefined, { signal });
    },
  };
}
