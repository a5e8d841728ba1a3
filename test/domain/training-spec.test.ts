import { describe, expect, test } from 'vitest';
import { isPublicHttpsUrl } from '../../src/domain/training/public-url.ts';
import { requiredMemoryGb } from '../../src/domain/training/memory-estimate.ts';
import { readTrainingSpec } from '../../src/domain/training/training-spec.ts';
import type { TrainingSpec } from '../../src/domain/training/training-spec.ts';

const MINIMAL = {
  baseModel: 'meta-llama/Llama-3.1-8B',
  algorithm: 'LORA',
  quantization: 'NONE',
  backend: 'AUTO',
  dataset: { huggingFace: { name: 'tatsu-lab/alpaca', split: 'train' } },
};

function errorsOf(change: Record<string, unknown>): readonly (readonly [string, string])[] {
  const result = readTrainingSpec({ ...MINIMAL, ...change });
  if (result.kind === 'valid') return [];
  return result.errors.map(({ path, code }) => [path.join('.'), code] as const);
}

function specOf(change: Record<string, unknown> = {}): TrainingSpec {
  const result = readTrainingSpec({ ...MINIMAL, ...change });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.errors));
  return result.spec;
}

test('an omitted value gets its default', () => {
  expect(specOf()).toMatchObject({
    rank: 16,
    alpha: 32,
    dropout: 0,
    targetModules: null,
    epochs: 3,
    maxSteps: null,
    batchSize: 4,
    gradientAccumulationSteps: 4,
    maxSequenceLength: 2048,
    seed: 42,
  });
  expect(specOf().learningRate).toBeCloseTo(2e-4 * Math.SQRT2, 10);
  expect(specOf({ batchSize: 1024, gradientAccumulationSteps: 1024 }).learningRate).toBe(1e-3);
  expect(specOf({ maxSteps: 5 })).toMatchObject({ maxSteps: 5, epochs: null });
});

test('quantization is resolved: INT4 is NF4, and QLORA means a base in NF4', () => {
  expect(specOf({ quantization: 'INT4' }).quantization).toBe('NF4');
  expect(specOf({ algorithm: 'QLORA' }).quantization).toBe('NF4');
  expect(specOf({ algorithm: 'IA3' })).toMatchObject({ rank: null, alpha: null });
});

test('everything that is wrong is told at once, with its path', () => {
  expect(
    errorsOf({
      baseModel: '../etc/passwd',
      rank: 0,
      dropout: 1,
      learningRate: -1,
      epochs: 3,
      maxSteps: 3,
      algorithm: 'PISSA',
      quantization: 'INT8',
      backend: 'UNSLOTH',
      dataset: { uploadId: 'a', url: 'https://example.com/d.jsonl' },
    }),
  ).toEqual([
    ['spec.baseModel', 'INVALID'],
    ['spec.rank', 'INVALID'],
    ['spec.dropout', 'INVALID'],
    ['spec.dataset', 'INVALID'],
    ['spec.learningRate', 'INVALID'],
    ['spec.maxSteps', 'CONFLICT'],
    ['spec.quantization', 'CONFLICT'],
    ['spec.backend', 'CONFLICT'],
  ]);
});

describe('what an algorithm cannot be combined with', () => {
  test.each([
    [{ algorithm: 'QLORA', quantization: 'INT8' }, 'spec.quantization'],
    [{ algorithm: 'LOFTQ', quantization: 'NF4' }, 'spec.quantization'],
    [{ algorithm: 'LOKR', quantization: 'INT4' }, 'spec.quantization'],
    [{ algorithm: 'IA3', rank: 8 }, 'spec.rank'],
    [{ algorithm: 'VERA', alpha: 8 }, 'spec.alpha'],
    [{ algorithm: 'ADALORA', backend: 'UNSLOTH' }, 'spec.backend'],
  ])('%j', (change, path) => {
    expect(errorsOf(change)).toEqual([[path, 'CONFLICT']]);
  });
});

describe('names that are none are refused', () => {
  test.each([
    "a/b'); import os; os.system('id",
    'a/$(reboot)',
    'a/b\nc',
    'a/b\u0000',
    'a/../b',
    '/b',
    'a/b/c',
    'https://x/y',
    `a/${'x'.repeat(200)}`,
    '',
  ])('%j', (baseModel) => {
    expect(errorsOf({ baseModel })).toEqual([['spec.baseModel', 'INVALID']]);
  });

  test('a layer, a split and a revision as well', () => {
    expect(errorsOf({ targetModules: ['q_proj', 'x;y'] })).toEqual([
      ['spec.targetModules.1', 'INVALID'],
    ]);
    const huggingFace = { name: 'a/b', split: 'train; rm', revision: '../x' };
    expect(errorsOf({ dataset: { huggingFace } }).map(([path]) => path)).toEqual([
      'spec.dataset.huggingFace.split',
      'spec.dataset.huggingFace.revision',
    ]);
  });
});

test.each([
  ['https://example.com/data.jsonl', true],
  ['https://8.8.8.8/d', true],
  ['https://[2606:4700::1]/d', true],
  ['http://example.com/d', false],
  ['https://user:pass@example.com/d', false],
  ['https://localhost/d', false],
  ['https://LOCALHOST./d', false],
  ['https://metadata.google.internal/d', false],
  ['https://127.0.0.1/d', false],
  ['https://0x7f.1/d', false],
  ['https://2130706433/d', false],
  ['https://10.1.2.3/d', false],
  ['https://172.20.0.1/d', false],
  ['https://192.168.1.1/d', false],
  ['https://169.254.169.254/latest', false],
  ['https://100.64.0.1/d', false],
  ['https://[::1]/d', false],
  ['https://[fd00::1]/d', false],
  ['https://[::ffff:10.0.0.1]/d', false],
  ['https://router/d', false],
  ['file:///etc/passwd', false],
  ['nonsense', false],
])('%s as a dataset: %s', (url, isPublic) => {
  expect(isPublicHttpsUrl(url)).toBe(isPublic);
});

test('memory grows with what needs it and shrinks with quantization', () => {
  const need = (change: Record<string, unknown>) => requiredMemoryGb(specOf(change), 'TRL') ?? NaN;
  const base = need({});
  expect(base).toBeGreaterThan(16);
  expect(base).toBeLessThan(60);
  expect(need({ algorithm: 'QLORA', batchSize: 1 })).toBeLessThan(16);
  expect(need({ quantization: 'INT8' })).toBeLessThan(base);
  expect(need({ rank: 256 })).toBeGreaterThan(base);
  expect(need({ batchSize: 8 })).toBeGreaterThan(base);
  expect(need({ targetModules: ['q_proj', 'v_proj'] })).toBeLessThan(base);
  expect(requiredMemoryGb(specOf({}), 'UNSLOTH')).toBeLessThan(base);
  expect(requiredMemoryGb(specOf({ baseModel: 'someone/a-model' }), 'TRL')).toBeNull();
});
