import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';
import { listen, sendJson } from './listen.ts';
import { cli } from './run-cli.ts';

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 31) % 251));
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const PART = `${SHA256.slice(0, 16)}.part`;

type Send = (request: IncomingMessage, response: ServerResponse) => void;

/** A server whose one job has these files, all served by `send`. */
async function startServer(paths: readonly string[], send: Send, sha256 = SHA256) {
  const requests: { readonly range: string | null; readonly path: string }[] = [];
  const url = await listen((request, response) => {
    const path = request.url ?? '';
    if (path === '/graphql') {
      const artifacts = paths.map((name, index) => ({
        id: `${index}`,
        path: name,
        sizeBytes: BYTES.length,
        sha256,
        kind: 'OTHER',
        downloadUrl: `${url}/files/${index}?try=${requests.length}`,
      }));
      sendJson(response, { data: { trainingJob: { status: 'COMPLETED', artifacts } } });
      return;
    }
    requests.push({ range: request.headers.range ?? null, path });
    send(request, response);
  });
  return { url: `${url}/graphql`, requests };
}

/** As RFC 9110 has it, with the digest as entity tag. */
const sendAll: Send = (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const isPart = from > 0 && request.headers['if-range'] === `"${SHA256}"`;
  if (isPart) {
    const range = `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`;
    response.writeHead(206, { 'content-range': range }).end(BYTES.subarray(from));
  } else {
    response.writeHead(200).end(BYTES);
  }
};

/**
 * Promises everything, and loses the connection once the first third lies in `part`: what is on its
 * way when a connection breaks may or may not arrive.
 */
function cutWhenIn(part: string): Send {
  return (_request, response) => {
    response.writeHead(200, { 'content-length': BYTES.length });
    response.write(BYTES.subarray(0, 100_000));
    void until('a third is there', () => existsSync(part) && statSync(part).size === 100_000).then(
      () => response.destroy(),
    );
  };
}

const download = (url: string, folder: string) => cli(['download', 'job', '--to', folder], { url });

test('a cut download goes on where it was cut, with a new URL, and is verified', async () => {
  const folder = makeFolder();
  const cut = cutWhenIn(join(folder, `a/model.bin.${PART}`));
  let count = 0;
  const { url, requests } = await startServer(['a/model.bin'], (request, response) => {
    count += 1;
    (count === 1 ? cut : sendAll)(request, response);
  });
  const run = await download(url, folder);
  expect(run.code, run.err).toBe(0);
  expect(requests.map(({ range }) => range)).toEqual([null, 'bytes=100000-']);
  expect(requests[1]?.path).toContain('try=1');
  expect(readFileSync(join(folder, 'a/model.bin')).equals(BYTES)).toBe(true);
  expect(readdirSync(join(folder, 'a'))).toEqual(['model.bin']);
});

test('a later start goes on with what an earlier one left', async () => {
  const { url, requests } = await startServer(['model.bin'], sendAll);
  const folder = makeFolder();
  writeFileSync(join(folder, `model.bin.${PART}`), BYTES.subarray(0, 299_999));
  expect((await download(url, folder)).code).toBe(0);
  expect(requests.map(({ range }) => range)).toEqual(['bytes=299999-']);
  expect(readFileSync(join(folder, 'model.bin')).equals(BYTES)).toBe(true);
});

test('a damaged rest of an earlier start is thrown away and everything fetched anew', async () => {
  const { url, requests } = await startServer(['model.bin'], sendAll);
  const folder = makeFolder();
  writeFileSync(join(folder, `model.bin.${PART}`), Buffer.alloc(1_000, 7));
  expect((await download(url, folder)).code).toBe(0);
  expect(requests.map(({ range }) => range)).toEqual(['bytes=1000-', null]);
  expect(readFileSync(join(folder, 'model.bin')).equals(BYTES)).toBe(true);
});

test('a server that ignores ranges sends everything, and that is taken', async () => {
  const { url } = await startServer(['model.bin'], (_request, response) => {
    response.writeHead(200).end(BYTES);
  });
  const folder = makeFolder();
  writeFileSync(join(folder, `model.bin.${PART}`), BYTES.subarray(0, 5));
  expect((await download(url, folder)).code).toBe(0);
  expect(readFileSync(join(folder, 'model.bin')).equals(BYTES)).toBe(true);
});

test('bytes with another SHA-256 are not kept under any name', async () => {
  const { url, requests } = await startServer(['model.bin'], sendAll, 'a'.repeat(64));
  const folder = makeFolder();
  const run = await download(url, folder);
  expect(run.code).toBe(1);
  expect(run.err).toContain(`its SHA-256 is ${SHA256} and should be ${'a'.repeat(64)}`);
  expect(requests).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('a server that never stops sending is stopped', async () => {
  const { url } = await startServer(['model.bin'], (_request, response) => {
    response.writeHead(200);
    const more = (): void => void response.write(BYTES, () => setImmediate(more));
    more();
  });
  const run = await download(url, makeFolder());
  expect(run.code).toBe(1);
  expect(run.err).toContain('longer than');
});

test.each([
  '../evil',
  'a/../../evil',
  '/etc/evil',
  '..\\evil',
  'C:evil',
  'a//b',
  './a',
  '',
  'a/\x1b[2J',
  'nul.txt',
  'a/.. ',
])('a file named %j is refused before anything is written', async (path) => {
  const { url, requests } = await startServer(['good.bin', path], sendAll);
  const folder = join(makeFolder(), 'results');
  const run = await download(url, folder);
  expect(run.code).toBe(1);
  expect(run.err).toContain('Nothing was written');
  expect(requests).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test('two files that one file system would take for one are refused', async () => {
  const { url } = await startServer(['Model.bin', 'model.bin'], sendAll);
  expect((await download(url, makeFolder())).code).toBe(1);
});

test('a link in the folder does not lead out of it', async () => {
  const { url } = await startServer(['sub/model.bin'], sendAll);
  const folder = makeFolder();
  const outside = makeFolder();
  symlinkSync(outside, join(folder, 'sub'));
  const run = await download(url, folder);
  expect(run.code).toBe(1);
  expect(readdirSync(outside)).toEqual([]);
});

test('a file of the user with another content stays as it is', async () => {
  const { url } = await startServer(['model.bin'], sendAll);
  const folder = makeFolder();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.bin'), 'mine');
  const run = await download(url, folder);
  expect(run.code).toBe(1);
  expect(run.err).toContain('--to');
  expect(readFileSync(join(folder, 'model.bin'), 'utf8')).toBe('mine');
});

test('a download that never gets through ends with 3 and can be gone on with', async () => {
  const folder = makeFolder();
  const cut = cutWhenIn(join(folder, `model.bin.${PART}`));
  const { url } = await startServer(['model.bin'], (request, response) => {
    if (request.headers.range === undefined) cut(request, response);
    else response.destroy();
  });
  const run = await download(url, folder);
  expect(run.code).toBe(3);
  expect(run.err).toContain('goes on where it was cut');
  expect(readFileSync(join(folder, `model.bin.${PART}`)).length).toBe(100_000);
});
