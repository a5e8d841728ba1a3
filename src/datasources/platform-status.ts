/**
 * Whether a platform answers and accepts its key, remembered for a while and asked for by one call
 * at a time, however many want to know.
 */
import { AppError } from '../errors.ts';
import type { Platform, PlatformAccount } from './platform.ts';

const FRESH_MS = 30_000;
/** After a failure people try again soon: they just mended their key. */
const RETRY_MS = 5_000;

export interface PlatformStatus {
  readonly name: string;
  readonly emulated: boolean;
  readonly connected: boolean;
  /** Epoch milliseconds of the last success; null: none since the start. */
  readonly verifiedAt: number | null;
  readonly error: string | null;
  readonly balanceUsd: number | null;
  readonly spendUsdPerHour: number | null;
  readonly supportsSpot: boolean;
}

export interface PlatformMonitor {
  /** Never rejects: a platform that does not answer is a status like any other. */
  status(): Promise<PlatformStatus>;
}

const NOTHING_KNOWN: PlatformAccount = {
  balanceUsd: null,
  spendUsdPerHour: null,
  supportsSpot: false,
};

export function createPlatformMonitor(
  platform: Pick<Platform, 'name' | 'emulated' | 'verify'>,
  now: () => number = Date.now,
): PlatformMonitor {
  const { name, emulated } = platform;
  let known: { readonly status: PlatformStatus; readonly until: number } | undefined;
  let asking: Promise<PlatformStatus> | undefined;
  let verifiedAt: number | null = null;

  async function ask(): Promise<PlatformStatus> {
    try {
      const account = await platform.verify();
      verifiedAt = now();
      return { name, emulated, connected: true, verifiedAt, error: null, ...account };
    } catch (error) {
      const message = error instanceof AppError ? error.message : 'The platform failed.';
      return { name, emulated, connected: false, verifiedAt, error: message, ...NOTHING_KNOWN };
    }
  }

  return {
    async status() {
      if (known !== undefined && now() < known.until) return known.status;
      asking ??= ask().finally(() => (asking = undefined));
      const status = await asking;
      known = { status, until: now() + (status.connected ? FRESH_MS : RETRY_MS) };
      return status;
    },
  };
}
