/**
 * What routers' response caches, and browsers, may keep of an answer (RFC 9111). Only prices and the
 * catalogue are kept: what jobs are is told anew each time.
 */
import type { Context } from '../context.ts';
import type { PriceTable } from '../domain/price.ts';

export const NO_STORE = 'no-store';
/** The visibility of answers that are the same for all. */
const EVERYONE = 'everyone';

/** `tables`: what alone decided the answer; undefined: more than prices did. */
export type CacheHint = (
  context: Pick<Context, 'visibility'>,
  tables: readonly PriceTable[] | undefined,
) => string;

/** An answer that was kept is never older than `freshMs`, the time spent in our own memory included. */
export function createCacheHint(freshMs: number, now: () => number = Date.now): CacheHint {
  return ({ visibility }, tables = []) => {
    if (tables.length === 0 || tables.some(({ isStale }) => isStale)) return NO_STORE;
    const oldest = Math.min(...tables.map(({ observedAt }) => observedAt));
    const seconds = Math.floor((oldest + freshMs - now()) / 1_000);
    if (seconds < 1) return NO_STORE;
    return `max-age=${seconds}, ${visibility === EVERYONE ? 'public' : 'private'}`;
  };
}
