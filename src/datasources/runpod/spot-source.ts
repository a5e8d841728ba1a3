/**
 * Spot prices and balance as they can be had, with the failures of their source taken out.
 *
 * - PRESENT  the last answer was good
 * - GONE     the last one failed: no spot, no balance; said once in the log, asked again after a pause
 */
import type { Logger } from 'pino';
import { AppError } from '../../errors.ts';
import type { Offer } from '../../domain/gpu.ts';
import type { SpotPrices } from '../../domain/price.ts';
import type { CallOptions, PlatformAccount } from '../platform.ts';
import type { SpotClient } from './spot-client.ts';

export interface SpotSource {
  /** Never rejects: an account without balance and spot where the source is gone. */
  account(options: CallOptions): Promise<PlatformAccount>;
  /** Never rejects; null where the source is gone. */
  prices(offers: readonly Offer[], options: CallOptions): Promise<SpotPrices | null>;
}

/** So that a source that hangs delays one asker now and then, and not each of them. */
const PAUSE_MS = 10_000;

export interface SpotSourceDeps {
  client: SpotClient;
  log: Logger;
  now?: () => number;
}

export function createSpotSource({ client, log, now = Date.now }: SpotSourceDeps): SpotSource {
  let isGone = false;
  let askAgainAt = 0;

  async function orNull<T>(ask: () => Promise<T>): Promise<T | null> {
    if (now() < askAgainAt) return null;
    try {
      const answer = await ask();
      if (isGone) log.info('RunPod GraphQL answers again: spot prices and balance are back');
      isGone = false;
      return answer;
    } catch (error) {
      if (!isGone) {
        const reason = error instanceof AppError ? error.message : 'unexpected failure';
        log.warn({ reason }, 'RunPod GraphQL does not answer: no spot prices, no balance');
      }
      isGone = true;
      askAgainAt = now() + PAUSE_MS;
      return null;
    }
  }

  return {
    async account(options) {
      const account = await orNull(() => client.account(options));
      return account === null
        ? { balanceUsd: null, spendUsdPerHour: null, supportsSpot: false }
        : { ...account, supportsSpot: true };
    },
    prices: (offers, options) => orNull(() => client.prices(offers, options)),
  };
}
