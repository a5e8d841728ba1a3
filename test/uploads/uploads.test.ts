import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { put, startUploads, TENANT } from './start-uploads.ts';

const ROW = '{"text":"Hello"}\n';
const GOOD = ROW.repeat(3);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

type Server = Awaited<ReturnType<typeof startUploads>>;

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

function partsIn({ dataDir }: Server): readonly string[] {
  const folder = join(dataDir, 'uploads');
  return existsSync(folder) ? readdirSync(folder) : [];
}

function storedAt({ dataDir }: Server, id: string): string | null {
  const path = join(dataDir, 'artifacts/uploads', id);
  return existsSync(path) ? readFileSync(path, 'utf8') : null;
}

/** Begins an upload and leaves it open. */
function begin(url: string, content: string) {
  const sent = request(url, { method: 'PUT' });
  sent.on('error', () => undefined);
  sent.write(content);
  return sent;
}

const stateOf = async ({ uploads }: Server, id: string) => (await uploads.find(id))?.state;

test.each([
  ['train.jsonl', GOOD, 'jsonl', 3],
  ['train.json', `[${GOOD.trim().replaceAll('\n', ',')}]`, 'json', 3],
  ['Train Größe.CSV', 'prompt,completion\na,b\nc,d\n', 'csv', 2],
])('%s is received, checked and kept', async (fileName, content, format, rowCount) => {
  const server = await startUploads();
  const { id, url } = await server.announce(fileName, Buffer.byteLength(content));
  const answer = await put(url, content);
  const sizeBytes = Buffer.byteLength(content);
  const known = { sizeBytes, sha256: sha256(content), format, rowCount };
  expect(answer).toEqual({ status: 201, body: { uploadId: id, ...known } });
  expect(storedAt(server, id)).toBe(content);
  expect(partsIn(server)).toEqual([]);
  expect(await server.uploads.find(id)).toEqual({ id, fileName, state: 'READY', content: known });
});

test('a Parquet file is checked once it is whole, and kept as it is', async () => {
  const server = await startUploads();
  const content = readFileSync(new URL('../domain/parquet/messages.parquet', import.meta.url));
  const { id, url } = await server.announce('train-00000-of-00001.parquet', content.length);
  const known = { format: 'parquet', rowCount: 3, sha256: sha256(content) };
  expect(await put(url, content)).toMatchObject({ status: 201, body: known });
  const file = await server.uploads.openForPod(id);
  expect(file.fileName).toBe('train-00000-of-00001.parquet');
  const stored = readFileSync(join(server.dataDir, 'artifacts/uploads', id));
  expect(stored.equals(content)).toBe(true);
  expect(partsIn(server)).toEqual([]);
});

test('a Parquet file with wrong rows, or none at all, is refused and may be sent again', async () => {
  const server = await startUploads();
  const fixture = (name: string) =>
    readFileSync(new URL(`../domain/parquet/${name}.parquet`, import.meta.url));
  const { id, url } = await server.announce('train.parquet');
  const whole = fixture('text-snappy');
  for (const [content, message, rows] of [
    [fixture('text-groups'), 'Rows are wrong: row 5', [{ row: 5 }, { row: 6 }]],
    [whole.subarray(0, -20), 'cut off or damaged', []],
    [Buffer.from(GOOD), 'is not Parquet', []],
  ] as const) {
    const answer = await put(url, content);
    expect(answer.status).toBe(422);
    expect(answer.body.error).toMatchObject({ code: 'DATASET_INVALID', rows });
    expect(answer.body.error?.message).toContain(message);
    expect(partsIn(server)).toEqual([]);
    expect(await stateOf(server, id)).toBe('WAITING');
  }
  const others = await Promise.all([server.announce('a.parquet'), server.announce('b.parquet')]);
  const answers = await Promise.all(
    [url, ...others.map((it) => it.url)].map((it) => put(it, whole)),
  );
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
});

test('a body without a length is fine', async () => {
  const server = await startUploads();
  const { url } = await server.announce();
  expect((await put(url, Readable.from([ROW, ROW.slice(0, 5), ROW.slice(5)]))).status).toBe(201);
});

test('a pod gets the file under a name it takes, from any offset', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce('Größe 1.jsonl');
  await expect(server.uploads.openForPod(id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await put(url, GOOD);
  const file = await server.uploads.openForPod(id);
  expect(file).toMatchObject({ fileName: 'Gr_e_1.jsonl', sizeBytes: 51, sha256: sha256(GOOD) });
  for (const offset of [0, 1, 50, 51]) {
    let text = '';
    for await (const chunk of file.read(offset)) text += Buffer.from(chunk).toString();
    expect(text).toBe(GOOD.slice(offset));
  }
});

test('a faulty file is refused with its rows, nothing is kept, and it may be sent again', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  const answer = await put(url, `${ROW}{"no":1}\n${ROW}not json\n`);
  expect(answer.status).toBe(422);
  expect(answer.body.error).toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringContaining('row 2') as string,
    rows: [{ row: 2 }, { row: 4 }],
  });
  expect(partsIn(server)).toEqual([]);
  expect(storedAt(server, id)).toBeNull();
  expect(await stateOf(server, id)).toBe('WAITING');
  expect((await put(url, GOOD)).status).toBe(201);
});

