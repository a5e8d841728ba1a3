/**
 * One authenticated call to an agent: a deadline, a bounded answer, failures by name.
 *
 * What answers may be the agent, the proxy in front of it, or code that took the agent's place:
 * an answer that is not in the agent's form is "no answer", one that is and breaks the protocol is
 * not trusted.
 *
 * Not by `fetch`: in Node 24 a peer that ends its connection while the reader is behind ends our
 * process (an assertion in a socket's handler, nodejs/undici#5360, mended in undici 8 only), and
 * the agent ends every connection. It may come back with a Node that has undici 8.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { parseJson } from './json.ts';

const MAX_REFUSAL_BYTES = 64 * 1024;
const MAX_PROSE_LENGTH = 500;
/** The proxy's own answers when it cannot reach the pod, whatever their body. */
const PROXY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524]);
/** The agent says these of a moment, not of the request. */
const PASSING_REFUSALS: ReadonlySet<string> = new Set(['BUSY', 'WRONG_OFFSET', 'SHA256_MISMATCH']);

export interface AgentAccess {
  /** Such as `https://{podId}-8000.proxy.runpod.net`. */
  readonly baseUrl: string;
  readonly token: string;
  /** Upper bound of every call's own deadline. */
  readonly timeoutMs?: number;
}

