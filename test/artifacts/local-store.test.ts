import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { asDiskFault, isStorageKey } from '../../src/artifacts/artifact-store.ts';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import { openArtifactStore } from '../../src/artifacts/open-artifact-store.ts';
import { makeFolder } from '../support/folder.ts';

function makeStore() {
  const folder = makeFolder();
  const root = join(folder, 'artifacts');
  const incoming = (content: string | Buffer) => {
    const path = join(folder, 'incoming');
    writeFileSync(path, content);
    return path;
  };
  return { folder, root, store: createLocalStore(root), incoming };
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const openFiles = () => readdirSync('/proc/self/fd').length;

test('a file that was adopted is read back in ranges, and gone from where it was', async () => {
  const { root, store, incoming } = makeStore();
  const path = incoming('0123456789');
  await store.adopt('jobs/a/adapter.bin', path);
  expect(existsSync(path)).toBe(false);
  expect(await store.size('jobs/a/adapter.bin')).toBe(10);
  const read = (from: number, to: number) => textOf(store.read('jobs/a/adapter.bin', { from, to }));
  expect(await read(0, 9)).toBe('0123456789');
  expect(await read(3, 5)).toBe('345');
  expect(await read(9, 9)).toBe('9');
  expect(await read(0, -1)).toBe('');
  expect(statSync(join(root, 'jobs/a/adapter.bin')).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, 'jobs')).mode & 0o777).toBe(0o700);
});

test('the same key adopted again is replaced; removed, it is absent, and removing it again is fine', async () => {
  const { store, incoming } = makeStore();
  await store.adopt('key', incoming('one'));
  await store.adopt('key', incoming('three'));
  expect(await store.size('key')).toBe(5);
  await store.remove('key');
  await store.remove('key');
  await store.remove('never/was');
  expect(await store.size('key')).toBeNull();
  await expect(textOf(store.read('key', { from: 0, to: 1 }))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

test.each(['../x', 'a/../x', '/etc/x', 'a//b', './a', 'a/.', '', 'a\nb', 'a\\b', 'a\0', 'a/'])(
  'the key %j is refused by every call',
  async (key) => {
    const { store, incoming } = makeStore();
    const path = incoming('x');
    expect(isStorageKey(key)).toBe(false);
    await expect(store.adopt(key, path)).rejects.toThrow(TypeError);
    await expect(store.size(key)).rejects.toThrow(TypeError);
    await expect(store.remove(key)).rejects.toThrow(TypeError);
    expect(() => store.read(key, { from: 0, to: 1 })).toThrow(TypeError);
    expect(existsSync(path)).toBe(true);
  },
);

test('a link is followed neither as a file nor as a folder', async () => {
  const { folder, root, store, incoming } = makeStore();
  await store.adopt('a/b', incoming('inside'));
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside/secret'), 'secret');
  symlinkSync(join(folder, 'outside/secret'), join(root, 'link'));
  symlinkSync(join(folder, 'outside'), join(root, 'folder'));
  expect(await store.size('link')).toBeNull();
  expect(await store.size('folder/secret')).toBeNull();
  await expect(store.adopt('folder/new', incoming('x'))).rejects.toThrow('not a folder');
  expect(readdirSync(join(folder, 'outside'))).toEqual(['secret']);
  await store.adopt('link', incoming('mine'));
  expect(readFileSync(join(folder, 'outside/secret'), 'utf8')).toBe('secret');
  const fakeSource = join(folder, 'source');
  symlinkSync(join(folder, 'outside/secret'), fakeSource);
  await expect(store.adopt('stolen', fakeSource)).rejects.toThrow('not a regular file');
});

test('a file of another file system is copied whole before it shows', async () => {
  const { root, store } = makeStore();
  const other = mkdtempSync('/dev/shm/runpod-subgraph-test-');
  onTestFinished(() => {
    rmSync(other, { recursive: true, force: true });
  });
  if (statSync(other).dev === statSync(makeFolder()).dev) return;
  const path = join(other, 'file');
  writeFileSync(path, 'from afar');
  await store.adopt('k/file', path);
  expect(existsSync(path)).toBe(false);
  expect(await textOf(store.read('k/file', { from: 0, to: 8 }))).toBe('from afar');
  expect(readdirSync(join(root, '.incoming'))).toEqual([]);
  await expect(store.size('.incoming/x')).rejects.toThrow(TypeError);
});

test('readers that leave in the middle or are aborted leave no file open', async () => {
  const { store, incoming } = makeStore();
  await store.adopt('big', incoming(Buffer.alloc(4_000_000)));
  const before = openFiles();
  for (let round = 0; round < 20; round += 1) {
    for await (const chunk of store.read('big', { from: 0, to: 3_999_999 })) {
      expect(chunk.length).toBeLessThanOrEqual(256 * 1_024);
      break;
    }
    const gone = new AbortController();
    const chunks = store.read('big', { from: 0, to: 3_999_999 }, gone.signal);
    await expect(
      (async () => {
        for await (const chunk of chunks) if (chunk.length > 0) gone.abort();
      })(),
    ).rejects.toThrow();
  }
  expect(openFiles()).toBe(before);
});

test('a folder that may not be written, and a full disk, are a store that is unavailable', async () => {
  const { incoming } = makeStore();
  // Root, too, may write nothing here.
  const store = createLocalStore('/sys/artifacts');
  await expect(store.adopt('key', incoming('x'))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('The artifact folder may not be written') as string,
  });
  const full = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
  expect(asDiskFault(full, 'It')).toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'It is full (ENOSPC).',
    retryable: true,
  });
});

test('the store is chosen by its URL, and a wrong one is told without showing it', async () => {
  const dataDir = makeFolder();
  const path = join(dataDir, 'file');
  for (const [url, place] of [
    [undefined, 'artifacts'],
    [`file://${dataDir}/by-url`, 'by-url'],
    [`${dataDir}/by-path`, 'by-path'],
  ] as const) {
    writeFileSync(path, 'x');
    await openArtifactStore({ url, dataDir }).adopt('key', path);
    expect(readFileSync(join(dataDir, place, 'key'), 'utf8')).toBe('x');
  }
  expect(openArtifactStore({ url: 's3://bucket/some/prefix', dataDir }).isLocal).toBe(false);
  for (const url of [
    'relative',
    'https://x/y',
    's3://',
    's3://key:secret@bucket/x',
    'file://host/x',
  ]) {
    expect(() => openArtifactStore({ url, dataDir }), url).toThrow('ARTIFACT_URL: expected');
    expect(() => openArtifactStore({ url, dataDir }), url).not.toThrow('secret');
  }
  const half = { accessKeyId: 'x' };
  expect(() => openArtifactStore({ url: 's3://bucket', dataDir, s3: half })).toThrow('together');
});
