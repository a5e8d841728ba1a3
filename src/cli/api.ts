/** The public GraphQL API over HTTP. What comes back is checked: a server may be anything. */
import { ClientError, GraphQLClient } from 'graphql-request';
import { z } from 'zod';
import { CliFailure } from './failure.ts';

export interface Api {
  readonly url: string;
  /**
   * One operation. Where the answer is usable beside its errors, they are told as warnings.
   * @throws {CliFailure} as `isPassing` where the same request may succeed a little later
   */
  ask<T>(
    document: string,
    variables: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
  ): Promise<T>;
}

export interface ApiOptions {
  readonly url: string;
  /** Aborts what is in flight. */
  readonly signal: AbortSignal;
  readonly onWarning: (message: string) => void;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_SHOWN = 300;

const errorsSchema = z.array(
  z.object({
    message: z.string(),
    path: z.array(z.union([z.string(), z.number()])).optional(),
    extensions: z
      .object({
        code: z.string().optional(),
        errorId: z.string().optional(),
        retryable: z.boolean().optional(),
      })
      .optional()
      .catch(undefined),
  }),
);
type WireErrors = z.infer<typeof errorsSchema>;

export function createApi({ url, signal, onWarning, timeoutMs = TIMEOUT_MS }: ApiOptions): Api {
  const client = new GraphQLClient(url, {
    // One price that fails must not take the rest of the answer with it.
    errorPolicy: 'all',
    fetch: (input, init) =>
      fetch(input, {
        ...init,
        // A redirected POST becomes a GET, and the answer a riddle.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      }),
  });

  return {
    url,
    async ask(document, variables, answer) {
      const { data, errors } = await client
        .rawRequest<unknown>(document, variables)
        .catch((error: unknown) => {
          throw failureOf(error, url, signal);
        });
      const known = errorsSchema.safeParse(errors ?? []);
      const parsed = answer.safeParse(data);
      if (!parsed.success) {
        throw known.success && known.data.length > 0
          ? failureOfErrors(known.data)
          : strange(url, parsed.error);
      }
      for (const { message } of known.data ?? []) onWarning(message);
      return parsed.data;
    },
  };
}

function failureOf(error: unknown, url: string, signal: AbortSignal): CliFailure {
  if (signal.aborted) return interrupted();
  if (!(error instanceof ClientError)) return failureOfTransport(error, url);
  return failureOfWireErrors(error.response.errors) ?? failureOfStatus(error, url);
}

export function interrupted(): CliFailure {
  return new CliFailure('interrupted', 'Interrupted.');
}

/** Codes that a later request may not meet again. */
const PASSING = new Set([
  'STORE_UNAVAILABLE',
  'PLATFORM_UNAVAILABLE',
  'PLATFORM_TIMEOUT',
  'PLATFORM_RATE_LIMITED',
  'INTERNAL_SERVER_ERROR',
]);

const HINTS: Readonly<Record<string, string>> = {
  GRAPHQL_VALIDATION_FAILED:
    'The server does not know what this command asks for: it is older or newer than this client.',
  INVALID_CURSOR: 'Leave --since out to begin with the first line.',
};

/** @returns undefined: they are no GraphQL errors */
export function failureOfWireErrors(errors: unknown): CliFailure | undefined {
  const known = errorsSchema.min(1).safeParse(errors);
  return known.success ? failureOfErrors(known.data) : undefined;
}

function failureOfErrors(errors: WireErrors): CliFailure {
  const [first] = errors;
  const code = first?.extensions?.code;
  const id = first?.extensions?.errorId;
  const message = `${first?.message ?? 'The server refused.'}${id === undefined ? '' : ` (errorId ${id} in the server's log)`}`;
  const faults = errors.slice(1).map((error) => ({
    code: error.extensions?.code ?? 'ERROR',
    message: error.message,
    path: (error.path ?? []).map(String),
  }));
  const hint = HINTS[code ?? ''];
  return new CliFailure(code === 'NOT_FOUND' ? 'not-found' : 'refused', message, {
    faults,
    isPassing: first?.extensions?.retryable ?? PASSING.has(code ?? ''),
    ...(code !== undefined && { code }),
    ...(hint !== undefined && { hint }),
  });
}

function failureOfStatus(error: ClientError, url: string): CliFailure {
  const { status } = error.response;
  const body = typeof error.response.body === 'string' ? error.response.body : '';
  const isText = body !== '' && !body.trimStart().startsWith('<');
  const said = isText ? `: ${body.trim().slice(0, MAX_SHOWN)}` : '';
  // 403 and 421 are answers of the server itself: it does not want this caller.
  const isRefusal = status === 403 || status === 421;
  return new CliFailure(
    isRefusal ? 'refused' : 'unreachable',
    `${url} answered ${status}${said}`,
    isRefusal
      ? { cause: error }
      : { cause: error, hint: HINT_URL, isPassing: status >= 500 || status === 429 },
  );
}

const HINT_URL =
  'Start the server with `npm start`, or name another with --url or RUNPOD_SUBGRAPH_URL (…/graphql).';

const codeSchema = z.object({ code: z.string() });

/** Where no answer came at all. */
export function failureOfTransport(error: unknown, url: string): CliFailure {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const isTimeout = error instanceof Error && error.name === 'TimeoutError';
  const isTransport = isTimeout || (error instanceof TypeError && error.message === 'fetch failed');
  const code = codeSchema.safeParse(cause).data?.code;
  const why = isTimeout ? 'no answer in time' : (code ?? messageOf(cause));
  const message = isTransport
    ? `The server at ${url} is not reachable: ${why}.`
    : `${url} does not answer like a GraphQL server: ${messageOf(error).slice(0, MAX_SHOWN)}`;
  return new CliFailure('unreachable', message, {
    cause: error,
    hint: HINT_URL,
    isPassing: isTransport,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function strange(url: string, error: z.ZodError): CliFailure {
  const faults = error.issues.map(({ path, message }) => ({
    code: 'UNEXPECTED',
    message,
    path: path.map(String),
  }));
  const message = `${url} answered something that this client does not understand.`;
  return new CliFailure('unreachable', message, { faults: faults.slice(0, 5) });
}
