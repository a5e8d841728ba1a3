/**
 * How long a run will still take, from its own steps: their median, so that one hiccup changes nothing,
 * and the evaluations and checkpoints that come between them, as far as they were seen. It begins anew with each boot:
 * another machine has another pace, and steps before a resumption took none of its time.
 */
import type { JobProgress } from './job.ts';
import type { MetricEvent } from './metric-line.ts';

/** Steps that are remembered. */
const WINDOW = 64;
/** Fewer tell nothing: the first ones compile and warm up. */
const LEAST = 3;
const MAX_INT = 2 ** 31 - 1;

interface Interval {
  readonly steps: number;
  readonly msPerStep: number;
  /** An evaluation or a checkpoint was in it. */
  readonly hasBreak: boolean;
}

export interface Pace {
  /** `progress` with `secondsRemaining` by the steps so far, where there are enough of them. */
  see(event: MetricEvent, progress: JobProgress, at: number): JobProgress;
}

export function createPace(): Pace {
  const intervals: Interval[] = [];
  let last: { readonly step: number; readonly at: number } | null = null;
  let hasBreak = false;

  function note({ step, event }: MetricEvent, at: number): void {
    if (event === 'eval' || event === 'checkpoint') hasBreak = true;
    if (event !== 'step' || step == null) return;
    if (last !== null && step > last.step && at >= last.at) {
      const steps = step - last.step;
      intervals.push({ steps, msPerStep: (at - last.at) / steps, hasBreak });
      if (intervals.length > WINDOW) intervals.shift();
    }
    last = { step, at };
    hasBreak = false;
  }

  return {
    see(event, progress, at) {
      note(event, at);
      const { step, totalSteps } = progress;
      if (totalSteps === null || intervals.length < LEAST) return progress;
      const seconds = (Math.max(0, totalSteps - step) * msPerStep(intervals)) / 1_000;
      return { ...progress, secondsRemaining: Math.min(MAX_INT, Math.ceil(seconds)) };
    },
  };
}

/** The median step, and each step's share of what the breaks took beyond it. */
function msPerStep(intervals: readonly Interval[]): number {
  const plain = intervals.filter((each) => !each.hasBreak);
  const usual = median((plain.length > 0 ? plain : intervals).map((each) => each.msPerStep));
  let [steps, breaks] = [0, 0];
  for (const each of intervals) {
    steps += each.steps;
    if (each.hasBreak) breaks += Math.max(0, each.msPerStep - usual) * each.steps;
  }
  return usual + breaks / steps;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
