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
} from './training-world.ts';
import type { TrainingWorld } from './training-world.ts';

interface Case {
  readonly algorithm: string;
  readonly baseModel?: string;
  readonly quantization?: string;
  readonly rank?: null;
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
  { algorithm: 'IA3', rank: null, learningRate: 0.1 },
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

/** At a time: more would only wait for each other. */
const WORKERS = 3;

test('the loss falls, and the adapter loads back and does it again', async () => {
  const world = await startTraining();
  const left = [...CASES];
  const work = async () => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) {
      const title = titleOf(each).join(' ');
      await prove(world, each).catch((error: unknown) => {
        expect.soft(String(error), title).toBe('');
      });
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
}, 3_600_000);

/** Every case is looked at, whatever became of the others. */
async function prove(world: TrainingWorld, each: Case): Promise<void> {
  const title = titleOf(each);
  const id = await world.submit(each);
  const job = await world.ended(id);
  const why = job.failure?.message ?? '';
  expect.soft(job.status, `${title.join(' ')}: ${why}`).toBe('COMPLETED');
  if (job.status !== 'COMPLETED') {
    rows.push([...title, job.failure?.code ?? job.status, '', '', why]);
    return;
  }
  const [first, last] = firstAndLast(await world.losses(id));
  const adapter = await loadAdapter(await downloadAdapter(job), each.baseModel ?? 'tiny/llama');
  rows.push([
    ...title,
    'trained',
    `${first.toFixed(3)} → ${last.toFixed(3)}`,
    `${sizeOfAdapter(job)} B`,
    `${adapter.peftType}: logits by ${adapter.logitsMoved.toFixed(2)}, loss ${adapter.baseLoss.toFixed(2)} → ${adapter.loss.toFixed(2)}`,
  ]);
  expect.soft(last, `${title.join(' ')}: loss`).toBeLessThan(first);
  expect.soft(adapter.baseModel).toBe(each.baseModel ?? 'tiny/llama');
  expect.soft(adapter.logitsMoved, `${title.join(' ')}: logits`).toBeGreaterThan(0);
  expect.soft(adapter.loss, `${title.join(' ')}: loaded`).toBeLessThan(adapter.baseLoss);
}

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
