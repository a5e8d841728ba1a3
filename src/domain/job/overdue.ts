import type { Launch } from './job.ts';

/**
 * Whether a condemned pod should long be gone. It is terminated for as long as it shows, but nothing
 * waits for it any more: a platform that never lets go of a pod must not hold its job for ever.
 */
export function isOverdue(
  { state, condemnedAt }: Pick<Launch, 'state' | 'condemnedAt'>,
  now: number,
  podEndMs: number,
): boolean {
  return state === 'CONDEMNED' && condemnedAt !== null && now - condemnedAt >= podEndMs;
}
