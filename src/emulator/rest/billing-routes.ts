import { z } from 'zod';
import { jsonAnswer } from '../http/answer.ts';
import { Problem } from '../http/problem.ts';
import { parseQuery, queryInteger } from '../http/validation.ts';
import { usdAccrued } from '../pods/pod.ts';
import type { Pod } from '../pods/pod.ts';
import type { Pods } from '../pods/pods.ts';
import type { RestRoute } from './rest-route.ts';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;

const instant = z.iso.datetime({ offset: true });
const querySchema = z.object({
  podId: z.string().optional(),
  startTime: instant.optional(),
  endTime: instant.optional(),
  bucketSize: z.enum(['hour', 'day', 'week', 'month', 'year']).optional(),
  lastN: queryInteger(1, 10_000).optional(),
});

/** One record per pod over the whole range: the emulator keeps no finer books. */
export function billingRoutes(pods: Pods, now: () => number): readonly RestRoute[] {
  return [
    {
      method: 'GET',
      path: '/v2/billing/pods',
      answer: ({ query }) => {
        const wanted = parseQuery(querySchema, query);
        if (wanted.lastN !== undefined && (wanted.startTime ?? wanted.endTime) !== undefined) {
          throw new Problem(400, 'lastN and startTime/endTime are mutually exclusive');
        }
        const range = {
          startTime: wanted.startTime ?? isoAt(now() - DEFAULT_DAYS * DAY_MS),
          endTime: wanted.endTime ?? isoAt(now()),
        };
        const billed = pods
          .all()
          .filter(({ id }) => wanted.podId === undefined || id === wanted.podId);
        const records = billed.map((pod) => ({
          ...range,
          podId: pod.id,
          ...amounts([pod], now()),
        }));
        return jsonAnswer(200, {
          records,
          metadata: {
            query: {
              ...range,
              bucketSize: wanted.bucketSize ?? 'day',
              podId: wanted.podId ?? null,
            },
            recordCount: records.length,
            uniquePodCount: records.length,
            totals: amounts(billed, now()),
          },
        });
      },
    },
  ];
}

function amounts(pods: readonly Pod[], now: number): object {
  const usd = pods.reduce((sum, pod) => sum + usdAccrued(pod, now), 0);
  return { totalAmount: usd, gpuAmount: usd, cpuAmount: 0, diskAmount: 0 };
}

function isoAt(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
