import { setTimeout as pause } from 'node:timers/promises';

/** Waits until `check` gives something; fails loudly after the deadline. */
export async function until<T>(
  what: string,
  check: () => T | Promise<T>,
  deadlineMs = 10_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const seen = await check();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`still not so after ${deadlineMs} ms: ${what}`);
    await pause(5);
  }
}
