import { describe, expect, test } from 'vitest';
import { NO_HISTORY, watchRun } from '../../src/domain/job/divergence.ts';
import { gpuPointsOf, newSamples } from '../../src/domain/job/gpu-points.ts';
import { readImageFault } from '../../src/domain/job/image-fault.ts';

function warningsOf(steps: readonly Partial<Record<string, number | null>>[]): readonly string[] {
  let history = NO_HISTORY;
  return steps.flatMap((values, step) => {
    const seen = watchRun(history, { event: 'step', step, ...values });
    history = seen.history;
    return seen.warning === null ? [] : [seen.warning];
  });
}
const losses = (...values: (number | null)[]) => warningsOf(values.map((loss) => ({ loss })));
const norms = (...values: (number | null)[]) =>
  warningsOf(values.map((gradNorm) => ({ gradNorm })));

describe('a run', () => {
  test('that learns is not warned of', () => {
    expect(losses(3, 2.5, 2.6, 2.2, 2.4, 1.9, 1.7, 1.8, 1.5, 1.4)).toEqual([]);
    expect(norms(1, 2, 1.5, 0.7, 0.9, 1.2, 4, 1)).toEqual([]);
  });
  test('whose loss is twice that of five points before may diverge', () => {
    expect(losses(1, 1.1, 1.3, 1.5, 1.8, 2)).toEqual([
      'The run may diverge: the loss rose from 1 to 2 within 5 points at step 5. Lower the learning rate.',
    ]);
  });
  test('whose loss doubles so near to nothing that it is noise is not warned of', () => {
    expect(losses(0.01, 0.01, 0.01, 0.01, 0.01, 0.02)).toEqual([]);
  });
  test('whose first losses double has not enough points yet', () => {
    expect(losses(1, 2, 3, 4, 5)).toEqual([]);
  });
  test('whose gradient norm is above ten may diverge', () => {
    expect(norms(10)).toEqual([]);
    expect(norms(10.1)).toEqual([expect.stringContaining('above 10')]);
  });
  test('whose gradient norm is five times its average may diverge', () => {
    expect(norms(1, 1, 1, 1, 1, 5)).toEqual([]);
    expect(norms(1, 1, 1, 1, 1, 5.1)).toEqual([expect.stringContaining('5 times its average')]);
  });
  test('with a value that is no number diverges', () => {
    expect(losses(1, null)).toEqual([
      expect.stringContaining('the loss is not a number at step 1'),
    ]);
    expect(norms(null)).toEqual([expect.stringContaining('the gradient norm is not a number')]);
  });
  test('is not judged by what is no step', () => {
    expect(watchRun(NO_HISTORY, { event: 'end', loss: null }).warning).toBeNull();
  });
});

describe('a system line', () => {
  test.each([
    'error pulling image: manifest unknown',
    'Error response from daemon: pull access denied for a/b',
    'failed to pull image "a/b:c": not found',
    'manifest for a/b:nope not found: manifest unknown',
    'toomanyrequests: You have reached your pull rate limit',
    'Back-off: ImagePullBackOff',
  ])('that says "%s" tells of an image that cannot be pulled', (text) => {
    expect(readImageFault(text)).toBe(text);
  });
  test.each(['pulling image a/b', 'Status: Downloaded newer image', 'create container', ''])(
    'that says "%s" does not',
    (text) => {
      expect(readImageFault(text)).toBeNull();
    },
  );
});

describe('GPU samples', () => {
  const gpu = { index: 1, utilizationPercent: 97, memoryUsedMb: 10, memoryTotalMb: null };
  test('become points with the name of the GPU, without what was not told', () => {
    expect(gpuPointsOf({ at: 5, gpus: [{ ...gpu, temperatureC: 61 }] })).toEqual(
      ['utilization', 'memoryUsedMb', 'temperatureC'].map((name, index) => ({
        at: 5,
        step: null,
        epoch: null,
        name: `gpu1.${name}`,
        value: [97, 10, 61][index],
      })),
    );
  });
  test('are new behind the last stored one, in their order', () => {
    const samples = [1, 3, 2, 3, 4].map((at) => ({ at, gpus: [] }));
    expect(newSamples(samples, null).map(({ at }) => at)).toEqual([1, 3, 4]);
    expect(newSamples(samples, 3).map(({ at }) => at)).toEqual([4]);
  });
});
