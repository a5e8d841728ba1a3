/** What can go wrong in a training, provoked one by one: the code, and what the job's owner is told. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printTable } from './print-table.ts';
import { HF_TOKEN, HUB_FOLDER, startTraining, trained, TRAINING_MS } from './training-world.ts';
import type { TrainingWorld } from './training-world.ts';

const rows: string[][] = [];

afterAll(() => {
  printTable(['code', 'provoked by', 'what is told', 'first suggestion'], rows);
});

beforeAll(() => {
  const model = join(HUB_FOLDER, 'models/tiny/llama');
  copyOf(model, 'models/tiny/unsupported', 'config.json', '{"model_type": "nonsense"}');
  const pickled = copyOf(model, 'models/tiny/pickled', 'pytorch_model.bin', 'not loaded');
  rmSync(join(pickled, 'model.safetensors'));
  dataset('tiny/empty-row', [
    '{"text": "row 1: fine"}',
    '{"text": "row 2: fine"}',
    '{"text": "  "}',
  ]);
  dataset('tiny/other-shape', ['{"question": "what?", "answer": "that"}']);
  // No word of it is in the tokenizer: each letter is a token.
  const long = 'ZQXJKVWYPGBMUFCDLHRSNIOATE'.repeat(20);
  dataset(
    'tiny/long',
    Array.from({ length: 512 }, () => JSON.stringify({ text: long })),
  );
});

function copyOf(model: string, path: string, file: string, text: string): string {
  const folder = join(HUB_FOLDER, path);
  if (!existsSync(folder)) cpSync(model, folder, { recursive: true });
  writeFileSync(join(folder, file), text);
  return folder;
}

function dataset(name: string, lines: readonly string[]): void {
  const folder = join(HUB_FOLDER, 'datasets', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'train.jsonl'), lines.join('\n'));
}

const onHub = (name: string, split = 'train') => ({ dataset: { huggingFace: { name, split } } });

interface Failing {
  readonly title: string;
  readonly spec: object;
  readonly code: string;
  readonly told: RegExp;
  readonly settings?: Readonly<Record<string, string>>;
}

const FAILING: readonly Failing[] = [
  {
    title: 'a model that is not there',
    spec: { baseModel: 'tiny/nothing' },
    code: 'MODEL_NOT_FOUND',
    told: /tiny\/nothing does not exist on the hub, or is private and no token was given/,
  },
  {
    title: 'a gated model without a token',
    spec: { baseModel: 'gated/llama' },
    code: 'MODEL_GATED',
    told: /gated\/llama is gated/,
  },
  {
    title: 'a gated model with the token of an account that was not let in',
    spec: { baseModel: 'gated/llama' },
    settings: { HF_TOKEN: 'hf_of_somebody_else' },
    code: 'MODEL_GATED',
    told: /gated\/llama is gated/,
  },
  {
    title: 'an architecture that the libraries do not know',
    spec: { baseModel: 'tiny/unsupported' },
    code: 'MODEL_UNSUPPORTED',
    told: /tiny\/unsupported cannot be loaded/,
  },
  {
    title: 'a model without safetensors',
    spec: { baseModel: 'tiny/pickled' },
    code: 'MODEL_UNSUPPORTED',
    told: /no safetensors weights/,
  },
  {
    title: 'layers that the model does not have',
    spec: { targetModules: ['no_such_layer'] },
    code: 'MODEL_UNSUPPORTED',
    told: /no_such_layer/,
  },
  {
    title: 'a revision that is not there',
    spec: { modelRevision: 'v9' },
    code: 'MODEL_NOT_FOUND',
    told: /tiny\/llama has no such revision/,
  },
  {
    title: 'a learning rate that blows it up, with onDivergence STOP',
    spec: { learningRate: 1, alpha: 4_096, maxSteps: 300, onDivergence: 'STOP' },
    code: 'TRAINING_DIVERGED',
    told: /loss|gradient/,
  },
  {
    title: 'an empty row',
    spec: onHub('tiny/empty-row'),
    code: 'DATASET_INVALID',
    told: /row 3\b.*empty/,
  },
  {
    title: 'rows of no known shape',
    spec: onHub('tiny/other-shape'),
    code: 'DATASET_INVALID',
    told: /row 1\b.*has none of/,
  },
  {
    title: 'a dataset that is not there',
    spec: onHub('tiny/nothing'),
    code: 'DATASET_INVALID',
    told: /tiny\/nothing does not exist on the hub/,
  },
  {
    title: 'a split that is not there',
    spec: onHub('tiny/empty-row', 'test'),
    code: 'DATASET_INVALID',
    told: /Unknown split "test"/,
  },
  {
    title: 'more memory than the pod has',
    spec: { ...onHub('tiny/long'), batchSize: 512, maxSequenceLength: 512, rank: 1_024 },
    code: 'OUT_OF_MEMORY',
    told: /needs more memory than there is/,
  },
];

async function ended(world: TrainingWorld, id: string, title: string) {
  const job = await world.ended(id);
  const { data } = await world.query(
    'query($id: ID!) { trainingJob(id: $id) { failure { suggestions } } }',
    { id },
  );
  const { trainingJob } = data as unknown as {
    trainingJob: { failure: { suggestions: string[] } | null };
  };
  const { code = job.status, message = '' } = job.failure ?? {};
  rows.push([code, title, message.slice(0, 140), trainingJob.failure?.suggestions[0] ?? '']);
  return job;
}

test.each(FAILING.map((each) => [each.title, each] as const))(
  '%s fails with a code and says what is wrong',
  async (title, { spec, code, told, settings }) => {
    const world = await startTraining(settings);
    const job = await ended(world, await world.submit(spec), title);
    expect(job).toMatchObject({ status: 'FAILED', failure: { code } });
    expect(job.failure?.message).toMatch(told);
    expect(job.failure?.message).not.toContain('hf_of_somebody_else');
    // Nothing of it is tried again: the same would happen.
    expect(job.attempts).toHaveLength(1);
  },
);

test('a full memory is tried once more with half the batch, and the log says so', async () => {
  const world = await startTraining();
  const spec = { ...onHub('tiny/long'), batchSize: 512, maxSequenceLength: 512, rank: 1_024 };
  const id = await world.submit(spec);
  await world.ended(id);
  const lines = (await world.log(id)).map(({ text }) => text).join('\n');
  expect(lines).toContain('half the batch');
});

test('a gated model with a token that was let in trains, and the token is nowhere to be seen', async () => {
  const world = await startTraining({ HF_TOKEN });
  const id = await world.submit({ baseModel: 'gated/llama', maxSteps: 4 });
  await trained(world, id);
  const lines = (await world.log(id)).map(({ text }) => text).join('\n');
  expect(lines).not.toContain(HF_TOKEN);
});

test('a hub that does not answer is a pod that did not come up, on every attempt', async () => {
  // A port where nobody listens.
  const world = await startTraining({ HF_ENDPOINT: 'http://127.0.0.1:9' });
  const limits = { maxAttempts: 2 };
  const job = await ended(world, await world.submit({}, { limits }), 'a hub that does not answer');
  expect(job).toMatchObject({ status: 'FAILED', failure: { code: 'STARTUP_TIMEOUT' } });
  expect(job.attempts).toHaveLength(2);
  expect(job.failure?.message).toMatch(/could not be downloaded/);
});

const RUNNING_SPEC = { maxSteps: 100_000, checkpointSteps: 100_000 };

test.each([
  ['a spot pod that is taken back', { kind: 'spot-reclaim', mode: 'vanish' }, 'SPOT_RECLAIMED'],
  ['a host that dies', { kind: 'host-death', mode: 'vanish' }, 'POD_LOST'],
])('%s, with no attempt left', async (title, fault, code) => {
  const world = await startTraining();
  const placement = { spot: fault.kind === 'spot-reclaim' };
  const id = await world.submit(RUNNING_SPEC, { placement, limits: { maxAttempts: 1 } });
  await world.jobThat(id, ({ progress }) => (progress?.step ?? 0) > 0, TRAINING_MS);
  await world.emulator.addFault(fault);
  const job = await ended(world, id, title);
  expect(job).toMatchObject({ status: 'FAILED', failure: { code } });
});
