/** Opaque places in a list of jobs. */
import { AppError } from '../../errors.ts';
import { decodeOpaque, encodeOpaque } from '../opaque.ts';

const PATTERN = /^j:(\d{1,15}):([a-z0-9]{1,40})$/;

export interface ListPlace {
  readonly createdAt: number;
  readonly id: string;
}

export function encodePlace({ createdAt, id }: ListPlace): string {
  return encodeOpaque(`j:${createdAt}:${id}`);
}

/** @throws {AppError} INVALID_CURSOR */
export function decodePlace(cursor: string): ListPlace {
  const match = PATTERN.exec(decodeOpaque(cursor));
  if (match === null) {
    throw new AppError('INVALID_CURSOR', 'after: this is not a cursor of a list of jobs.');
  }
  return { createdAt: Number(match[1]), id: match[2] ?? '' };
}
