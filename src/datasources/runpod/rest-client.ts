/**
 * One authenticated call to RunPod's REST API v2, with everything a call needs: a deadline, the
 * shared rate budget, retries where repeating is safe, a circuit breaker, a checked answer.
 */
import {
  BrokenCircuitError,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from 'cockatiel';
import type { z } from 'zod';
import { AppError } from '../../errors.ts';
import type { CallOptions } from '../platform.ts';
import { contractFault, isOutage, problemOf, transportFault } from './problem.ts';
import { createRateBudget, retryAfterSeconds } from './rate-budget.ts';
import type { RateBudget } from './rate-budget.ts';
import { openStream } from './rest-stream.ts';
import { parseJson } from '../json.ts';

/** Cloudflare in front of RunPod was seen to refuse the default one (403, code 1010). */
export const USER_AGENT = 'runpod-subgraph/0.1.0';

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_RETRIES = 2;
/** Of a call's time: an attempt that hangs leaves the rest to another. */
const FIRST_ATTEMPT_SHARE = 0.6;
const FAILURES_TO_BREAK = 5;
const BREAK_MS = 5_000;

export interface RestClientDeps {
  baseUrl: string;
  apiKey: string;
  /** Deadline of one call, retries included, where the request names no other. */
  timeoutMs: number;
  /** Told of every answer and failure, for metrics. */
  onCall?: (call: RestCallReport) => void;
}

export interface RestCallReport {
  readonly route: string;
  /** HTTP status; 0: no answer. */
  readonly status: number;
  readonly seconds: number;
}

export interface RestRequest<T> extends CallOptions {
  method: 'GET' | 'POST' | 'DELETE';
  /** Template for people and metrics: `/v2/pods/{id}`. */
  route: string;
  parameters?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string | number>>;
  headers?: Readonly<Record<string, string>>;
  body?: unknown;
  schema: z.ZodType<T>;
  /** Whether asking twice does no harm. Only then is a failed call repeated. */
  idempotent: boolean;
  timeoutMs?: number;
}

type Answered = Pick<Response, 'status' | 'headers'>;
interface Readable {
  readonly body: AsyncIterable<Uint8Array> | null;
}

type OpenRequest = Omit<RestRequest<unknown>, 'schema' | 'idempotent'>;

export interface RestClient {
  readonly budget: RateBudget;
  /** @throws {AppError} PLATFORM_… or NOT_FOUND */
  call<T>(request: RestRequest<T>): Promise<T>;
  /**
   * Opens an answer that is read as it comes; its deadline ends with the headers. Its connection is
   * free when the body is left or the request's signal aborts.
   */
  open(request: OpenRequest): Promise<AsyncIterable<Uint8Array>>;
}

export function createRestClient(deps: RestClientDeps): RestClient {
  const budget = createRateBudget();
  const breaker = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: BREAK_MS,
    breaker: new ConsecutiveBreaker(FAILURES_TO_BREAK),
  });
  const retrying = wrap(
    retry(handleWhen(isOutage), {
      maxAttempts: MAX_RETRIES,
      backoff: new ExponentialBackoff({ initialDelay: 100, maxDelay: 1_000 }),
    }),
    breaker,
  );
  async function attempt<T>(request: RestRequest<T>, signal: AbortSignal): Promise<T> {
    budget.check(request.urgency ?? 'interactive');
    const response = await send(request, signal);
    const text = await readText(response, request.route);
    if (!response.ok) throw refusal(request, response, parseJson(text));
    if (response.status === 204) return request.schema.parse(undefined);
    const answer = request.schema.safeParse(parseJson(text));
    if (!answer.success) throw contractFault(nameOf(request), answer.error);
    return answer.data;
  }

  function send(request: OpenRequest, signal: AbortSignal): Promise<Response> {
    return report(request, signal, () =>
      fetch(urlOf(deps.baseUrl, request), {
        method: request.method,
        headers: headersOf(request),
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        // A redirect would carry the key to wherever it points.
        redirect: 'error',
        signal,
      }),
    );
  }

  function headersOf({ body, headers }: OpenRequest): Record<string, string> {
    return {
      accept: 'application/json',
      authorization: `Bearer ${deps.apiKey}`,
      'user-agent': USER_AGENT,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    };
  }

  /** What is known of one request once it is answered, or not, goes to budget and metrics. */
  async function report<T extends Answered>(
    request: OpenRequest,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now();
    let status = 0;
    try {
      const response = await run();
      status = response.status;
      budget.observe(status, response.headers);
      return response;
    } catch (error) {
      throw transportFault(nameOf(request), error, signal.aborted);
    } finally {
      const seconds = (performance.now() - startedAt) / 1_000;
      deps.onCall?.({ route: nameOf(request), status, seconds });
    }
  }

  function refusal(request: OpenRequest, response: Answered, body: unknown): AppError {
    const { status, headers } = response;
    if (status === 404 && !request.route.includes('{')) {
      const message = `RunPod has nothing at ${request.route}: check RUNPOD_REST_URL.`;
      return new AppError('PLATFORM_UNAVAILABLE', message);
    }
    return problemOf(status, body, retryAfterSeconds(headers, Date.now()), deps.apiKey);
  }

  async function call<T>(request: RestRequest<T>): Promise<T> {
    const timeoutMs = request.timeoutMs ?? deps.timeoutMs;
    const whole = deadline(timeoutMs, request.signal);
    const policy = request.idempotent ? retrying : breaker;
    const perAttemptMs = request.idempotent ? timeoutMs * FIRST_ATTEMPT_SHARE : timeoutMs;
    try {
      return await policy.execute(
        ({ signal }) => attempt(request, deadline(Math.ceil(perAttemptMs), signal)),
        whole,
      );
    } catch (error) {
      throw named(error, nameOf(request), whole.aborted);
    }
  }

  async function open(request: OpenRequest): Promise<AsyncIterable<Uint8Array>> {
    budget.check(request.urgency ?? 'interactive');
    const opening = new AbortController();
    const timer = setTimeout(() => {
      opening.abort();
    }, deps.timeoutMs);
    try {
      const signal = anyOf(opening.signal, request.signal);
      const response = await report(request, signal, () =>
        openStream(urlOf(deps.baseUrl, request), headersOf(request), signal),
      );
      if (response.ok) return response.body;
      throw refusal(request, response, parseJson(await readText(response, request.route)));
    } finally {
      clearTimeout(timer);
    }
  }

  return { budget, call, open };
}

