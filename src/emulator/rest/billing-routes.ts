import { z } from 'zod';
import { jsonAnswer } from '../http/answer.ts';
import { Problem } from '../http/problem.ts';
import { parseQuery, queryInteger } from '../http/validation.ts';
import { usdAccrued } from '../pods/pod.ts';
import type { Pod, Span } from '../pods/pod.ts';
import type { Pods } from '../pods/pods.ts';
import type { RestRoute } from './rest-route.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_DAYS = 30;
const MAX_BUCKETS = 10_000;

const instant = z.iso.datetime({ offset: true });
const querySchema = z.object({
  podId: z.string().optional(),
  startTime: instant.optional(),
  endTime: instant.optional(),
  bucketSize: z.enum(['hour', 'day', 'week', 'month', 'year']).default('day'),
  lastN: queryInteger(1, MAX_BUCKETS).optional(),
});
type Query = z.infer<typeof querySchema>;
type BucketSize = Query['bucketSize'];

export function billingRoutes(pods: Pods, now: () => number): readonly RestRoute[] {
  return [
    {
      method: 'GET',
      path: '/v2/billing/pods',
      answer: ({ query }) => {
        const wanted = parseQuery(querySchema, query);
        const billed = pods.all().filter(({ id }) => (wanted.podId ?? id) === id);
        return jsonAnswer(200, bill(wanted, billed, now()));
      },
    },
  ];
}

/** One record per pod and bucket in which it cost something. */
function bill(wanted: Query, pods: readonly Pod[], now: number): object {
  const buckets = bucketsOf(wanted, now);
  const range = { from: buckets[0]?.from ?? now, to: buckets.at(-1)?.to ?? now };
  const records = buckets.flatMap((bucket) =>
    pods
      .filter((pod) => usdAccrued(pod, now, bucket) > 0)
      .map((pod) => ({ ...times(bucket), podId: pod.id, ...amounts([pod], now, bucket) })),
  );
  return {
    records,
    metadata: {
      query: { ...times(range), bucketSize: wanted.bucketSize, podId: wanted.podId ?? null },
      recordCount: records.length,
      uniquePodCount: new Set(records.map(({ podId }) => podId)).size,
      totals: amounts(pods, now, range),
    },
  };
}

/** The range is widened to whole buckets, as the contract says. */
function bucketsOf({ bucketSize, lastN, startTime, endTime }: Query, now: number): Span[] {
  if (lastN !== undefined && (startTime ?? endTime) !== undefined) {
    throw new Problem(400, 'lastN and startTime/endTime are mutually exclusive');
  }
  const end = endTime === undefined ? now : Date.parse(endTime);
  const start = startTime === undefined ? end - DEFAULT_DAYS * DAY_MS : Date.parse(startTime);
  if (start > end) throw new Problem(400, 'startTime is after endTime');
  const buckets: Span[] = [];
  for (let to = end; buckets.length < (lastN ?? MAX_BUCKETS);) {
    const from = bucketStart(to - 1, bucketSize);
    buckets.unshift({ from, to: bucketEnd(from, bucketSize) });
    if (lastN === undefined && from <= start) break;
    to = from;
  }
  return buckets;
}

function bucketStart(at: number, size: BucketSize): number {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  switch (size) {
    case 'hour':
      return Math.floor(at / HOUR_MS) * HOUR_MS;
    case 'day':
      return Math.floor(at / DAY_MS) * DAY_MS;
    case 'week': {
      const day = Math.floor(at / DAY_MS) * DAY_MS;
      return day - ((new Date(day).getUTCDay() + 6) % 7) * DAY_MS;
    }
    case 'month':
      return Date.UTC(year, month);
    case 'year':
      return Date.UTC(year, 0);
  }
}

function bucketEnd(from: number, size: BucketSize): number {
  const longest: Readonly<Record<BucketSize, number>> = {
    hour: HOUR_MS,
    day: DAY_MS,
    week: 7 * DAY_MS,
    month: 31 * DAY_MS,
    year: 366 * DAY_MS,
  };
  return bucketStart(from + longest[size], size);
}

function times({ from, to }: Span): { readonly startTime: string; readonly endTime: string } {
  return { startTime: new Date(from).toISOString(), endTime: new Date(to).toISOString() };
}

function amounts(pods: readonly Pod[], now: number, within: Span): object {
  const usd = pods.reduce((sum, pod) => sum + usdAccrued(pod, now, within), 0);
  return { totalAmount: usd, gpuAmount: usd, cpuAmount: 0, diskAmount: 0 };
}
