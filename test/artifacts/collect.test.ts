import { createHash } from 'node:crypto';
import { existsSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectArtifacts } from '../../src/artifacts/collect.ts';
import type { CollectOptions, CollectProgress } from '../../src/artifacts/collect.ts';
import type { PodAgent } from '../../src/datasources/pod-agent.ts';
import { createRandom } from '../../src/emulator/random.ts';
import { cutProxy, startAgent } from '../support/agent-process.ts';
import { createFolderStore } from '../support/folder-store.ts';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const DATA_BYTES = 3_000_000;

/** Leaves an adapter, its config, an empty file and a file of some size; the bytes are seeded. */
const TRAINER = `
import json, os, random, struct, sys
top = json.load(open(sys.argv[1]))["paths"]["results"]
data = random.Random(1).randbytes(${DATA_BYTES})
head = json.dumps({"w": {"dtype": "U8", "shape": [len(data)], "data_offsets": [0, len(data)]}}).encode()
os.makedirs(os.path.join(top, "logs"))
for name, text in (("adapter_model.safetensors", struct.pack("<Q", len(head)) + head + data),
                   ("adapter_config.json", b"{}"), ("empty.txt", b""), ("logs/ü x.log", data[:500_000])):
    open(os.path.join(top, name), "wb").write(text)
`;

async function trainedAgent() {
  const trainer = join(makeFolder(), 'trainer.py');
  writeFileSync(trainer, TRAINER);
  const running = await startAgent({ env: { AGENT_TRAINER: trainer } });
  const agent = running.client();
  await agent.putJob({ spec: {}, secrets: {}, files: [], requirements: null }, signal);
  await agent.start(signal);
  return { ...running, agent };
}