export interface AgentRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** An answer of 2xx whose body is still to come. */
export interface AgentAnswer {
  readonly status: number;
  /** By its name in lower case. */
  header(name: string): string | undefined;
  /** The body as it comes; more than `maxBytes` are not trusted, a cut is POD_UNREACHABLE. */
  chunks(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined>;
  /** Frees the connection; whoever opened an answer calls it. */
  readonly end: () => void;
}

export interface AgentHttp {
  /** @throws {AppError} POD_UNREACHABLE POD_REFUSED POD_UNTRUSTED */
  open(request: AgentRequest): Promise<AgentAnswer>;
  /** A JSON answer of at most `maxBytes`, checked. @throws {AppError} as `open` */
  json<T>(request: AgentRequest, schema: z.ZodType<T>, maxBytes: number): Promise<T>;
}

export function createAgentHttp({ baseUrl, token, timeoutMs }: AgentAccess): AgentHttp {
  // A header that cannot be sent is quoted in the error of whoever tries: told here without it.
  if (!/^[!-~]+$/.test(token)) throw new TypeError("An agent's token is printable ASCII.");
  const base = baseUrl.replace(/\/+$/, '');

  async function open(request: AgentRequest): Promise<AgentAnswer> {
    const what = nameOf(request);
    const call = startCall(request, timeoutMs);
    try {
      const response = await send(base + request.path, request, {
        authorization: `Bearer ${token}`,
        signal: call.signal,
      });
      const answer = answerOf(response, what, call);
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw await refusalOf(answer, what, token);
    } catch (error) {
      call.end();
      throw call.named(error, what);
    }
  }

  async function json<T>(
    request: AgentRequest,
    schema: z.ZodType<T>,
    maxBytes: number,
  ): Promise<T> {
    const what = nameOf(request);
    const answer = await open(request);
    try {
      checkMediaType(answer, 'application/json', what);
      const value = parseJson(await readText(answer, maxBytes));
      // Whatever calls itself JSON and is none is not our agent's: one such answer ends no job.
      if (value === undefined) throw unreachable(`Not our agent answered ${what}`);
      const parsed = schema.safeParse(value);
      if (!parsed.success) throw contractFault(what, parsed.error);
      return parsed.data;
    } finally {
      answer.end();
    }
  }

  return { open, json };
}

interface SendOptions {
  readonly authorization: string;
  readonly signal: AbortSignal;
}

/** One connection for each call, as the agent has it; a redirect is an answer like any other. */
function send(
  address: string,
  { method, headers, body = '' }: AgentRequest,
  { authorization, signal }: SendOptions,
): Promise<IncomingMessage> {
  const url = new URL(address);
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const length = String(Buffer.byteLength(body));
  return new Promise((resolve, reject) => {
    const outgoing = start(url, {
      method,
      agent: false,
      headers: {
        ...(method === 'GET' ? {} : { 'content-length': length }),
        ...headers,
        authorization,
      },
      signal,
    });
    outgoing.on('response', resolve);
    // Also listened to after an answer: a body nobody read to its end may still fail.
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The deadline of one call, headers and body together, and the caller's own signal. */
function startCall({ deadlineMs, signal }: AgentRequest, timeoutMs = deadlineMs) {
  const stop = new AbortController();
  const timer = setTimeout(
    () => {
      stop.abort(unreachable('The pod did not answer in time'));
    },
    Math.min(deadlineMs, timeoutMs),
  );
  return {
    signal: AbortSignal.any([stop.signal, signal]),
    end: () => {
      clearTimeout(timer);
      stop.abort();
    },
    /** The caller's own abort comes first: it is no failure of the pod. */
    named(error: unknown, what: string): unknown {
      if (signal.aborted) return signal.reason;
      if (error instanceof AppError) return error;
      if (stop.signal.reason instanceof AppError) return stop.signal.reason;
      return unreachable(`The pod could not be reached for ${what}`, error);
    },
  };
}
type Call = ReturnType<typeof startCall>;

function answerOf(response: IncomingMessage, what: string, call: Call): AgentAnswer {
  async function* chunks(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    let size = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.byteLength;
        if (size > maxBytes) throw untrusted(`The pod's answer to ${what} is too large`);
        yield chunk;
      }
    } catch (error) {
      throw call.named(error, what);
    }
  }
  const { statusCode = 0, headers } = response;
  const header = (name: string) => headers[name]?.toString();
  return { status: statusCode, header, chunks, end: call.end };
}

const refusalSchema = z.object({
  error: z.object({ code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), message: z.string() }),
});

async function refusalOf(answer: AgentAnswer, what: string, token: string): Promise<AppError> {
  const { status } = answer;
  if (status >= 300 && status < 400) return untrusted(`The pod answered ${what} with a redirect`);
  const refusal = PROXY_STATUSES.has(status)
    ? null
    : refusalSchema.safeParse(parseJson(await readText(answer, MAX_REFUSAL_BYTES)));
  if (!refusal?.success) return unreachable(`Not our agent answered ${what} (HTTP ${status})`);
  const { code, message } = refusal.data.error;
  const prose = message.replaceAll(token, '***').replace(/[\p{Cc}\p{Cs}]+/gu, ' ');
  return new AppError(
    'POD_REFUSED',
    `The pod refused ${what}: ${prose.slice(0, MAX_PROSE_LENGTH)}`,
    {
      reason: code,
      retryable: PASSING_REFUSALS.has(code),
    },
  );
}

/** Anything else is a page of the proxy's, or of whatever listens at the agent's port. */
export function checkMediaType(answer: AgentAnswer, expected: string, what: string): void {
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== expected) throw unreachable(`Not our agent answered ${what}`);
}

async function readText(answer: AgentAnswer, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.chunks(maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** For people, without the query: names of files and folders in it are the pod's words. */
function nameOf({ method, path }: AgentRequest): string {
  return `${method} ${path.split('?')[0] ?? ''}`.slice(0, 200);
}

function contractFault(what: string, error: z.ZodError): AppError {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return untrusted(
    `The pod's answer to ${what} breaks the protocol at ${path || 'the top'}: ${issue?.message ?? 'unknown'}`,
  );
}

/** `?after=7&boot=…` of what is given; nothing of nothing. */
export function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return `?${query.toString()}`;
}

export function untrusted(says: string): AppError {
  return new AppError('POD_UNTRUSTED', `${says}.`);
}

export function unreachable(says: string, cause?: unknown): AppError {
  return new AppError('POD_UNREACHABLE', `${says}.`, { cause, retryable: true });
}
