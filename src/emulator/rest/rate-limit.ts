/** RunPod's quota windows and the structured-field headers that tell of them. */
import type { Headers } from '../http/answer.ts';
import { Problem } from '../http/problem.ts';

export interface RateLimitOptions {
  readonly perMinute: number;
  readonly perHour: number;
  readonly perDay: number;
}

export interface RateLimit {
  /** Counts one request. @throws {Problem} 429 when a window is used up */
  count(): void;
  headers(): Headers;
}

interface Window {
  readonly name: string;
  readonly quota: number;
  readonly seconds: number;
  startedAt: number;
  used: number;
}

export function createRateLimit(options: RateLimitOptions | null, now: () => number): RateLimit {
  if (options === null) return { count: () => undefined, headers: () => ({}) };
  const windows: Window[] = [
    { name: 'minute', quota: options.perMinute, seconds: 60, startedAt: now(), used: 0 },
    { name: 'hour', quota: options.perHour, seconds: 3_600, startedAt: now(), used: 0 },
    { name: 'day', quota: options.perDay, seconds: 86_400, startedAt: now(), used: 0 },
  ];

  function roll(): void {
    for (const window of windows) {
      if (now() - window.startedAt < window.seconds * 1_000) continue;
      window.startedAt = now();
      window.used = 0;
    }
  }

  function secondsLeft(window: Window): number {
    return Math.max(0, Math.ceil(window.seconds - (now() - window.startedAt) / 1_000));
  }

  return {
    count() {
      roll();
      const full = windows.find(({ used, quota }) => used >= quota);
      if (full !== undefined) {
        throw new Problem(429, `rate limit exceeded for the ${full.name} window`, {
          headers: { 'retry-after': String(secondsLeft(full)) },
        });
      }
      for (const window of windows) window.used += 1;
    },
    headers() {
      const left = windows.map(
        (w) => `"${w.name}";r=${Math.max(0, w.quota - w.used)};t=${secondsLeft(w)}`,
      );
      const policy = windows.map((w) => `"${w.name}";q=${w.quota};w=${w.seconds}`);
      return { ratelimit: left.join(', '), 'ratelimit-policy': policy.join(', ') };
    },
  };
}
