import { STATUS_CODES } from 'node:http';
import { jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';

interface ProblemExtras {
  /** One sentence per fault of the request, as in `$: missing property 'name'`. */
  readonly errors?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal. REST tells it as RFC 9457, GraphQL as an entry of `errors`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly extras: ProblemExtras;

  constructor(status: number, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.status = status;
    this.extras = extras;
  }
}

/** The original's prose for a pod that cannot be placed; only it tells this 400 from another. */
export const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

/** The original's answer to a request that does not fit its schema. */
export function validationProblem(errors: readonly string[]): Problem {
  return new Problem(422, 'Request validation failed.', { errors });
}

export function problemAnswer({ status, message, extras }: Problem): Answer {
  const title = STATUS_CODES[status] ?? 'Error';
  const errors = extras.errors === undefined ? {} : { errors: extras.errors };
  return jsonAnswer(
    status,
    { title, status, detail: message, ...errors },
    { 'content-type': 'application/problem+json', ...extras.headers },
  );
}
