/** Something the caller can put right; the shape of `TrainingUserError`. */
export interface TrainingUserError {
  /** INVALID: out of shape or range. CONFLICT: two values that exclude each other. */
  readonly code: 'INVALID' | 'CONFLICT' | 'UNSUPPORTED' | 'UNKNOWN';
  readonly message: string;
  readonly path: readonly string[];
}
