/** How a command ends when it does not end well. */

/** Scripts rely on these: add, never change. */
const EXIT_CODES = {
  refused: 1,
  usage: 2,
  unreachable: 3,
  'not-found': 4,
  /** 128 + SIGINT, as a shell reports it. */
  interrupted: 130,
} as const;

export type FailureKind = keyof typeof EXIT_CODES;

/** One thing that is wrong with a request, and where. */
export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[];
}

interface CliFailureOptions {
  readonly cause?: unknown;
  /** Everything that is wrong, where there are several things. */
  readonly faults?: readonly Fault[];
  /** What to do about it. */
  readonly hint?: string;
  /** The server's own code; absent: it did not say one. */
  readonly code?: string;
  /** Whether the same request may succeed a little later. */
  readonly isPassing?: boolean;
}

/** A failure that is told in a sentence; anything else that is thrown is a bug of the CLI. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly kind: FailureKind;
  readonly faults: readonly Fault[];
  readonly hint: string | undefined;
  readonly code: string | undefined;
  readonly isPassing: boolean;

  constructor(kind: FailureKind, message: string, options: CliFailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.faults = options.faults ?? [];
    this.hint = options.hint;
    this.code = options.code;
    this.isPassing = options.isPassing ?? false;
  }

  get exitCode(): number {
    return EXIT_CODES[this.kind];
  }

  /** The same with another hint, for who knows better what to do. */
  withHint(hint: string): CliFailure {
    const { kind, message, faults, code, isPassing } = this;
    const known = code === undefined ? {} : { code };
    return new CliFailure(kind, message, { cause: this, faults, hint, isPassing, ...known });
  }
}

/** All of `userErrors`, told at once. */
export function refusal(what: string, faults: readonly Fault[]): CliFailure {
  const isUnknownId = faults.some(({ code, path }) => {
    const [argument, ...deeper] = path;
    return code === 'UNKNOWN' && deeper.length === 0 && /^(id|podId)$/.test(argument ?? '');
  });
  return new CliFailure(isUnknownId ? 'not-found' : 'refused', what, { faults });
}

export function noSuchJob(id: string): CliFailure {
  const hint = 'The list command shows the jobs there are.';
  return new CliFailure('not-found', `There is no job ${id}.`, { hint, code: 'NOT_FOUND' });
}