function named(error: unknown, what: string, timedOut: boolean): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof BrokenCircuitError) {
    return new AppError('PLATFORM_UNAVAILABLE', 'RunPod keeps failing: calls pause for a moment.', {
      retryable: true,
      reason: 'NOT_SENT',
      retryAfterSeconds: BREAK_MS / 1_000,
    });
  }
  return transportFault(what, error, timedOut);
}

function nameOf(request: { method: string; route: string }): string {
  return `${request.method} ${request.route}`;
}

function urlOf(
  baseUrl: string,
  request: Pick<RestRequest<unknown>, 'route' | 'parameters' | 'query'>,
): URL {
  const path = request.route.replace(/\{(\w+)\}/g, (_match, name: string) =>
    encodeURIComponent(request.parameters?.[name] ?? ''),
  );
  const url = new URL(baseUrl.replace(/\/+$/, '') + path);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    url.searchParams.set(name, String(value));
  }
  return url;
}

function deadline(ms: number, signal: AbortSignal | undefined): AbortSignal {
  return anyOf(AbortSignal.timeout(ms), signal);
}

function anyOf(first: AbortSignal, second: AbortSignal | undefined): AbortSignal {
  return second === undefined ? first : AbortSignal.any([first, second]);
}

/** The whole answer as text, refused beyond a bound: an upstream must not fill our memory. */
async function readText(response: Readable, route: string): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body) {
      size += chunk.byteLength;
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw transportFault(route, error, isTimeout(error));
  }
  if (size > MAX_ANSWER_BYTES) {
    throw new AppError('PLATFORM_UNAVAILABLE', `RunPod's answer to ${route} is too large.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}
