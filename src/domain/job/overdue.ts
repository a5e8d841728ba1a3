import type { Launch } from './job.ts';

export interface PodEndPatience {
  /** How long a pod may be listed after its end was asked for. */
  readonly podEndMs: number;
  /** Since when this server asks: what was condemned before, perhaps nobody did meanwhile. */
  readonly askingSince: number;
}

/**
 * Whether a condemned pod should long be gone. It is terminated for as long as it shows, but nothing
 * waits for it any more: a platform that never lets go of a pod must not hold its job for ever.
 */
export function isOverdue(
  { state, condemnedAt }: Pick<Launch, 'state' | 'condemnedAt'>,
  now: number,
  { podEndMs, askingSince }: PodEndPatience,
): boolean {
  if (state !== 'CONDEMNED' || condemnedAt === null) return false;
  return now - Math.max(condemnedAt, askingSince) >= podEndMs;
}
