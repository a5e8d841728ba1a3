/** Every algorithm of the schema on the real libraries, as far as a CPU can: trained, loaded back, compared. */
import { afterAll, expect, test } from 'vitest';
import { ALGORITHMS } from '../../src/domain/training/algorithms.ts';
import { printTable } from './print-table.ts';
import {
  downloadAdapter,
  firstAndLast,
  loadAdapter,
  sizeOfAdapter,
  startTraining,
  trained,
} from './training-world.ts';

interface Case {
  readonly algorithm: string;
  readonly baseModel?: string;
  readonly quantization?: string;
  /** Few parameters, or ones that act by multiplication, take larger steps. */
  readonly learningRate?: number;
}

const CASES: readonly Case[] = [
  { algorithm: 'LORA' },
  { algorithm: 'LORA', baseModel: 'tiny/qwen' },
  { algorithm: 'LORA', quantization: 'INT8' },
  { algorithm: 'QLORA' },
  { algorithm: 'DORA' },
  { algorithm: 'DORA', quantization: 'NF4' },
  { algorithm: 'RSLORA' },
  { algorithm: 'PISSA' },
  { algorithm: 'OLORA' },
  { algorithm: 'ADALORA' },
  { algorithm: 'IA3', learningRate: 0.1 },
  { algorithm: 'VERA', learningRate: 0.1 },
  { algorithm: 'OFT' },
  { algorithm: 'LOHA', learningRate: 0.05 },
  { algorithm: 'LOKR', learningRate: 0.05 },
];

/** What a CPU cannot do, and what the job's owner is told. */
const REFUSED: readonly (Case & { readonly code: string; readonly told: RegExp })[] = [
  { algorithm: 'LOFTQ', code: 'CUDA_MISMATCH', told: /needs a GPU/ },
];

const rows: string[][] = [];

afterAll(() => {
  printTable(
    ['algorithm', 'model', 'base', 'result', 'loss first → last', 'adapter', 'loaded back'],
    rows,
  );
});

const titleOf = ({ algorithm, baseModel = 'tiny/llama', quantization = '16 bits' }: Case) =>
  [algorithm, baseModel, quantization] as const;

test('every algorithm of the schema is looked at', () => {
  const seen = new Set([...CASES, ...REFUSED].map(({ algorithm }) => algorithm));
  expect([...seen].sort()).toEqual([...ALGORITHMS].sort());
});

test.each(CASES.map((each) => [titleOf(each).join(' '), each] as const))(
  '%s: the loss falls, and the adapter loads back and does it again',
  async (_title, each) => {
    const world = await startTraining();
    const id = await world.submit(each);
    const job = await trained(world, id);
    const [first, last] = firstAndLast(await world.losses(id));
    const adapter = await loadAdapter(await downloadAdapter(job), each.baseModel ?? 'tiny/llama');
    rows.push([
      ...titleOf(each),
      'trained',
      `${first.toFixed(3)} → ${last.toFixed(3)}`,
      `${sizeOfAdapter(job)} B`,
      `${adapter.peftType}: logits by ${adapter.logitsMoved.toFixed(2)}, loss ${adapter.baseLoss.toFixed(2)} → ${adapter.loss.toFixed(2)}`,
    ]);
    expect(last).toBeLessThan(first);
    expect(adapter.baseModel).toBe(each.baseModel ?? 'tiny/llama');
    expect(adapter.logitsMoved).toBeGreaterThan(0);
    expect(adapter.loss).toBeLessThan(adapter.baseLoss);
  },
);

test.each(REFUSED.map((each) => [titleOf(each).join(' '), each] as const))(
  '%s: refused, and why is said',
  async (_title, { code, told, ...each }) => {
    const world = await startTraining();
    const job = await world.ended(await world.submit(each));
    rows.push([...titleOf(each), 'refused', '', '', job.failure?.message ?? '']);
    expect(job).toMatchObject({ status: 'FAILED', failure: { code } });
    expect(job.failure?.message).toMatch(told);
  },
);
