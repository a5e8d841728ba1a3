import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { postQuery, startTestApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';
import { cli } from './run-cli.ts';

const QUICK = { RECONCILE_SECONDS: '0.2', POD_ABSENT_SECONDS: '0.5' };
const TINY = 'examples/tiny.json';

interface JobDocument {
  readonly id: string;
  readonly status: string;
  readonly failure: { readonly code: string } | null;
}

interface DownloadDocument {
  readonly files: readonly {
    readonly path: string;
    readonly file: string;
    readonly sha256: string;
    readonly isNew: boolean;
  }[];
}

interface EventDocument {
  readonly event: string;
  readonly job?: JobDocument;
  readonly line?: { readonly seq: number; readonly text: string };
}

/** A submission with a small dataset beside it, in a folder of its own. */
function writeSubmission(
  change: (submission: Record<string, unknown>) => void = () => undefined,
): string {
  const folder = makeFolder();
  const submission = JSON.parse(readFileSync(TINY, 'utf8')) as Record<string, unknown>;
  submission.spec = { ...(submission.spec as object), maxSteps: 5, rank: 2, batchSize: 1 };
  change(submission);
  writeFileSync(join(folder, 'job.json'), JSON.stringify(submission));
  writeFileSync(
    join(folder, 'tiny-dataset.jsonl'),
    readFileSync('examples/tiny-dataset.jsonl', 'utf8'),
  );
  return join(folder, 'job.json');
}

test('a script submits the example, follows it, and fetches verified results', async () => {
  const { url } = await startTestApp(QUICK);
  const submitted = await cli(['submit', writeSubmission(), '--follow', '--json'], { url });
  expect(submitted.code, submitted.err).toBe(0);
  const events = submitted.documents as EventDocument[];
  expect(events[0]).toMatchObject({ event: 'submitted', job: { status: 'PENDING' } });
  expect(events.at(-1)).toMatchObject({ event: 'ended', job: { status: 'COMPLETED' } });
  const lines = events.flatMap(({ line }) => (line === undefined ? [] : [line]));
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
  expect(lines.at(-1)?.text).toContain('completed');
  const id = events[0]?.job?.id ?? '';

  const listed = await cli(['list', '--json', '--status', 'completed,failed'], { url });
  expect(listed.documents).toMatchObject([{ jobs: [{ id }], totalCount: 1 }]);
  const shown = await cli(['show', id, '--json'], { url });
  expect(shown.documents).toMatchObject([{ id, attempts: [{ outcome: 'SUCCEEDED' }] }]);
  const log = await cli(['logs', id, '--json'], { url });
  expect(log.documents).toEqual([{ lines, endCursor: expect.any(String) as string }]);

  // It becomes a file a moment after the end of its job.
  await until('the log is a file as well', async () => {
    const { data } = await postQuery(url, `{ trainingJob(id: "${id}") { artifacts { kind } } }`);
    return JSON.stringify(data).includes('"LOG"');
  });
  const folder = join(makeFolder(), 'results');
  const fetched = await cli(['download', id, '--to', folder, '--json'], { url });
  const [{ files } = { files: [] }] = fetched.documents as DownloadDocument[];
  expect(files.map(({ path }) => path)).toContain('adapter_model.safetensors');
  for (const { file, sha256, isNew } of files) {
    expect(createHash('sha256').update(readFileSync(file)).digest('hex')).toBe(sha256);
    expect(isNew).toBe(true);
  }
  const again = await cli(['download', id, '--to', folder, '--json'], { url });
  const [second] = again.documents as DownloadDocument[];
  expect(second?.files.every(({ isNew }) => !isNew)).toBe(true);

  const retried = await cli(['retry', id, '--json'], { url });
  const [copy] = retried.documents as JobDocument[];
  expect(copy?.id).not.toBe(id);
  const cancelled = await cli(['cancel', copy?.id ?? ''], { url });
  expect([cancelled.code, cancelled.out]).toEqual([0, expect.stringContaining('stands')]);
});

test('people get tables, bars and the way on', async () => {
  const { url } = await startTestApp(QUICK);
  const env = { NO_COLOR: '1' };
  const gpus = await cli(['gpus', '--name', '4090', '--cloud', 'community'], {
    url,
    columns: 60,
    env,
  });
  expect(gpus.out).toMatch(
    /^ID +MEMORY +ON DEMAND +SPOT +STOCK\nNVIDIA GeForce RTX 4090 +24 GB +\$/,
  );
  const plan = await cli(['plan', TINY], { url });
  expect(plan.out).toMatch(/^Memory needed: [\d.]+ GB per GPU\n.* trains.*\nGPU .*\n1 × NVIDIA/);
  const run = await cli(['submit', writeSubmission(), '--follow'], { url, columns: 80, env });
  expect(run.code, run.err).toBe(0);
  expect(run.out).toMatch(/█+ 100 % {2}step 5\/5 {2}loss \d/);
  expect(run.out).toContain('● COMPLETED');
  // eslint-disable-next-line no-control-regex -- what a bar is made of
  expect(run.out.replaceAll(/\r\x1b\[2K/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  const id = /download (\S+)/.exec(run.out)?.[1] ?? '';
  const show = await cli(['show', id], { url, columns: 60, env });
  expect(show.out).toMatch(/Status +COMPLETED/);
});

test('the price filter asks for what was typed', async () => {
  const { url } = await startTestApp();
  const filters = ['--min-memory', '40', '--max-price', '4', '--count', '2'];
  const run = await cli(['gpus', ...filters, '--json'], { url });
  const [{ gpus } = { gpus: [] }] = run.documents as {
    gpus: { memoryGb: number; pricing: { onDemandUsdPerHour: number } }[];
  }[];
  expect(gpus.length).toBeGreaterThan(0);
  for (const { memoryGb, pricing } of gpus) {
    expect(memoryGb).toBeGreaterThanOrEqual(40);
    expect(pricing.onDemandUsdPerHour).toBeLessThanOrEqual(4);
  }
});

test('everything wrong with a submission is told at once, with its paths', async () => {
  const { url } = await startTestApp();
  const file = writeSubmission((submission) => {
    submission.name = '';
    submission.spec = { baseModel: 'x', rank: 5_000, learningRate: 7 };
  });
  const people = await cli(['submit', file], { url });
  expect(people.code).toBe(1);
  for (const path of ['name', 'spec.baseModel', 'spec.rank', 'spec.learningRate']) {
    expect(people.err).toMatch(new RegExp(`^ {2}input\\.${path}: .+ \\(INVALID\\)$`, 'm'));
  }
  const script = await cli(['plan', file, '--json'], { url });
  expect(script.code).toBe(1);
  const { error } = JSON.parse(script.err) as { error: { userErrors: { path: string[] }[] } };
  expect(error.userErrors.map(({ path }) => path.join('.'))).toEqual(
    expect.arrayContaining(['spec.baseModel', 'spec.rank', 'spec.learningRate']),
  );
});

test('a job that fails ends its follower with 1 and says why', async () => {
  const { url } = await startTestApp(QUICK);
  const file = writeSubmission((submission) => {
    submission.spec = { baseModel: 'missing/tiny-char-1M', maxSteps: 5 };
  });
  const run = await cli(['submit', file, '--follow'], { url });
  expect(run.code).toBe(1);
  expect(run.err).toMatch(/^error: The job \w+ is FAILED: .*\(MODEL_NOT_FOUND\)/m);
});

test('a repeated submission under one key is one job, also with a file that must be uploaded', async () => {
  const { url } = await startTestApp();
  const dataset = await cli(['upload', 'examples/tiny-dataset.jsonl', '--json'], { url });
  const [{ uploadId, rowCount } = {}] = dataset.documents as {
    uploadId?: string;
    rowCount?: number;
  }[];
  expect(rowCount).toBeGreaterThan(100);
  const file = writeSubmission((submission) => {
    delete submission.datasetFile;
    submission.spec = { ...(submission.spec as object), dataset: { uploadId } };
  });
  const submit = () => cli(['submit', file, '--idempotency-key', 'k', '--json'], { url });
  const [one] = (await submit()).documents as JobDocument[];
  const [two] = (await submit()).documents as JobDocument[];
  expect(two?.id).toBe(one?.id);
  const other = await cli(['submit', TINY, '--idempotency-key', 'k'], { url });
  expect(other.code).toBe(1);
  expect(other.err).toContain('The dataset was uploaded anew');
});

test('a dataset that is refused is refused with its rows', async () => {
  const { url } = await startTestApp();
  const file = join(makeFolder(), 'rows.jsonl');
  writeFileSync(file, '{"text":"a"}\n{"txt":1}\n[]\n');
  const run = await cli(['upload', file], { url });
  expect(run.code).toBe(1);
  expect(run.err).toMatch(/row 2: .*\n +row 3: /);
});

test('what is not there ends with 4, wrong usage with 2, no server with 3', async () => {
  const { url } = await startTestApp();
  const codeOf = async (...argv: string[]) => (await cli(argv, { url })).code;
  expect(await codeOf('show', 'nope')).toBe(4);
  expect(await codeOf('logs', 'nope', '--follow')).toBe(4);
  expect(await codeOf('cancel', 'nope')).toBe(4);
  expect(await codeOf('retry', 'nope')).toBe(4);
  expect(await codeOf('download', 'nope')).toBe(4);
  expect(await codeOf('pods', 'keep', 'nope')).toBe(4);
  expect(await codeOf('frobnicate')).toBe(2);
  expect(await codeOf('list', '--status', 'sleeping')).toBe(2);
  expect(await codeOf('upload', 'no-such-file.jsonl')).toBe(2);
  expect(await codeOf('submit', 'package.json')).toBe(2);
  expect(await codeOf('list', '--url', 'ftp://x')).toBe(2);
  expect(await codeOf('logs', 'nope', '--since', 'bad')).toBe(4);
  expect(await codeOf('list', '--help')).toBe(0);
  const silent = await cli(['list', '--json'], { url: 'http://127.0.0.1:9/graphql' });
  expect([silent.code, silent.out]).toEqual([3, '']);
  expect(JSON.parse(silent.err)).toMatchObject({ error: { kind: 'unreachable' } });
});

test('a pod that nobody knows shows up, and is terminated when its owner says so', async () => {
  const { app, url, emulator } = await startTestApp({ ...QUICK, INSTALLATION_ID: 'abcd' });
  const created = await fetch(`${app.emulatorUrl ?? ''}/v2/pods`, {
    method: 'POST',
    headers: { authorization: 'Bearer emulator', 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'rps-abcd-lostjob-1-nonce',
      image: 'python:3.12-slim',
      gpu: { id: 'NVIDIA GeForce RTX 4090', count: 1 },
    }),
  });
  expect(created.status, await created.clone().text()).toBe(201);
  const { id } = (await created.json()) as { id: string };
  await until('the pod is in quarantine', async () =>
    (await cli(['pods'], { url })).out.includes('QUARANTINED'),
  );
  expect((await cli(['pods', '--json'], { url })).documents).toMatchObject([
    { pods: [{ podId: id, state: 'QUARANTINED', decision: null }] },
  ]);
  expect((await cli(['pods', 'terminate', id], { url })).code).toBe(0);
  await until('the pod is gone', async () =>
    (await emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
  );
});