function collection(agent: PodAgent, change: Partial<CollectOptions> = {}) {
  const staging = join(makeFolder(), 'staging');
  const store = createFolderStore(makeFolder());
  const options: CollectOptions = {
    agent,
    staging,
    keyPrefix: 'jobs/1/',
    store,
    maxBytes: 100_000_000,
    rangeBytes: 1_000_000,
    pollMs: 5,
    retryPauseMs: 1,
    signal,
    ...change,
  };
  return { options, store, staging };
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
/** What is in the store, told by what it is. */
const sums = (contents: Readonly<Record<string, Buffer>>) =>
  Object.entries(contents)
    .map(([key, bytes]) => ({ storageKey: key, sizeBytes: bytes.length, sha256: sha256(bytes) }))
    .sort((a, b) => (a.storageKey < b.storageKey ? -1 : 1));

async function expected(agent: PodAgent) {
  const { files } = await until('the list is final', async () => {
    const manifest = await agent.results(signal);
    return manifest.isFinal && manifest.pending === 0 ? manifest : null;
  });
  return files
    .map(({ path, sizeBytes, sha256 }) => ({ storageKey: `jobs/1/${path}`, sizeBytes, sha256 }))
    .sort((a, b) => (a.storageKey < b.storageKey ? -1 : 1));
}

test('results are in the store under their paths, verified, once the list is final', async () => {
  const { agent } = await trainedAgent();
  const seen: CollectProgress[] = [];
  const { options, store, staging } = collection(agent, {
    onProgress: (progress) => seen.push(progress),
  });
  const outcome = await collectArtifacts(options);
  expect(outcome).toMatchObject({
    kind: 'collected',
    files: [
      { path: 'adapter_config.json', kind: 'CONFIG', storageKey: 'jobs/1/adapter_config.json' },
      { path: 'adapter_model.safetensors', kind: 'ADAPTER' },
      { path: 'empty.txt', kind: 'OTHER', sizeBytes: 0 },
      { path: 'logs/ü x.log', kind: 'LOG' },
    ],
  });
  expect(sums(store.contents())).toEqual(await expected(agent));
  expect(existsSync(staging)).toBe(false);
  const last = seen.at(-1);
  expect(last?.collectedBytes).toBe(last?.totalBytes);
});

test('transfers cut at 50 seeded offsets leave whole files, and nothing partial is ever seen', async () => {
  const { agent, baseUrl, client } = await trainedAgent();
  const whole = await expected(agent);
  const random = createRandom(7);
  let partial = 0;
  const proxy = await cutProxy(baseUrl, {
    direction: 'down',
    cutAfterBytes: () => {
      const visible = sums(store.contents());
      partial += visible.filter((file) => !whole.some((w) => w.sha256 === file.sha256)).length;
      return proxy.cuts() < 50 ? Math.floor(random() ** 2 * 120_000) : null;
    },
  });
  const { options, store } = collection(client({ baseUrl: proxy.url }), { maxFailures: 20 });
  const outcome = await collectArtifacts(options);
  expect(outcome.kind).toBe('collected');
  expect(proxy.cuts()).toBeGreaterThanOrEqual(50);
  expect(partial).toBe(0);
  expect(sums(store.contents())).toEqual(whole);
});

test('a collection that gives up leaves what came, and the next one goes on from there', async () => {
  const { agent, baseUrl, client } = await trainedAgent();
  const whole = await expected(agent);
  let connections = 0;
  const proxy = await cutProxy(baseUrl, {
    direction: 'down',
    // The list and a small file pass, then some of the adapter, then nothing any more.
    cutAfterBytes: () => [10_000, 10_000, 700_000][connections++] ?? 0,
  });
  const first = collection(client({ baseUrl: proxy.url }), { maxFailures: 2, concurrency: 1 });
  await expect(collectArtifacts(first.options)).rejects.toMatchObject({
    code: 'POD_UNREACHABLE',
    retryable: true,
  });
  expect(first.store.contents()).toEqual({});
  expect(readdirSync(first.staging)).not.toEqual([]);

  const asked: number[] = [];
  const reading: PodAgent = {
    ...agent,
    readResult: (path, range, ...rest) => {
      asked.push(range.from);
      return agent.readResult(path, range, ...rest);
    },
  };
  await collectArtifacts({ ...first.options, agent: reading });
  expect(asked.some((from) => from > 600_000 && from < 800_000)).toBe(true);
  expect(sums(first.store.contents())).toEqual(whole);
  expect(existsSync(first.staging)).toBe(false);
});

test('part files that a crash left wrong are found out, and pulled anew', async () => {
  const { agent } = await trainedAgent();
  const whole = await expected(agent);
  const stopping = new AbortController();
  const { options, store, staging } = collection(agent, { concurrency: 1 });
  const abortLate = ({ collectedBytes }: CollectProgress) => {
    if (collectedBytes > 1_500_000) stopping.abort(new Error('the server stops'));
  };
  await expect(
    collectArtifacts({ ...options, signal: stopping.signal, onProgress: abortLate }),
  ).rejects.toThrow('the server stops');
  for (const name of readdirSync(staging)) {
    // A file system that lost the data and kept the length shows zeros.
    truncateSync(join(staging, name), 1);
    truncateSync(join(staging, name), 1_200_000);
  }
  expect(await collectArtifacts(options)).toMatchObject({ kind: 'collected' });
  expect(sums(store.contents())).toEqual(whole);
});

test('what an earlier run has stored is not pulled again', async () => {
  const { agent } = await trainedAgent();
  const { options, store } = collection(agent, {
    isStored: (path) => path !== 'adapter_config.json',
  });
  const outcome = await collectArtifacts(options);
  expect(outcome).toMatchObject({ kind: 'collected', files: { length: 4 } });
  expect(Object.keys(store.contents())).toEqual(['jobs/1/adapter_config.json']);
});

test('results of a boot before a restart are collected by its id', async () => {
  const first = await trainedAgent();
  const whole = await expected(first.agent);
  const { bootId } = await first.agent.results(signal);
  await until('the log is closed', async () => (await first.agent.status(signal)).logClosed);
  await first.stop();
  const again = await startAgent({ folder: first.folder });
  const { options, store } = collection(again.client(), { bootId });
  expect(await collectArtifacts(options)).toMatchObject({ kind: 'collected' });
  expect(sums(store.contents())).toEqual(whole);
});

test('a list that does not become final is waited for no longer than said', async () => {
  const agent = (await startAgent()).client();
  const { options } = collection(agent, { waitMs: 30 });
  await expect(collectArtifacts(options)).rejects.toMatchObject({
    code: 'POD_UNREACHABLE',
    reason: 'RESULTS_PENDING',
    retryable: true,
  });
});
