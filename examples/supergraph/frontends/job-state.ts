import type { JobCardFragment } from './__generated__/operations.ts';

/** Whether nothing will change any more. */
export function hasEnded({ status }: Pick<JobCardFragment, 'status'>): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}
