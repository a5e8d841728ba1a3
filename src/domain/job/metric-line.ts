/** `@metric {…}` lines of the trainer (agent/PROTOCOL.md §7.2) as points and progress. */
import { z } from 'zod';
import type { JobProgress } from './job.ts';
import type { NewMetricPoint } from './log-line.ts';

const PREFIX = '@metric ';
/** What says where a value belongs, and is none itself. */
const PLACES: ReadonlySet<string> = new Set(['event', 'step', 'totalSteps', 'epoch', 'path']);
const MAX_NAMES = 32;
const NAME = /^[A-Za-z][\w./-]{0,63}$/;

/** GraphQL's Int ends there. */
const MAX_INT = 2 ** 31 - 1;
const count = z.int().min(0).max(MAX_INT);

const eventSchema = z.looseObject({
  event: z.string().max(64),
  step: count.nullish(),
  totalSteps: count.nullish(),
  epoch: z.number().nullish(),
  stepsPerSecond: z.number().nullish(),
});
export type MetricEvent = z.infer<typeof eventSchema>;

/** Null: not a metric line, or a malformed one, which stays a line like any other. */
export function readMetricLine(text: string): MetricEvent | null {
  if (!text.startsWith(PREFIX)) return null;
  try {
    return eventSchema.safeParse(JSON.parse(text.slice(PREFIX.length))).data ?? null;
  } catch {
    return null;
  }
}

export function pointsOf(event: MetricEvent, at: number): readonly NewMetricPoint[] {
  return Object.entries(event)
    .filter(([name, value]) => {
      const isValue = typeof value === 'number' || value === null;
      return isValue && !PLACES.has(name) && NAME.test(name);
    })
    .slice(0, MAX_NAMES)
    .map(([name, value]) => ({
      at,
      step: event.step ?? null,
      epoch: event.epoch ?? null,
      name,
      value: typeof value === 'number' && Number.isFinite(value) ? value : null,
    }));
}

/** Null: the event does not tell. */
export function progressOf(event: MetricEvent): JobProgress | null {
  if (event.step == null) return null;
  const { step, totalSteps, stepsPerSecond } = event;
  const left = totalSteps == null ? null : Math.max(0, totalSteps - step);
  const isPaceKnown = stepsPerSecond != null && stepsPerSecond > 0;
  return {
    ...progressAt(step, totalSteps ?? null),
    epoch: event.epoch ?? null,
    secondsRemaining:
      left !== null && isPaceKnown ? Math.min(MAX_INT, Math.ceil(left / stepsPerSecond)) : null,
  };
}

/** What a step alone tells. */
export function progressAt(step: number, totalSteps: number | null): JobProgress {
  const fraction = totalSteps === null || totalSteps === 0 ? null : Math.min(1, step / totalSteps);
  return { step, totalSteps, epoch: null, fraction, secondsRemaining: null };
}
