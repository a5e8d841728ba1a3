/** The checkpoint that a trainer is to write when it is told to stop, and how that can go wrong. */
import type { TrainingFailure } from '../training/failure.ts';

/** Work since the checkpoint before is lost: its owner is told. */
export type LastCheckpoint = 'not written' | 'not stored';

/** A trainer that has ended, and not well. */
interface Ended {
  /** It was stopped, and did not fail by itself. */
  readonly isStopped: boolean;
  /** Below zero: the signal that killed it. */
  readonly exitCode: number | null;
  readonly failure: TrainingFailure | null;
}

/** It was told to stop, and crashed over it: that is no failure of what was asked for. */
export function diedOfStop(stoppingSince: number | null, { failure }: Ended): boolean {
  return stoppingSince !== null && (failure === null || failure.code === 'TRAINER_CRASHED');
}

/**
 * Of a trainer that was to stop; undefined: nothing is missing. One that crashed, or was killed, left
 * at best a checkpoint from before. `isLeft`: the pod has one that is newer than what is stored.
 */
export function missingCheckpoint(
  { isStopped, exitCode }: Ended,
  isLeft: boolean,
): LastCheckpoint | undefined {
  if (!isStopped || (exitCode ?? 0) < 0) return 'not written';
  return isLeft ? 'not stored' : undefined;
}
