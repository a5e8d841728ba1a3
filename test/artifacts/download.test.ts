import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import { createUrlSigner, downloadPathOf } from '../../src/artifacts/signed-url.ts';
import { createArtifactRoute } from '../../src/http/artifacts.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import {
  selectArtifacts,
  selectArtifactsOfJobs,
  upsertArtifact,
} from '../../src/store/artifacts.ts';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const KEY = 'k'.repeat(43);
const TENANT = 'default';

/** The route behind a real server, with one artifact in a real store and table. */
async function serveArtifact(content: Buffer, path = 'adapter/adapter model.safetensors') {
  const folder = makeFolder();
  const db = openSqlite(join(folder, 'db'));
  onTestFinished(() => db.close());
  await migrate(db);
  const store = createLocalStore(join(folder, 'artifacts'));
  writeFileSync(join(folder, 'incoming'), content);
  await store.adopt('jobs/j/adapter', join(folder, 'incoming'));
  const sha256 = createHash('sha256').update(content).digest('hex');
  await upsertArtifact(db, TENANT, {
    id: 'a-1',
    job_id: 'j',
    attempt: 1,
    path,
    kind: 'ADAPTER',
    size_bytes: content.length,
    sha256,
    storage_key: 'jobs/j/adapter',
    created_at: Date.now(),
  });
  let base = '';
  const clock = { at: Date.now() };
  const signer = createUrlSigner({
    key: KEY,
    purpose: 'download',
    baseUrl: () => base,
    now: () => clock.at,
  });
  const route = createArtifactRoute({
    signer,
    store,
    idleMs: 2_000,
    find: async (id) => {
      const [row] = await selectArtifacts(db, TENANT, [id]);
      if (row == null) return null;
      const { size_bytes: sizeBytes, storage_key: storageKey } = row;
      return { path: row.path, sha256: row.sha256, sizeBytes, storageKey };
    },
  });
  const server = createServer((incoming, response) => {
    const [pathname = ''] = (incoming.url ?? '').split('?');
    route(incoming, response, pathname).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { url } = signer.sign(downloadPathOf('a-1', path), 60);
  const file = join(folder, 'artifacts/jobs/j/adapter');
  return { url, base, sha256, etag: `"${sha256}"`, clock, signer, store, file, db };
}

interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (got) => {
      const parts: Buffer[] = [];
      got.on('data', (part: Buffer) => parts.push(part));
      got.on('error', reject);
      got.on('end', () => {
        resolve({ status: got.statusCode ?? 0, headers: got.headers, body: Buffer.concat(parts) });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const openFiles = (file: string) =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  }).length;

test('a download comes whole, with its name, its length and its hash', async () => {
  const content = randomBytes(700_000);
  const { url, etag } = await serveArtifact(content, 'dir/Größe "x".bin');
  const got = await get(url);
  expect(got.status).toBe(200);
  expect(got.body.equals(content)).toBe(true);
  expect(got.headers).toMatchObject({
    etag,
    'content-length': '700000',
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'cache-control': 'private',
    'content-disposition': `attachment; filename="Gr__e _x_.bin"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22x%22.bin`,
  });
  const head = await get(url, {}, 'HEAD');
  expect(head.status).toBe(200);
  expect(head.body).toHaveLength(0);
  expect(head.headers).toMatchObject({ etag, 'content-length': '700000' });
});

test('every range gives exactly its bytes', async () => {
  const content = randomBytes(1_000);
  const { url } = await serveArtifact(content);
  const last = content.length - 1;
  for (const [range, from, to] of [
    ['0-0', 0, 0],
    ['0-', 0, last],
    ['0-999', 0, last],
    ['1-1', 1, 1],
    ['500-600', 500, 600],
    ['999-', last, last],
    ['998-5000', 998, last],
    ['0-99999999999999999999999', 0, last],
    ['-1', last, last],
    ['-400', 600, last],
    ['-5000', 0, last],
  ] as const) {
    const got = await get(url, { range: `bytes=${range}` });
    expect(got.status, range).toBe(206);
    expect(got.headers['content-range'], range).toBe(`bytes ${from}-${to}/1000`);
    expect(got.headers['content-length'], range).toBe(String(to - from + 1));
    expect(got.body.equals(content.subarray(from, to + 1)), range).toBe(true);
  }
});

test('a range beyond the end is refused with the length; one that cannot be understood is ignored', async () => {
  const { url } = await serveArtifact(randomBytes(1_000));
  for (const range of ['1000-', '1000-1001', '99999999999999999999-', '-0']) {
    const got = await get(url, { range: `bytes=${range}` });
    expect(got.status, range).toBe(416);
    expect(got.headers['content-range'], range).toBe('bytes */1000');
  }
  for (const range of [
    'bytes=0-1,5-6',
    'bytes=5-1',
    'bytes=-',
    'bytes=a-b',
    'lines=0-1',
    'bytes=0x1-2',
    'bytes 0-1',
    `bytes=${'9'.repeat(9_000)}`,
  ]) {
    const got = await get(url, { range });
    expect(got.status, range).toBe(200);
    expect(got.body.length, range).toBe(1_000);
  }
});

test('a cut download goes on with If-Range only if the file is still the same', async () => {
  const content = randomBytes(1_000);
  const { url, etag } = await serveArtifact(content);
  const range = 'bytes=400-';
  const same = await get(url, { range, 'if-range': etag });
  expect(same.status).toBe(206);
  expect(same.body.equals(content.subarray(400))).toBe(true);
  for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2026 07:28:00 GMT']) {
    expect((await get(url, { range, 'if-range': other })).status, other).toBe(200);
  }
});

test('who has the file already is told so', async () => {
  const { url, etag } = await serveArtifact(randomBytes(1_000));
  for (const tag of [etag, `W/${etag}`, `"a", ${etag}`, '*']) {
    const got = await get(url, { 'if-none-match': tag });
    expect(got.status, tag).toBe(304);
    expect(got.headers.etag).toBe(etag);
    expect((await get(url, { 'if-none-match': tag }, 'HEAD')).status).toBe(304);
  }
  expect((await get(url, { 'if-none-match': '"other"' })).status).toBe(200);
  expect((await get(url, { 'if-match': '"other"' })).status).toBe(412);
  expect((await get(url, { 'if-match': etag })).status).toBe(200);
});

test('a HEAD ignores ranges, and an empty file has none', async () => {
  const { url } = await serveArtifact(randomBytes(10));
  expect((await get(url, { range: 'bytes=0-1' }, 'HEAD')).status).toBe(200);
  const empty = await serveArtifact(Buffer.alloc(0));
  const whole = await get(empty.url);
  expect([whole.status, whole.headers['content-length']]).toEqual([200, '0']);
  expect((await get(empty.url, { range: 'bytes=0-' })).status).toBe(416);
  expect((await get(empty.url, { range: 'bytes=-5' })).status).toBe(200);
});

test('URLs that are forged, of another path or expired are refused, and say what to do', async () => {
  const { url, base, signer, clock } = await serveArtifact(randomBytes(10));
  const { search } = new URL(url);
  for (const path of [
    '/artifacts/a-2/x',
    '/artifacts/a-1/other',
    '/artifacts/a-1/%2e%2e%2fx',
    '/artifacts/..%2f..%2fetc/passwd',
    '/artifacts/a-1',
  ]) {
    expect((await get(`${base}${path}${search}`)).status, path).toBe(403);
  }
  expect((await get(url.slice(0, -1))).status).toBe(403);
  expect((await get(`${url}&x=1`)).status).toBe(403);
  expect((await get(url.split('?')[0] ?? '')).status).toBe(403);
  const unknown = await get(signer.sign('/artifacts/a-2/x', 60).url);
  expect([unknown.status, String(unknown.body)]).toEqual([404, 'This artifact is gone.\n']);
  clock.at += 61_000;
  const expired = await get(url);
  expect(expired.status).toBe(403);
  expect(String(expired.body)).toContain('ask for a new downloadUrl');
});

test('other methods are refused with those that work', async () => {
  const { url } = await serveArtifact(randomBytes(10));
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const got = await get(url, {}, method);
    expect([got.status, got.headers.allow], method).toEqual([405, 'GET, HEAD']);
  }
});

test('a file that the store has lost is gone, and one that became shorter is cut, not passed as whole', async () => {
  const { url, store, file } = await serveArtifact(randomBytes(3_000_000));
  truncateSync(file, 1_000_000);
  await expect(get(url)).rejects.toThrow();
  await store.remove('jobs/j/adapter');
  expect((await get(url)).status).toBe(404);
});

test('clients that leave in the middle leave no file open', async () => {
  const { url, file } = await serveArtifact(randomBytes(20_000_000));
  for (let round = 0; round < 10; round += 1) {
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  }
  await until('every file is closed', () => openFiles(file) === 0);
});

test('a client that takes nothing is cut off, and what it did not take is not read', async () => {
  const { url, file } = await serveArtifact(randomBytes(20_000_000));
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: x\r\n\r\n`);
  await until('the file is open', () => openFiles(file) > 0);
  socket.pause();
  await until('the file is closed', () => openFiles(file) === 0);
  socket.destroy();
});

test('a connection is kept for the next range', async () => {
  const content = randomBytes(1_000);
  const { url, base } = await serveArtifact(content);
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  const path = url.slice(base.length);
  const ask = (range: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\nrange: bytes=${range}\r\n\r\n`;
  let answers = '';
  socket.on('data', (part: Buffer) => (answers += part.toString('latin1')));
  socket.write(ask('0-9') + ask('10-19') + ask('5000-'));
  await until('three answers', () => answers.match(/HTTP\/1\.1 (206|416)/g)?.length === 3);
  expect(answers).toContain(content.subarray(10, 20).toString('latin1'));
});

test('an artifact collected again keeps its id, and belongs to its tenant alone', async () => {
  const { db } = await serveArtifact(randomBytes(10));
  const [[row] = []] = await selectArtifactsOfJobs(db, TENANT, ['j']);
  if (row === undefined) throw new Error('no artifact');
  const again = await upsertArtifact(db, TENANT, { ...row, id: 'a-2', size_bytes: 11 });
  expect(again).toMatchObject({ id: 'a-1', size_bytes: 11 });
  expect(await selectArtifacts(db, 'other', ['a-1'])).toEqual([null]);
  expect(await selectArtifactsOfJobs(db, 'other', ['j'])).toEqual([[]]);
});
