/** The platform's log stream, as a server of the test's own sends it. */
import { pino } from 'pino';
import { setImmediate as turn } from 'node:timers/promises';
import type { RequestListener } from 'node:http';
import { expect, test } from 'vitest';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import { startImpostor } from '../support/agent-process.ts';

async function platformThat(answer: RequestListener) {
  const url = await startImpostor(answer);
  return createRunpod({
    restUrl: url,
    graphqlUrl: `${url}/graphql`,
    proxyUrl: `${url}/{podId}/{port}`,
    apiKey: 'rpa_key',
    emulated: false,
    timeoutMs: 2_000,
    log: pino({ level: 'silent' }),
  });
}

const frame = (n: number) =>
  `id: 2026-06-01T12:00:00Z/${String(n).padStart(12, '0')}\ndata: ${JSON.stringify({
    ts: '2026-06-01T12:00:00Z',
    source: 'container',
    line: `line ${n} ${'x'.repeat(200)}`,
  })}\n\n`;

test('a slow reader gets every line of a stream that its peer has ended long ago', async () => {
  const count = 20_000;
  const runpod = await platformThat((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' });
    response.end(Array.from({ length: count }, (_, index) => frame(index + 1)).join(''));
  });
  let seen = 0;
  const { signal } = new AbortController();
  for await (const { text } of runpod.logs('pod', { signal })) {
    seen += 1;
    expect(text.startsWith(`line ${seen} `)).toBe(true);
    if (seen % 100 === 0) await turn();
  }
  expect(seen).toBe(count);
});

test('a stream that is refused is told by name, without the key', async () => {
  const runpod = await platformThat((_request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ detail: 'no logs for rpa_key' }));
  });
  const { signal } = new AbortController();
  const reading = (async () => {
    for await (const line of runpod.logs('pod', { signal })) expect(line).toBeUndefined();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'PLATFORM_REJECTED' });
  await expect(reading).rejects.toThrow('***');
});

test('a redirect is not followed: it would carry the key elsewhere', async () => {
  let isAsked = false;
  const other = await startImpostor((_request, response) => {
    isAsked = true;
    response.end();
  });
  const runpod = await platformThat((_request, response) => {
    response.writeHead(302, { location: other });
    response.end();
  });
  const { signal } = new AbortController();
  const reading = (async () => {
    for await (const line of runpod.logs('pod', { signal })) expect(line).toBeUndefined();
  })();
  await expect(reading).rejects.toMatchObject({ code: 'PLATFORM_REJECTED' });
  expect(isAsked).toBe(false);
});
