/**
 * What RunPod still allows, read from its answers, shared by every call of one key.
 *
 * - OPEN     something is left in every window, or nothing was ever told
 * - THRIFTY  less than a fifth is left in some window: background calls are refused until it resets
 * - BLOCKED  a window is empty, or a 429 named a time: every call is refused until then
 */
import { parseList } from 'structured-headers';
import { AppError } from '../../errors.ts';
import type { Urgency } from '../platform.ts';

/** Below this share of a window, what is left is kept for people who wait. */
const RESERVED_SHARE = 0.2;
const DEFAULT_RETRY_AFTER_SECONDS = 5;
const MAX_RETRY_AFTER_SECONDS = 3_600;

interface Window {
  readonly remaining: number;
  readonly quota: number | undefined;
  readonly resetsAt: number;
}

export interface RateBudget {
  /** @throws {AppError} PLATFORM_RATE_LIMITED while a call of this urgency must wait */
  check(urgency: Urgency): void;
  observe(status: number, headers: Headers): void;
  /** Share left in the tightest window that has not reset, 0 to 1; null: never told. */
  share(): number | null;
}

export function createRateBudget(now: () => number = Date.now): RateBudget {
  let windows = new Map<string, Window>();
  let blockedUntil = 0;

  function live(): Window[] {
    return [...windows.values()].filter((window) => window.resetsAt > now());
  }

  function waitMs(urgency: Urgency): number {
    const holding = live().filter(
      (window) =>
        window.remaining <= 0 || (urgency === 'background' && shareOf(window) < RESERVED_SHARE),
    );
    return Math.max(blockedUntil, ...holding.map((window) => window.resetsAt)) - now();
  }

  return {
    check(urgency) {
      const ms = waitMs(urgency);
      if (ms <= 0) return;
      throw new AppError(
        'PLATFORM_RATE_LIMITED',
        `RunPod's rate limit is used up: try again in ${Math.ceil(ms / 1_000)} s.`,
        {
          retryable: true,
          retryAfterSeconds: Math.ceil(ms / 1_000),
          isDeferred: waitMs('interactive') <= 0,
        },
      );
    },
    observe(status, headers) {
      const seen = readWindows(headers, now());
      if (seen !== null) windows = seen;
      if (status !== 429) return;
      const seconds = retryAfterSeconds(headers, now()) ?? DEFAULT_RETRY_AFTER_SECONDS;
      blockedUntil = Math.max(blockedUntil, now() + seconds * 1_000);
    },
    share() {
      if (windows.size === 0) return null;
      return Math.min(1, ...live().map(shareOf));
    },
  };
}

function shareOf(window: Window): number {
  if (window.quota === undefined || window.quota <= 0) return window.remaining > 0 ? 1 : 0;
  return window.remaining / window.quota;
}

/** `Retry-After` in whole seconds or as an HTTP date (RFC 9110 §10.2.3), bounded to an hour. */
export function retryAfterSeconds(headers: Headers, now: number): number | undefined {
  const text = headers.get('retry-after')?.trim();
  if (!text) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - now) / 1_000;
  if (!Number.isFinite(seconds)) return undefined;
  return Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(0, Math.ceil(seconds)));
}

/** `RateLimit` says what is left and when it resets, `RateLimit-Policy` the size of each window. */
function readWindows(headers: Headers, now: number): Map<string, Window> | null {
  const left = readMembers(headers.get('ratelimit'));
  if (left === null) return null;
  const policy = readMembers(headers.get('ratelimit-policy'));
  const windows = new Map<string, Window>();
  for (const [name, { r, t }] of left) {
    if (r === undefined || t === undefined) continue;
    windows.set(name, {
      remaining: r,
      quota: policy?.get(name)?.q,
      resetsAt: now + t * 1_000,
    });
  }
  return windows;
}

type Parameters = Readonly<Partial<Record<'r' | 't' | 'q', number>>>;

/** A structured-field list (RFC 9651); a malformed one counts as absent. */
function readMembers(text: string | null): Map<string, Parameters> | null {
  if (text === null) return null;
  try {
    return new Map(
      parseList(text).map(([item, parameters]) => [
        typeof item === 'string' ? item : '',
        { ...numeric(parameters, 'r'), ...numeric(parameters, 't'), ...numeric(parameters, 'q') },
      ]),
    );
  } catch {
    return null;
  }
}

function numeric(parameters: Map<string, unknown>, name: 'r' | 't' | 'q'): Parameters {
  const value = parameters.get(name);
  return typeof value === 'number' ? { [name]: value } : {};
}
