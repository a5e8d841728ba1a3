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
  // Each question stands alone: a key may read prices and not the account.
  const balance = createOptional('balance', log, now);
  const spot = createOptional('spot prices', log, now);

  return {
    async account(options) {
      const account = await balance.ask(() => client.account(options));
      return {
        balanceUsd: account?.balanceUsd ?? null,
        spendUsdPerHour: account?.spendUsdPerHour ?? null,
        supportsSpot: spot.isPresent() ?? account !== null,
      };
    },
    prices: (offers, options) => spot.ask(() => client.prices(offers, options)),
  };
}

interface Optional {
  /** Null where the source is gone. */
  ask<T>(question: () => Promise<T>): Promise<T | null>;
  /** By the last answer; undefined: never asked. */
  isPresent(): boolean | undefined;
}

function createOptional(what: string, log: Logger, now: () => number): Optional {
  let isPresent: boolean | undefined;
  let askAgainAt = 0;
  return {
    async ask(question) {
      if (now() < askAgainAt) return null;
      try {
        const answer = await question();
        if (isPresent === false) log.info(`RunPod GraphQL answers again: ${what} are back`);
        isPresent = true;
        return answer;
      } catch (error) {
        if (isPresent !== false) {
          const reason = error instanceof AppError ? error.message : 'unexpected failure';
          log.warn({ reason }, `RunPod GraphQL does not answer: no ${what}`);
        }
        isPresent = false;
        askAgainAt = now() + PAUSE_MS;
        return null;
      }
    },
    isPresent: () => isPresent,
  };
}
