import { createHash, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openArtifactStore } from '../../src/artifacts/open-artifact-store.ts';
import { S3_KEYS, startS3Server } from '../support/s3-server.ts';
import { makeFolder } from '../support/folder.ts';

const MIB = 1_024 * 1_024;

function storeAt(endpoint: string, url = 's3://results/team/one', keys = S3_KEYS) {
  const store = openArtifactStore({ url, dataDir: makeFolder(), s3: { endpoint, ...keys } });
  onTestFinished(() => store.close());
  return store;
}

async function startStore() {
  const server = await startS3Server();
  const folder = makeFolder();
  const incoming = (content: string | Buffer) => {
    const path = join(folder, 'incoming');
    writeFileSync(path, content);
    return path;
  };
  return { server, store: storeAt(server.endpoint), incoming };
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

test('a small file goes into the bucket under the prefix, in one request, and comes back', async () => {
  const { server, store, incoming } = await startStore();
  const path = incoming('0123456789');
  await store.adopt('jobs/a/ä b+c.bin', path);
  expect(existsSync(path)).toBe(false);
  expect(server.requests).toHaveLength(1);
  expect(server.requests[0]).toMatch(/^PUT \/results\/team\/one\/jobs\/a\//);
  expect(await store.size('jobs/a/ä b+c.bin')).toBe(10);
  const read = (from: number, to: number) =>
    bytesOf(store.read('jobs/a/ä b+c.bin', { from, to })).then(String);
  expect(await read(0, 9)).toBe('0123456789');
  expect(await read(4, 6)).toBe('456');
  expect(await read(0, -1)).toBe('');
});

test('an empty file is kept too', async () => {
  const { store, incoming } = await startStore();
  await store.adopt('empty', incoming(''));
  expect(await store.size('empty')).toBe(0);
});

test('what is not there has no size, cannot be read, and may be removed', async () => {
  const { store, incoming } = await startStore();
  expect(await store.size('nothing')).toBeNull();
  await expect(bytesOf(store.read('nothing', { from: 0, to: 1 }))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await store.remove('nothing');
  await store.adopt('key', incoming('x'));
  await store.remove('key');
  expect(await store.size('key')).toBeNull();
});

test('a large file goes in parts, and is whole', async () => {
  const { server, store, incoming } = await startStore();
  const content = randomBytes(20 * MIB);
  await store.adopt('large', incoming(content));
  expect(server.requests.filter((it) => it.includes('partNumber='))).toHaveLength(3);
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const got = await bytesOf(store.read('large', { from: 0, to: content.length - 1 }));
  expect(sha256(got)).toBe(sha256(content));
  const middle = await bytesOf(store.read('large', { from: 8 * MIB - 3, to: 8 * MIB + 3 }));
  expect(middle.equals(content.subarray(8 * MIB - 3, 8 * MIB + 4))).toBe(true);
});

test('an upload that fails in the middle discards its parts and keeps the file', async () => {
  const { server, store, incoming } = await startStore();
  const path = incoming(Buffer.alloc(20 * MIB));
  server.setFault((request) => (request.url?.includes('partNumber=2') === true ? 403 : null));
  await expect(store.adopt('large', path)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(server.requests.some((it) => /^DELETE .*uploadId=/.test(it))).toBe(true);
  expect(existsSync(path)).toBe(true);
  server.setFault(() => null);
  expect(await store.size('large')).toBeNull();
});

test('an upload that is called off discards its parts and keeps the file', async () => {
  const { server, store, incoming } = await startStore();
  const path = incoming(Buffer.alloc(60 * MIB));
  const stop = new AbortController();
  server.setFault((request) => {
    if (request.url?.includes('partNumber=3') === true) stop.abort(new Error('called off'));
    return null;
  });
  await expect(store.adopt('large', path, stop.signal)).rejects.toThrow('called off');
  expect(server.requests.some((it) => /^DELETE .*uploadId=/.test(it))).toBe(true);
  expect(existsSync(path)).toBe(true);
  expect(await store.size('large')).toBeNull();
});

test('a reader may leave in the middle or be aborted', async () => {
  const { store, incoming } = await startStore();
  await store.adopt('large', incoming(Buffer.alloc(12 * MIB)));
  for await (const chunk of store.read('large', { from: 0, to: 12 * MIB - 1 })) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
  const gone = new AbortController();
  const reading = (async () => {
    for await (const chunk of store.read('large', { from: 0, to: 12 * MIB - 1 }, gone.signal)) {
      if (chunk.length > 0) gone.abort(new Error('the reader left'));
    }
  })();
  await expect(reading).rejects.toThrow('the reader left');
});

test('a server that fails for a moment is asked again; one that is gone is unavailable', async () => {
  const { server, store, incoming } = await startStore();
  await store.adopt('key', incoming('x'));
  let failures = 0;
  server.setFault(() => (failures++ < 2 ? 503 : null));
  expect(await store.size('key')).toBe(1);
  server.setFault(() => 'reset');
  await expect(store.size('key')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    retryable: true,
  });
});

test('wrong keys and a missing bucket are told, without the keys', async () => {
  const { server, incoming } = await startStore();
  const wrong = { accessKeyId: 'AKIAWRONGKEY', secretAccessKey: 'very-secret' };
  const refused = await storeAt(server.endpoint, 's3://results', wrong)
    .adopt('key', incoming('x'))
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: false });
  const { message, stack, cause } = refused as Error;
  expect(`${message} ${stack ?? ''} ${JSON.stringify(cause)} ${String(cause)}`).not.toMatch(
    /AKIAWRONG|very-secret/,
  );
  const nowhere = storeAt(server.endpoint, 's3://nowhere');
  await expect(nowhere.adopt('key', incoming('x'))).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'There is no bucket nowhere.',
  });
});
