/**
 * Translates RunPod's failures, once: nobody above reads an HTTP status.
 *
 * Sources: REST v2 contract of 2026-08-18 (RFC 9457 problems, the table of `createPod`), and the
 * error texts of the GraphQL API, which answers 200 to most failures.
 */
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

const problemSchema = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.string()).optional(),
});

/** Prose is all that tells "no capacity" from "a broken rule". */
const NO_CAPACITY = /no longer any instances available|not enough free gpus|no instances/i;
const MAX_DETAIL_LENGTH = 500;

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly says: string;
}

/** What looks like a key, whoever's: an upstream may quote what it was sent. */
const SECRET = /Bearer\s+\S+|\brpa_\w+/gi;

/** `apiKey` is taken out of RunPod's prose, which goes to callers and logs. */
export function problemOf(
  status: number,
  body: unknown,
  retryAfterSeconds: number | undefined,
  apiKey: string,
): AppError {
  const prose = detailOf(body);
  const detail = prose.replaceAll(apiKey, '***').replace(SECRET, '***');
  const { code, retryable, says } = meaningOf(status, detail);
  return new AppError(code, detail === '' ? says : `${says} RunPod says: ${detail}`, {
    retryable,
    reason: String(status),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function meaningOf(status: number, detail: string): Meaning {
  if (status >= 500 || status === 410 || status === 408) {
    return meaning('PLATFORM_UNAVAILABLE', true, `RunPod failed (HTTP ${status}).`);
  }
  switch (status) {
    case 401:
      return meaning('PLATFORM_UNAUTHORIZED', false, 'RunPod does not accept the API key.');
    case 402:
      return meaning('PLATFORM_INSUFFICIENT_BALANCE', false, 'The RunPod account lacks credit.');
    case 403:
      return meaning('PLATFORM_FORBIDDEN', false, 'RunPod denies the API key access to this.');
    case 404:
      return meaning('NOT_FOUND', false, 'RunPod knows nothing by this id.');
    case 429:
      return meaning('PLATFORM_RATE_LIMITED', true, 'RunPod limits the rate of requests.');
    case 400:
      if (NO_CAPACITY.test(detail)) {
        return meaning('PLATFORM_NO_CAPACITY', true, 'RunPod has no such machine free.');
      }
      break;
  }
  return meaning('PLATFORM_REJECTED', false, `RunPod refused the request (HTTP ${status}).`);
}

function meaning(code: ErrorCode, retryable: boolean, says: string): Meaning {
  return { code, retryable, says };
}

function detailOf(body: unknown): string {
  const problem = problemSchema.safeParse(body);
  if (!problem.success) return '';
  const { title, detail, errors } = problem.data;
  const text = [detail ?? title, ...(errors ?? [])].filter(Boolean).join('; ');
  return text.slice(0, MAX_DETAIL_LENGTH);
}

/** An answer that lacks what we need of it; the path says where. */
export function contractFault(what: string, error: z.ZodError): AppError {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return new AppError(
    'PLATFORM_UNAVAILABLE',
    `RunPod's answer to ${what} is not what its contract says, at ${path || 'the top'}: ${issue?.message ?? 'unknown'}.`,
    { cause: error },
  );
}

/** A call that got no answer: no connection, cut off, or too slow. */
export function transportFault(what: string, error: unknown, timedOut: boolean): AppError {
  return timedOut
    ? new AppError('PLATFORM_TIMEOUT', `RunPod did not answer ${what} in time.`, {
        cause: error,
        retryable: true,
      })
    : new AppError('PLATFORM_UNAVAILABLE', `RunPod could not be reached for ${what}.`, {
        cause: error,
        retryable: true,
      });
}

/** A failure of RunPod as a whole, as against one of this request: retried, and counted to break. */
export function isOutage(error: unknown): boolean {
  return (
    error instanceof AppError &&
    error.retryable &&
    (error.code === 'PLATFORM_UNAVAILABLE' || error.code === 'PLATFORM_TIMEOUT')
  );
}
