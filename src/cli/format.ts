/** Values as people read them. */
import type { Span, Style } from './output.ts';

/** For what is null. */
export const NONE = '–';

export function usd(amount: number | null): string {
  if (amount === null) return NONE;
  if (amount >= 1 || amount === 0) return `$${amount.toFixed(2)}`;
  return `$${amount.toFixed(amount >= 0.01 ? 4 : 6)}`;
}

export function usdPerHour(amount: number | null): string {
  return amount === null ? NONE : `$${amount.toFixed(3)}/h`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit] ?? ''}`;
}

export function duration(seconds: number | null): string {
  if (seconds === null) return NONE;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

export function ago(instant: string, now: number): string {
  const at = Date.parse(instant);
  return Number.isNaN(at) ? NONE : `${duration(Math.max(0, (now - at) / 1_000))} ago`;
}

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  COMPLETED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
  QUARANTINED: 'yellow',
};

export function statusSpan(status: string): Span {
  return { text: status, style: STATUS_STYLES[status] ?? 'cyan' };
}
