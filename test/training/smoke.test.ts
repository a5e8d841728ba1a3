import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DATASET } from '../support/training.ts';
import {
  downloadAdapter,
  firstAndLast,
  HUB_FOLDER,
  loadAdapter,
  startTraining,
  trained,
} from './training-world.ts';

test('a LORA job on a model and a dataset of the hub trains, and its adapter loads back', async () => {
  const folder = join(HUB_FOLDER, 'datasets/tiny/rows');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'train.jsonl'), DATASET);
  const world = await startTraining();
  const dataset = { huggingFace: { name: 'tiny/rows', split: 'train' } };
  const id = await world.submit({ dataset, maxSteps: 12 });
  const job = await trained(world, id);
  expect(job.progress).toMatchObject({ step: 12, totalSteps: 12 });
  const [first, last] = firstAndLast(await world.losses(job.id));
  expect(last).toBeLessThan(first);
  const adapter = await loadAdapter(await downloadAdapter(job), 'tiny/llama');
  expect(adapter).toMatchObject({ peftType: 'LORA', baseModel: 'tiny/llama' });
  expect(adapter.logitsMoved).toBeGreaterThan(0);
  expect(adapter.loss).toBeLessThan(adapter.baseLoss);
});
