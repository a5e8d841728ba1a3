import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createPodAgent } from '../../src/datasources/pod-agent.ts';
import { readAll, startImpostor } from '../support/agent-process.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const TOKEN = 'token-for-tests-0123456789';
const BOOT = '0123456789abcdef';

const STATUS = {
  protocol: 1,
  bootId: BOOT,
  phase: 'RUNNING',
  step: 1,
  totalSteps: 2,
  exitCode: null,
  failure: null,
  hasJob: true,
  lastLine: 3,
  logClosed: false,
  droppedLines: 0,
  restarted: false,
  previousBoot: null,
  ending: null,
};

type Answer = (response: ServerResponse) => void;

const json =
  (body: unknown, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

/** Writes until nobody reads any more. */
function endless(response: ServerResponse): void {
  const block = Buffer.alloc(256 * 1024, 0x20);
  const write = () => {
    while (!response.destroyed && response.write(block));
  };
  response.on('drain', write);
  write();
}

async function agentThat(answer: Answer, timeoutMs?: number) {
  const baseUrl = await startImpostor((_request, response) => {
    answer(response);
  });
  return createPodAgent({
    baseUrl,
    token: TOKEN,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

test('a status with all that the protocol says is believed', async () => {
  const agent = await agentThat(json(STATUS));
  expect(await agent.status(signal)).toMatchObject({ bootId: BOOT, step: 1, lastLine: 3 });
});

test('a figure of the trainer that makes no sense costs the figure, not the status', async () => {
  const agent = await agentThat(json({ ...STATUS, step: true, totalSteps: -1 }));
  expect(await agent.status(signal)).toMatchObject({ step: null, totalSteps: null });
});

test.each<[string, string, Answer]>([
  ['another protocol', 'POD_UNTRUSTED', json({ ...STATUS, protocol: 2 })],
  ['a phase that is none', 'POD_UNTRUSTED', json({ ...STATUS, phase: 'DONE' })],
  ['a boot id that could be a path', 'POD_UNTRUSTED', json({ ...STATUS, bootId: '../../etc' })],
  [
    'a redirect',
    'POD_UNTRUSTED',
    (r) => r.writeHead(302, { location: 'http://127.0.0.1:9' }).end(),
  ],
  [
    'a body without end',
    'POD_UNTRUSTED',
    (r) => {
      r.writeHead(200, { 'content-type': 'application/json' });
      endless(r);
    },
  ],
  [
    'text that is no JSON',
    'POD_UNREACHABLE',
    (r) => r.setHeader('content-type', 'application/json').end('{'),
  ],
  [
    "the proxy's page",
    'POD_UNREACHABLE',
    (r) => r.writeHead(404, { 'content-type': 'text/html' }).end('<p>'),
  ],
  [
    'a page with status 200',
    'POD_UNREACHABLE',
    (r) => r.setHeader('content-type', 'text/html').end('<p>'),
  ],
  [
    '502 in the form of a refusal',
    'POD_UNREACHABLE',
    json({ error: { code: 'X', message: '' } }, 502),
  ],
  ['524', 'POD_UNREACHABLE', (r) => r.writeHead(524).end()],
  [
    'a refusal without end',
    'POD_UNTRUSTED',
    (r) => {
      r.writeHead(400, { 'content-type': 'application/json' });
      endless(r);
    },
  ],
  [
    'a body that is cut',
    'POD_UNREACHABLE',
    (r) => {
      r.writeHead(200, { 'content-type': 'application/json', 'content-length': '99' });
      r.write('{', () => r.destroy());
    },
  ],
  ['a full disk', 'POD_REFUSED', json({ error: { code: 'DISK_FULL', message: 'full' } }, 507)],
])('an owner that gets %s as status has %s', async (_what, code, answer) => {
  const agent = await agentThat(answer);
  await expect(agent.status(signal)).rejects.toMatchObject({ name: 'AppError', code });
});

test('an answer that does not come is given up at the deadline', async () => {
  const agent = await agentThat((response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  }, 50);
  await expect(agent.status(signal)).rejects.toMatchObject({
    code: 'POD_UNREACHABLE',
    retryable: true,
  });
});

test("the caller's abort is the caller's, not a failure of the pod", async () => {
  const leaving = new AbortController();
  const agent = await agentThat(() => {
    leaving.abort(new Error('the caller left'));
  });
  await expect(agent.status(leaving.signal)).rejects.toThrow('the caller left');
});

test('a refusal that quotes the token and control characters is told without them', async () => {
  const agent = await agentThat(
    json({ error: { code: 'NO', message: `a\u001b[2J${TOKEN}` } }, 403),
  );
  await expect(agent.status(signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'NO',
    message: 'The pod refused GET /v1/status: a [2J***',
  });
});

test('a token that cannot be sent is refused without being quoted', () => {
  const make = () => createPodAgent({ baseUrl: 'http://127.0.0.1:9', token: 'secret\nvalue' });
  expect(make).toThrow("An agent's token is printable ASCII.");
});

const line = (n: number) => ({ n, t: 1, s: 'stdout', x: 'text' });
const PAGE = {
  bootId: BOOT,
  after: 5,
  next: 7,
  lastLine: 9,
  closed: false,
  lines: [line(6), line(7)],
};

test('a page of lines is as it was asked for', async () => {
  const agent = await agentThat(json({ ...PAGE, lines: [line(6), { ...line(7), more: true }] }));
  const page = await agent.lines(BOOT, 5, 2, signal);
  expect(page.lines).toEqual([
    { n: 6, at: 1, stream: 'stdout', text: 'text' },
    { n: 7, at: 1, stream: 'stdout', text: 'text', isContinued: true },
  ]);
});

test.each<[string, object]>([
  ['a gap', { lines: [line(6), line(8)] }],
  ['lines from another place', { lines: [line(1), line(2)] }],
  ['a line twice', { lines: [line(6), line(6)] }],
  ['a next that skips lines', { next: 8 }],
  ['more lines than there are', { lastLine: 6 }],
  ['more lines than asked for', { next: 8, lines: [line(6), line(7), line(8)] }],
  ['another boot', { bootId: 'f'.repeat(16) }],
  ['another start', { after: 4 }],
  ['a text beyond the bound', { lines: [line(6), { ...line(7), x: 'x'.repeat(65_537) }] }],
  ['an instant beyond time', { lines: [line(6), { ...line(7), t: 9e15 }] }],
  ['a million of nothings', { lines: Array.from({ length: 1_000_000 }, () => 1) }],
])('a page of lines with %s is not trusted', async (_what, change) => {
  const agent = await agentThat(json({ ...PAGE, ...change }));
  await expect(agent.lines(BOOT, 5, 2, signal)).rejects.toMatchObject({ code: 'POD_UNTRUSTED' });
});

const range = (contentRange: string, body: string, status = 206): Answer => {
  return (response) => {
    const headers = { 'content-type': 'application/octet-stream', 'content-range': contentRange };
    response.writeHead(status, headers).end(body);
  };
};

test.each<[string, string, Answer]>([
  ['another range', 'POD_UNTRUSTED', range('bytes 1-4/9', 'abcd')],
  ['a range of no file', 'POD_UNTRUSTED', range('bytes 0-3/2', 'abcd')],
  ['no range', 'POD_UNTRUSTED', range('', 'abcd')],
  ['the whole file', 'POD_UNTRUSTED', range('bytes 0-3/9', 'abcd', 200)],
  ['more bytes than asked for', 'POD_UNTRUSTED', range('bytes 0-3/9', 'abcdefgh')],
  ['fewer bytes than asked for', 'POD_UNREACHABLE', range('bytes 0-3/9', 'ab')],
  ['a page', 'POD_UNREACHABLE', (r) => r.setHeader('content-type', 'text/html').end('<p>')],
])('an owner that gets %s of a result has %s', async (_what, code, answer) => {
  const agent = await agentThat(answer);
  const reading = readAll(agent.readResult('a.bin', { from: 0, to: 3 }, signal));
  await expect(reading).rejects.toMatchObject({ code });
});

test('a pod that ends its connection while the reader is behind is a cut, and no more', async () => {
  const size = 6_000_000;
  let hasEnded = false;
  const agent = await agentThat((response) => {
    response.writeHead(206, {
      'content-type': 'application/octet-stream',
      'content-range': `bytes 0-${size - 1}/${size}`,
      'content-length': String(size),
    });
    response.write(Buffer.alloc(size / 2));
    response.socket?.end(() => (hasEnded = true));
  });
  let seen = 0;
  const reading = async () => {
    for await (const chunk of agent.readResult('a', { from: 0, to: size - 1 }, signal)) {
      seen += chunk.length;
      if (seen < 300_000) await setImmediate();
      else if (seen > size / 3) await until('the pod has ended it', () => hasEnded);
    }
  };
  await expect(reading()).rejects.toMatchObject({ code: 'POD_UNREACHABLE' });
  expect(seen).toBe(size / 2);
});

test('each segment of a path is encoded, and one that leaves its folder is never asked for', async () => {
  const asked: string[] = [];
  const baseUrl = await startImpostor((request, response) => {
    asked.push(request.url ?? '');
    range('bytes 0-3/4', 'abcd')(response);
  });
  const agent = createPodAgent({ baseUrl, token: TOKEN });
  const read = (path: string) => readAll(agent.readResult(path, { from: 0, to: 3 }, signal, BOOT));
  await read('a b/%2e%2e/c?d#é');
  expect(asked).toEqual([`/v1/results/a%20b/%252e%252e/c%3Fd%23%C3%A9?boot=${BOOT}`]);
  for (const path of ['../status', 'a/../../status', './a', 'a//b', '/a', '', '\ud800']) {
    await expect(read(path), path).rejects.toMatchObject({ code: 'POD_UNTRUSTED' });
  }
  expect(asked).toHaveLength(1);
});

test('an upload ends with an agent that has every byte and never says that it is complete', async () => {
  const state = { sizeBytes: 3, sha256: 'a'.repeat(64), received: 3, complete: false };
  const baseUrl = await startImpostor((_request, response) => {
    json(state)(response);
  });
  const agent = createPodAgent({ baseUrl, token: TOKEN, retryPauseMs: 1 });
  const source = { ...state, read: () => new ReadableStream<Uint8Array>() };
  await expect(agent.putFile('a', source, signal)).rejects.toMatchObject({ code: 'POD_REFUSED' });
});
