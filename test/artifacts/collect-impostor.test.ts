import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectArtifacts } from '../../src/artifacts/collect.ts';
import { createPodAgent } from '../../src/datasources/pod-agent.ts';
import { startImpostor } from '../support/agent-process.ts';
import { createFolderStore } from '../support/folder-store.ts';
import { makeFolder } from '../support/folder.ts';

const { signal } = new AbortController();
const BODY = Buffer.from('the bytes of a result');
const SHA256 = createHash('sha256').update(BODY).digest('hex');

const listed = (change: object = {}) => ({
  path: 'a.bin',
  sizeBytes: BODY.length,
  sha256: SHA256,
  kind: 'OTHER',
  ...change,
});

/** Answers a range of `bytes`, as the agent would. */
function sendRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): void {
  const [from = 0, to = 0] = (/(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [])
    .slice(1)
    .map(Number);
  if (from >= bytes.length) {
    const error = { code: 'BAD_RANGE', message: 'beyond' };
    response.writeHead(416, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
    return;
  }
  const last = Math.min(to, bytes.length - 1);
  response
    .writeHead(206, {
      'content-type': 'application/octet-stream',
      'content-range': `bytes ${from}-${last}/${bytes.length}`,
    })
    .end(bytes.subarray(from, last + 1));
}

type Serve = (request: IncomingMessage, response: ServerResponse) => void;
const serve =
  (bytes: Buffer): Serve =>
  (request, response) => {
    sendRange(request, response, bytes);
  };

/** Collects from an impostor; says what became of it and of the folder around the staging one. */
async function collectFrom(files: unknown, serveFile: Serve = serve(BODY)) {
  const world = makeFolder();
  for (const name of ['store', 'outside']) mkdirSync(join(world, name));
  const store = createFolderStore(join(world, 'store'));
  const baseUrl = await startImpostor((request, response) => {
    if (request.url?.startsWith('/v1/results/') === true) {
      serveFile(request, response);
      return;
    }
    const manifest = { bootId: '0'.repeat(16), final: true, pending: 0, files };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(manifest));
  });
  const outcome = await collectArtifacts({
    agent: createPodAgent({ baseUrl, token: 'token-for-tests' }),
    staging: join(world, 'staging'),
    keyPrefix: 'jobs/1/',
    store,
    maxBytes: 1_000_000,
    pollMs: 1,
    retryPauseMs: 1,
    maxFailures: 3,
    signal,
  }).catch((error: unknown) => error);
  return {
    outcome,
    store,
    world,
    names: readdirSync(world, { recursive: true, encoding: 'utf8' }),
  };
}

test('an impostor that tells the truth is collected from', async () => {
  const { outcome, store } = await collectFrom([listed()]);
  expect(outcome).toMatchObject({ kind: 'collected' });
  expect(store.contents()).toEqual({ 'jobs/1/a.bin': BODY });
});

test.each([
  '../outside/a',
  '/outside/a',
  'a/../../../outside/a',
  String.raw`..\outside\a`,
  'a\u0000',
  '.',
])('a result at %j is corrupt, and nothing is written anywhere', async (path) => {
  const { outcome, names } = await collectFrom([listed(), listed({ path })]);
  expect(outcome).toMatchObject({ kind: 'corrupt' });
  expect(names.toSorted()).toEqual(['outside', 'store']);
});

test.each<[string, object, Serve?]>([
  ['a sha256 that is another', { sha256: 'a'.repeat(64) }],
  ['a size that is larger', { sizeBytes: BODY.length + 5 }],
  ['a size that is smaller', { sizeBytes: BODY.length - 5 }],
  ['a size beyond the limit', { sizeBytes: 1_000_001 }],
  [
    'another range',
    {},
    (_request, response) => {
      const headers = {
        'content-type': 'application/octet-stream',
        'content-range': `bytes 1-${BODY.length}/99`,
      };
      response.writeHead(206, headers).end(BODY);
    },
  ],
  [
    'a body without end',
    {},
    (_request, response) => {
      const headers = {
        'content-type': 'application/octet-stream',
        'content-range': `bytes 0-${BODY.length - 1}/${BODY.length}`,
      };
      response.writeHead(206, headers);
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', write);
      write();
    },
  ],
  [
    'a redirect',
    {},
    (_request, response) => {
      response.writeHead(307, { location: 'http://127.0.0.1:9/' }).end();
    },
  ],
  [
    'a result that is not there',
    {},
    (_request, response) => {
      const error = { code: 'NO_SUCH_RESULT', message: 'none' };
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end(JSON.stringify({ error }));
    },
  ],
])('%s is corrupt, and the store stays empty', async (_what, change, serveFile) => {
  const { outcome, names, store } = await collectFrom(
    [listed({ path: 'first.bin' }), listed(change)],
    (request, response) => {
      (request.url?.includes('first.bin') === true ? serve(BODY) : (serveFile ?? serve(BODY)))(
        request,
        response,
      );
    },
  );
  expect(outcome).toMatchObject({ kind: 'corrupt' });
  expect(store.contents()).toEqual({});
  expect(names.toSorted()).toEqual(['outside', 'store']);
});

test('a file whose bytes are wrong once is pulled anew', async () => {
  let requests = 0;
  const { outcome, store } = await collectFrom([listed()], (request, response) => {
    requests += 1;
    sendRange(request, response, requests === 1 ? Buffer.alloc(BODY.length) : BODY);
  });
  expect(outcome).toMatchObject({ kind: 'collected' });
  expect(requests).toBe(2);
  expect(store.contents()).toEqual({ 'jobs/1/a.bin': BODY });
});

test('a safetensors file with a header that lies is corrupt', async () => {
  const header = JSON.stringify({ a: { dtype: 'F32', shape: [9], data_offsets: [0, 4] } });
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const bytes = Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { outcome, store } = await collectFrom(
    [listed({ path: 'x/A.SafeTensors', sizeBytes: bytes.length, sha256 })],
    serve(bytes),
  );
  expect(outcome).toMatchObject({
    kind: 'corrupt',
    reason: expect.stringContaining('another size than its shape') as unknown,
  });
  expect(store.contents()).toEqual({});
});

test('a list that is no list is corrupt, and no folder is made for it', async () => {
  for (const files of [null, [{ path: 1 }], Array.from({ length: 20_000 }, () => listed())]) {
    const { outcome, world } = await collectFrom(files);
    expect(outcome).toMatchObject({ kind: 'corrupt' });
    expect(existsSync(join(world, 'staging'))).toBe(false);
  }
});

test('a pod that only ever cuts is given up, and may be tried again', async () => {
  const { outcome } = await collectFrom([listed()], (_request, response) => {
    response.destroy();
  });
  expect(outcome).toMatchObject({ code: 'POD_UNREACHABLE', retryable: true });
});
