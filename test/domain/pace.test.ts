import { expect, test } from 'vitest';
import { progressOf } from '../../src/domain/job/metric-line.ts';
import { createPace } from '../../src/domain/job/pace.ts';

/** Events of a run of 100 steps, `ms` apart; what the last one says is left. */
function runOf(events: readonly (readonly [event: string, step: number, ms: number])[]) {
  const pace = createPace();
  let at = 1_000_000;
  let left: number | null = null;
  for (const [event, step, ms] of events) {
    at += ms;
    const metric = { event, step, totalSteps: 100, stepsPerSecond: 1 };
    const progress = progressOf(metric);
    if (progress !== null) left = pace.see(metric, progress, at).secondsRemaining;
  }
  return left;
}

const steps = (from: number, to: number, ms: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ['step', from + index, ms] as const);

test('what is left goes by the median step, and one hiccup changes nothing', () => {
  expect(runOf(steps(1, 20, 500))).toBe(40);
  expect(runOf([...steps(1, 10, 500), ['step', 11, 600_000], ...steps(12, 20, 500)])).toBe(40);
});

test('evaluations and checkpoints are part of the pace', () => {
  const tens = [0, 10, 20, 30].flatMap((from) => [
    ...steps(from + 1, from + 10, 500),
    ['eval', from + 10, 4_000] as const,
    ['checkpoint', from + 10, 1_000] as const,
  ]);
  // 50 steps of 0.5 s, and 5 s more every ten of them.
  const left = runOf([...tens, ...steps(41, 50, 500)]) ?? 0;
  expect(left).toBeGreaterThan(40);
  expect(left).toBeLessThan(55);
});

test('a resumed run goes by its own steps, not by those before it', () => {
  expect(runOf(steps(81, 90, 2_000))).toBe(20);
});

test('before there are enough steps the trainer’s own word counts', () => {
  expect(runOf(steps(1, 2, 500))).toBe(98);
  expect(
    runOf([
      ['start', 0, 0],
      ['step', 1, 90_000],
    ]),
  ).toBe(99);
});

test('logging every tenth step is as good', () => {
  const tenths = [10, 20, 30, 40, 50].map((step) => ['step', step, 5_000] as const);
  expect(runOf(tenths)).toBe(25);
});
