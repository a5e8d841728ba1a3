/** `@metric {…}` lines of the trainer (agent/PROTOCOL.md §7.2), as people read them. */
import { z } from 'zod';

const PREFIX = '@metric ';

const metricSchema = z.looseObject({
  event: z.string(),
  step: z.number().optional(),
  totalSteps: z.number().optional(),
  loss: z.number().nullish(),
});

export interface Metric {
  readonly event: string;
  readonly step: number | null;
  readonly totalSteps: number | null;
  readonly loss: number | null;
  /** All of it in one line. */
  readonly text: string;
}

/** Null: a line like any other. */
export function readMetric(text: string): Metric | null {
  if (!text.startsWith(PREFIX)) return null;
  const { data } = metricSchema.safeParse(jsonIn(text.slice(PREFIX.length)));
  if (data === undefined) return null;
  const { event, step = null, totalSteps = null, loss = null } = data;
  return { event, step, totalSteps, loss, text: toText(data) };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toText({ event, step, totalSteps, ...values }: z.infer<typeof metricSchema>): string {
  const place = step === undefined ? event : `${event} ${step}`;
  const total = step === undefined || totalSteps === undefined ? '' : `/${totalSteps}`;
  const rest = Object.entries(values).map(([name, value]) => `  ${name} ${toShort(value)}`);
  return `${place}${total}${rest.join('')}`;
}

function toShort(value: unknown): string {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
