export type FailureCode =
  | 'NO_CAPACITY'
  | 'PRICE_ABOVE_LIMIT'
  | 'BUDGET_EXHAUSTED'
  | 'RUNTIME_LIMIT'
  | 'INSUFFICIENT_BALANCE'
  | 'UNAUTHORIZED'
  | 'IMAGE_PULL'
  | 'STARTUP_TIMEOUT'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_GATED'
  | 'DATASET_INVALID'
  | 'OUT_OF_MEMORY'
  | 'DISK_FULL'
  | 'CUDA_MISMATCH'
  | 'TRAINER_CRASHED'
  | 'SPOT_RECLAIMED'
  | 'POD_LOST'
  | 'ARTIFACT_CORRUPT'
  | 'PLATFORM_REJECTED'
  | 'PLATFORM_UNAVAILABLE'
  | 'INTERNAL';
export interface TrainingFailure {
  readonly code: FailureCode;
  readonly message: string;
  readonly suggestions: readonly string[];
  readonly retryable: boolean;
}
export function makeFailure(code: FailureCode, message: string): TrainingFailure {
  return { code, message, suggestions: [], retryable: false };
}
