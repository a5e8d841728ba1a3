import type { z } from 'zod';

/** Something the caller can put right; the shape of `TrainingUserError`. */
export interface TrainingUserError {
  /** INVALID: out of shape or range. CONFLICT: two values that exclude each other. */
  readonly code: 'INVALID' | 'CONFLICT' | 'UNSUPPORTED' | 'UNKNOWN';
  readonly message: string;
  readonly path: readonly string[];
}

/** A value out of shape or range in the argument `root`. */
export function invalidAt(root: string, issue: z.core.$ZodIssue): TrainingUserError {
  const path = [root, ...issue.path.map(String)];
  return { code: 'INVALID', message: `${path.at(-1) ?? root}: ${issue.message}.`, path };
}
