/** What every command works with. */
import type { Api } from './api.ts';
import type { Retry } from './backoff.ts';
import { duration } from './format.ts';
import type { Output } from './output.ts';

export interface Session {
  readonly api: Api;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** How what passes by itself is waited out. */
  readonly retry: Retry;
  /** Between two questions about a job where nothing is new. */
  readonly pollMs: number;
  /** So long a stream must stand for the waits between streams to begin anew. */
  readonly settledMs: number;
  /** A command as its user would type it, to be shown. */
  readonly commandLine: (...words: readonly string[]) => string;
}

/** About a minute and a half in all. */
const RETRIES = 12;
export const FIRST_RETRY_MS = 500;
export const POLL_MS = 1_000;
/** As long as the longest of those waits. */
export const SETTLED_MS = 10_000;

export function createRetry(output: Output, signal: AbortSignal, firstMs: number): Retry {
  return {
    signal,
    firstMs,
    limit: RETRIES,
    onRetry: async ({ message }, waitMs, count) => {
      const when = `in ${duration(waitMs / 1_000)}, for the ${count}. time`;
      await output.note({ text: `${message} Trying again ${when}.`, style: 'yellow' });
    },
  };
}

/** `start`: how this program was started; `url` undefined: nothing needs to be said of it. */
export function createCommandLine(start: string, url: string | undefined) {
  return (...words: readonly string[]): string => {
    const to = url === undefined ? [] : ['--url', url];
    return [start, ...[...words, ...to].map(toShellWord)].join(' ');
  };
}

/** Ids and cursors come from a server, and what is shown here gets pasted into shells. */
function toShellWord(word: string): string {
  return /^[\w./:=@+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
