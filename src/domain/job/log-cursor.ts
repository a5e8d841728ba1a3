/** Opaque places in one job's log or metrics: `1:<l|m>:<job>:<seq>` in base64url. */
import { AppError } from '../../errors.ts';
import { decodeOpaque, encodeOpaque } from '../opaque.ts';

const PATTERN = /^1:([lm]):([a-z0-9]{1,40}):(\d{1,15})$/;

export type CursorKind = 'log' | 'metrics';
const LETTER: Readonly<Record<CursorKind, string>> = { log: 'l', metrics: 'm' };

export function encodeCursor(kind: CursorKind, jobId: string, seq: number): string {
  return encodeOpaque(`1:${LETTER[kind]}:${jobId}:${seq}`);
}

/** @throws {AppError} INVALID_CURSOR for one that is malformed, of another job or another kind */
export function decodeCursor(kind: CursorKind, jobId: string, cursor: string): number {
  const match = PATTERN.exec(decodeOpaque(cursor));
  if (match === null) {
    throw new AppError(
      'INVALID_CURSOR',
      'This is not a cursor of this service: begin without one.',
    );
  }
  if (match[1] !== LETTER[kind] || match[2] !== jobId) {
    throw new AppError(
      'INVALID_CURSOR',
      `This cursor is not of the ${kind} of this job: use one that came with them.`,
    );
  }
  return Number(match[3]);
}
