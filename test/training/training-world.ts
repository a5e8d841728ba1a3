/** The whole product on a hub of our own: what a caller sends is trained by the real libraries. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, onTestFinished } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { hasEnded, jobThat, startWithDataset } from '../support/training.ts';
import type { SeenJob } from '../support/training.ts';
import { startHub } from './hub.ts';

export const PYTHON = process.env.TRAINING_PYTHON ?? '';
export const HUB_FOLDER = process.env.TRAINING_HUB ?? '';
export const HF_TOKEN = 'hf_token_of_the_tests';
/** Importing the libraries alone takes a while on a busy machine. */
export const TRAINING_MS = 1_200_000;

export const SPEC = {
  baseModel: 'tiny/llama',
  algorithm: 'LORA',
  rank: 8,
  learningRate: 0.01,
  batchSize: 4,
  gradientAccumulationSteps: 1,
  maxSteps: 24,
  checkpointSteps: 12,
  maxSequenceLength: 64,
};

export async function startTraining(settings: Readonly<Record<string, string>> = {}) {
  if (PYTHON === '') throw new Error('run these with `npm run test:training`');
  const hub = await startHub(HUB_FOLDER, HF_TOKEN);
  onTestFinished(() => hub.close());
  const app = await startWithDataset({
    EMULATOR_PYTHON: PYTHON,
    HF_ENDPOINT: hub.url,
    RECONCILE_SECONDS: '0.2',
    LEASE_SECONDS: '10',
    POD_ABSENT_SECONDS: '1',
    ...settings,
  });
  return {
    ...app,
    hub,
    submit: (spec: object = {}, more: object = {}) => app.submit(more, { ...SPEC, ...spec }),
    jobThat: (id: string, isSo: (job: SeenJob) => boolean, deadlineMs = TRAINING_MS) =>
      jobThat(app.query, id, isSo, deadlineMs),
    ended: (id: string) => jobThat(app.query, id, hasEnded, TRAINING_MS),
    losses: async (id: string) => {
      const { data } = await app.query(
        'query($id: ID!) { trainingJob(id: $id) { metrics(names: ["loss"], first: 10000) { points { step value } } } }',
        { id },
      );
      const job = data?.trainingJob as unknown as {
        metrics: { points: readonly { step: number; value: number | null }[] };
      };
      return job.metrics.points;
    },
    log: async (id: string) => {
      const { data } = await app.query(
        'query($id: ID!) { trainingJob(id: $id) { logs(last: 1000) { lines { text source attempt } } } }',
        { id },
      );
      const job = data?.trainingJob as unknown as {
        logs: { lines: readonly { text: string; source: string; attempt: number }[] };
      };
      return job.logs.lines;
    },
  };
}

export type TrainingWorld = Awaited<ReturnType<typeof startTraining>>;

/** A job that should have trained, or the end of its log. */
export async function trained(world: TrainingWorld, id: string): Promise<SeenJob> {
  const job = await world.ended(id);
  const tail = async () =>
    (await world.log(id))
      .slice(-25)
      .map(({ text }) => text)
      .join('\n');
  expect(
    job.status,
    job.status === 'COMPLETED' ? '' : `${job.failure?.message ?? ''}\n${await tail()}`,
  ).toBe('COMPLETED');
  return job;
}

/** @returns the folder with the job's adapter, as a client downloads it */
export async function downloadAdapter(job: SeenJob): Promise<string> {
  const folder = makeFolder();
  for (const { path, kind, downloadUrl } of job.artifacts) {
    if (kind === 'CHECKPOINT' || kind === 'LOG') continue;
    const response = await fetch(downloadUrl);
    expect(response.status).toBe(200);
    const place = join(folder, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, Buffer.from(await response.arrayBuffer()));
  }
  return folder;
}

export interface LoadedAdapter {
  readonly peftType: string;
  readonly baseModel: string;
  readonly logitsMoved: number;
  readonly baseLoss: number;
  readonly loss: number;
}

/** What peft alone makes of the adapter, on the base model it was trained from. */
export async function loadAdapter(folder: string, baseModel: string): Promise<LoadedAdapter> {
  const texts = ['row 1: the quick brown fox', 'row 17: the quick brown fox'];
  const base = join(HUB_FOLDER, 'models', baseModel);
  return (await inspect(['load', base, folder, ...texts])) as LoadedAdapter;
}

export interface Comparison {
  /** Null: they do not hold the same tensors. */
  readonly difference: number | null;
  readonly largest: number;
}

export async function compareAdapters(a: string, b: string): Promise<Comparison> {
  const file = 'adapter_model.safetensors';
  return (await inspect(['compare', join(a, file), join(b, file)])) as Comparison;
}

let inspector: {
  readonly child: ChildProcess;
  readonly answers: AsyncIterator<string, undefined>;
} | null = null;

/** The last question, when it is answered: they are asked one after the other. */
let asked: Promise<unknown> = Promise.resolve();

/** One process for all questions of a file: it takes its time to import the libraries. */
function inspect(question: readonly string[]): Promise<unknown> {
  const answer = asked.then(() => ask(question));
  asked = answer.catch(() => undefined);
  return answer;
}

async function ask(question: readonly string[]): Promise<unknown> {
  inspector ??= startInspector();
  inspector.child.stdin?.write(`${JSON.stringify(question)}\n`);
  for (;;) {
    const { value } = await inspector.answers.next();
    if (value === undefined) throw new Error('inspect_adapter.py has ended');
    if (!value.startsWith('@answer ')) continue;
    const answer = JSON.parse(value.slice('@answer '.length)) as { error?: string };
    if (answer.error !== undefined) throw new Error(`${question[0] ?? ''}: ${answer.error}`);
    return answer;
  }
}

function startInspector(): NonNullable<typeof inspector> {
  const script = join(import.meta.dirname, 'inspect_adapter.py');
  const child = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'ignore'] });
  return { child, answers: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

afterAll(() => {
  inspector?.child.stdin?.end();
  inspector = null;
});

export function sizeOfAdapter(job: SeenJob): number {
  return job.artifacts.find(({ path }) => path === 'adapter_model.safetensors')?.sizeBytes ?? 0;
}

/** Mean of the first and of the last few points. */
export function firstAndLast(points: readonly { value: number | null }[]): [number, number] {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const few = Math.max(1, Math.floor(values.length / 5));
  const mean = (part: readonly number[]) => part.reduce((a, b) => a + b, 0) / part.length;
  return [mean(values.slice(0, few)), mean(values.slice(-few))];
}