test('a hopeless file is refused before all of it was sent', async () => {
  const server = await startUploads();
  const { url } = await server.announce();
  let sentRows = 0;
  const endless = Readable.from(
    (function* () {
      for (; sentRows < 2_000_000; sentRows += 1_000) yield '{"no":1}\n'.repeat(1_000);
    })(),
  );
  const answer = await put(url, endless);
  endless.destroy();
  expect(answer.status).toBe(422);
  expect(answer.body.error?.rows).toHaveLength(20);
  expect(sentRows).toBeLessThan(2_000_000);
});

test('what the trainer could not use is refused when it is announced', async () => {
  const { uploads } = await startUploads({ maxBytes: 1_000 });
  expect(await uploads.create('train.txt', 5_000)).toEqual({
    kind: 'refused',
    errors: [
      { code: 'INVALID', path: ['fileName'], message: expect.stringContaining('.jsonl') as string },
      { code: 'INVALID', path: ['sizeBytes'], message: expect.stringContaining('1000') as string },
    ],
  });
  for (const name of ['../x.csv', '/x.csv', 'x', '.csv', 'a\u0000.csv']) {
    expect((await uploads.create(name, null)).kind, name).toBe('refused');
  }
  for (const size of [0, -1, 1.5, Number.NaN, 1_001]) {
    expect((await uploads.create('x.csv', size)).kind, String(size)).toBe('refused');
  }
});

test('a file over the limit is refused by its length, and while it comes', async () => {
  const server = await startUploads({ maxBytes: 40 });
  const { id, url } = await server.announce();
  for (const content of [GOOD, Readable.from([GOOD])]) {
    const answer = await put(url, content);
    expect([answer.status, answer.body.error?.code]).toEqual([413, 'TOO_LARGE']);
  }
  expect(partsIn(server)).toEqual([]);
  expect(await stateOf(server, id)).toBe('WAITING');
});

test('a file of another size than announced is refused', async () => {
  const server = await startUploads();
  const { url } = await server.announce('train.jsonl', 34);
  for (const content of [GOOD, Readable.from([GOOD]), ROW, Readable.from([ROW])]) {
    const answer = await put(url, content);
    expect([answer.status, answer.body.error?.code]).toEqual([422, 'SIZE_MISMATCH']);
  }
  expect((await put(url, ROW.repeat(2))).status).toBe(201);
});

test('an upload cut in the middle leaves nothing, and may be sent again', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  for (const header of ['content-length: 5000', 'transfer-encoding: chunked']) {
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname);
    const body = header.includes('chunked') ? `11\r\n${ROW}\r\n` : ROW;
    socket.write(`PUT ${pathname}${search} HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n${body}`);
    await until('its part is there', () => partsIn(server).length > 0);
    socket.destroy();
    await until('it waits again', async () => (await stateOf(server, id)) === 'WAITING');
    expect(partsIn(server)).toEqual([]);
    expect(storedAt(server, id)).toBeNull();
  }
  expect((await put(url, GOOD)).status).toBe(201);
});

test('a sender that falls silent is cut off', async () => {
  const server = await startUploads({ idleMs: 100 });
  const { id, url } = await server.announce();
  const sent = begin(url, ROW);
  const status = new Promise((resolve) => {
    sent.on('response', (got) => {
      resolve(got.statusCode);
    });
  });
  expect(await status).toBe(408);
  await until('it waits again', async () => (await stateOf(server, id)) === 'WAITING');
  expect(partsIn(server)).toEqual([]);
});

test('of two senders at once the second is refused, and the first is not disturbed', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  const first = begin(url, ROW);
  await until('it is being received', async () => (await stateOf(server, id)) === 'RECEIVING');
  const second = await put(url, GOOD);
  expect([second.status, second.body.error?.code]).toEqual([409, 'UPLOAD_BUSY']);
  const status = new Promise((resolve) => {
    first.on('response', (got) => {
      resolve(got.statusCode);
    });
  });
  first.end(ROW);
  expect(await status).toBe(201);
  expect(storedAt(server, id)).toBe(ROW.repeat(2));
});

test('the receiver that died is replaced once its lease is over, and cannot complete afterwards', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  const first = begin(url, ROW);
  await until('it is being received', async () => (await stateOf(server, id)) === 'RECEIVING');
  server.clock.at += 121_000;
  expect((await put(url, GOOD)).status).toBe(201);
  const status = new Promise((resolve) => {
    first.on('response', (got) => {
      resolve(got.statusCode);
    });
  });
  first.end(ROW);
  expect(await status).toBe(409);
  expect(storedAt(server, id)).toBe(GOOD);
  expect(await stateOf(server, id)).toBe('READY');
});

