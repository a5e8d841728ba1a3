/** A request that is answered before any of it is executed. */
import type { ErrorCode } from '../errors.ts';

export interface Refusal {
  readonly kind: 'refused';
  /** Of HTTP. */
  readonly status: number;
  readonly code: ErrorCode | 'BAD_REQUEST';
  /** What to change. */
  readonly message: string;
}

export function refused(status: number, code: Refusal['code'], message: string): Refusal {
  return { kind: 'refused', status, code, message };
}

export const TOO_MANY_STREAMS = refused(
  503,
  'LIMIT_EXCEEDED',
  'Too many streams are open: try again later.',
);
export const SHUTTING_DOWN = refused(
  503,
  'BAD_REQUEST',
  'The server is shutting down: try again, perhaps at another.',
);
