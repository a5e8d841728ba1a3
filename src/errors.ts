/**
 * Named failures and how they leave the process.
 *
 * A refusal the caller can act on is data in a payload, never thrown. A failure with a name is an
 * {@link AppError}. Anything else is a bug: it is logged under an id and the caller gets that id.
 */

/** Stable codes, sent as `extensions.code`. Clients switch on them: add, never rename. */
export type ErrorCode =
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'PLATFORM_UNAUTHORIZED'
  | 'PLATFORM_FORBIDDEN'
  | 'PLATFORM_RATE_LIMITED'
  | 'PLATFORM_NO_CAPACITY'
  | 'PLATFORM_INSUFFICIENT_BALANCE'
  | 'PLATFORM_REJECTED'
  | 'PLATFORM_UNAVAILABLE'
  | 'PLATFORM_TIMEOUT'
  | 'POD_UNREACHABLE'
  | 'POD_REFUSED'
  | 'POD_UNTRUSTED'
  | 'STORE_UNAVAILABLE'
  | 'INVALID_CURSOR'
  | 'LIMIT_EXCEEDED';

interface AppErrorOptions {
  cause?: unknown;
  /** Whether the same call may succeed later without a change by the caller. */
  retryable?: boolean;
  /** Whole seconds the caller should wait, when somebody told us. */
  retryAfterSeconds?: number;
  /** Nothing was asked: the call yields to more urgent ones, which would go through. */
  isDeferred?: boolean;
  /** A code of the party that refused, for programs. */
  reason?: string;
}

/** A failure with a name. Its message is for the caller: it says what to change, and no secret. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
  readonly isDeferred: boolean;
  readonly reason: string | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.isDeferred = options.isDeferred ?? false;
    this.reason = options.reason;
  }
}

/** The GraphQL shape of an error on the wire, as far as we change it. */
export interface WireError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/**
 * Told of a failure without a name, a bug of ours; answers the id it was logged under. The same
 * failure told again has the same id.
 */
export type ReportBug = (error: unknown, requestId?: string) => string;

/** Whether an error that the GraphQL engine would send is a bug, and not a fault of the request. */
export function isBug(wire: WireError, thrown: unknown): boolean {
  return !(thrown instanceof AppError) && (wire.extensions?.code ?? NAMELESS) === NAMELESS;
}

const NAMELESS = 'INTERNAL_SERVER_ERROR';

/**
 * What the caller gets to see of an error, on HTTP and WebSocket alike. `wire` is the error as the
 * GraphQL engine would send it, `thrown` what a resolver threw. Request faults pass as they are.
 */
export function maskError<T extends WireError>(wire: T, thrown: unknown, report: ReportBug): T {
  if (thrown instanceof AppError) {
    return { ...wire, message: thrown.message, extensions: extensionsOf(thrown) };
  }
  if (!isBug(wire, thrown)) return { ...wire, extensions: { code: wire.extensions?.code } };
  const errorId = report(thrown);
  return { ...wire, message: 'Internal error', extensions: { code: NAMELESS, errorId } };
}

function extensionsOf(error: AppError): Readonly<Record<string, unknown>> {
  const { code, retryable, retryAfterSeconds } = error;
  return { code, retryable, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}