test('the same file again is a success, another one is refused', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  const first = await put(url, GOOD);
  expect(await put(url, GOOD)).toEqual({ ...first, status: 200 });
  expect(await put(url, Readable.from([GOOD]))).toEqual({ ...first, status: 200 });
  for (const other of [`${GOOD} `, Readable.from([`${GOOD} `]), GOOD.replace('H', 'h')]) {
    const answer = await put(url, other);
    expect([answer.status, answer.body.error?.code]).toEqual([409, 'UPLOAD_COMPLETE']);
  }
  expect(storedAt(server, id)).toBe(GOOD);
});

test('URLs that are forged, of another upload or expired are refused', async () => {
  const server = await startUploads();
  const { url } = await server.announce();
  const other = await server.announce();
  const { search } = new URL(url);
  for (const path of [
    new URL(other.url).pathname,
    '/uploads/..%2f..%2fx',
    '/uploads/',
    '/uploads/x/y',
  ]) {
    expect((await put(`${server.base}${path}${search}`, GOOD)).status, path).toBe(403);
  }
  const unknown = await put(server.signer.sign('/uploads/nobody', 60).url, GOOD);
  expect([unknown.status, unknown.body.error?.code]).toEqual([404, 'NOT_FOUND']);
  server.clock.at += HOUR_MS;
  const expired = await put(url, GOOD);
  expect([expired.status, expired.body.error?.code]).toEqual([403, 'URL_EXPIRED']);
});

test('other methods, forms, parts and compression are refused with what to do instead', async () => {
  const { announce } = await startUploads();
  const { url } = await announce();
  expect((await put(url, GOOD, {}, 'POST')).status).toBe(405);
  expect((await put(url, GOOD, { 'content-encoding': 'gzip' })).status).toBe(415);
  expect((await put(url, GOOD, { 'content-range': 'bytes 0-50/51' })).status).toBe(400);
  const form = await put(url, GOOD, { 'content-type': 'multipart/form-data; boundary=x' });
  expect(form.status).toBe(415);
  expect(form.body.error?.message).toContain('--upload-file');
  expect((await put(url, GOOD)).status).toBe(201);
});

test('a disk that takes nothing is told as such, and the upload may be sent again', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  async function* body() {
    yield Buffer.from(ROW);
    await Promise.reject(full);
  }
  await expect(server.uploads.receive(id, body(), null)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  expect((await put(url, GOOD)).status).toBe(201);
});

test('uploads that were never sent go once they have expired, with what a crash left of them', async () => {
  const server = await startUploads();
  const waiting = await server.announce();
  const dying = await server.announce();
  const kept = await server.announce();
  await put(kept.url, GOOD);
  await server.db.query(`update uploads set state = 'RECEIVING' where id = $1`, [dying.id]);
  const part = join(server.dataDir, 'uploads', `${dying.id}.part`);
  const stray = join(server.dataDir, 'uploads/stray.part');
  for (const path of [part, stray]) {
    writeFileSync(path, 'x');
    utimesSync(path, new Date(server.clock.at + HOUR_MS), new Date(server.clock.at + HOUR_MS));
  }
  expect(await server.uploads.purge(server.clock.at + HOUR_MS - 1_000)).toBe(0);
  expect(partsIn(server)).toHaveLength(2);
  utimesSync(stray, 1, 1);
  expect(await server.uploads.purge(server.clock.at + HOUR_MS + 1_000)).toBe(2);
  expect(partsIn(server)).toEqual([]);
  expect(await server.uploads.find(waiting.id)).toBeNull();
  expect(await server.uploads.find(dying.id)).toBeNull();
  expect(await stateOf(server, kept.id)).toBe('READY');
});

test('a file that is being received is not purged, however long it takes', async () => {
  const server = await startUploads();
  const { id, url } = await server.announce();
  server.clock.at += HOUR_MS - 1_000;
  const first = begin(url, ROW);
  await until('its part is there', () => partsIn(server).length > 0);
  server.clock.at += 60_000;
  expect(await server.uploads.purge(server.clock.at)).toBe(0);
  expect(partsIn(server)).toHaveLength(1);
  first.destroy();
  await until('it waits again', async () => (await stateOf(server, id)) === 'WAITING');
});

test('complete uploads that no job names go after their retention, the others stay', async () => {
  const server = await startUploads();
  const unused = await server.announce();
  const used = await server.announce();
  for (const { url } of [unused, used]) await put(url, GOOD);
  server.referenced.add(used.id);
  expect(await server.uploads.purge(server.clock.at + 29 * DAY_MS)).toBe(0);
  expect(await server.uploads.purge(server.clock.at + 31 * DAY_MS)).toBe(1);
  expect(storedAt(server, unused.id)).toBeNull();
  expect(await server.uploads.find(unused.id)).toBeNull();
  expect(storedAt(server, used.id)).toBe(GOOD);
  const rows = await server.db.query('select id from uploads where tenant_id = $1', [TENANT]);
  expect(rows).toEqual([{ id: used.id }]);
});
