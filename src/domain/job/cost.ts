/** What rented pods cost, by their own prices. */
import type { Launch } from './job.ts';

const HOUR_MS = 3_600_000;

type Priced = Pick<
  Launch,
  'podId' | 'usdPerHour' | 'intendedAt' | 'terminatedAt' | 'absentSince' | 'goneAt' | 'billedUsd'
>;

/** USD until `now`. A pod is counted from the moment it was asked for until its end was accepted. */
export function usdAccrued(launches: readonly Priced[], now: number): number {
  const usd = launches.reduce((sum, launch) => {
    if (launch.podId === null) return sum;
    const until = launch.terminatedAt ?? launch.absentSince ?? launch.goneAt ?? now;
    return sum + (launch.usdPerHour * Math.max(0, until - launch.intendedAt)) / HOUR_MS;
  }, 0);
  return Math.round(usd * 1e6) / 1e6;
}

/** What runs now, in USD per hour; null: nothing does. */
export function usdPerHourNow(launches: readonly Priced[]): number | null {
  const running = launches.filter(
    ({ podId, terminatedAt, goneAt }) => podId !== null && terminatedAt === null && goneAt === null,
  );
  return running.length === 0 ? null : running.reduce((sum, { usdPerHour }) => sum + usdPerHour, 0);
}

/** Null until the bill of every pod is known. */
export function usdBilled(launches: readonly Priced[]): number | null {
  const rented = launches.filter(({ podId }) => podId !== null);
  if (rented.length === 0 || rented.some(({ billedUsd }) => billedUsd === null)) return null;
  return rented.reduce((sum, { billedUsd }) => sum + (billedUsd ?? 0), 0);
}
