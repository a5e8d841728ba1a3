import { expect, test } from 'vitest';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { SECRET, startRouter } from '../support/callback-router.ts';
import { connectClient, LOGS, numbered, readLogs } from '../support/follow.ts';
import type { LogEvent } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { startTestApp } from '../support/start-app.ts';
import type { StreamServerSettings } from '../support/stream-server.ts';
import { until } from '../support/until.ts';

const CHANGED = 'subscription($id: ID!) { trainingJobChanged(jobId: $id) { id } }';

async function start(settings: StreamServerSettings = {}) {
  const router = await startRouter();
  const followed = await startFollowed({
    callbacks: { urls: [router.url], secret: SECRET },
    ...settings,
  });
  const events = () =>
    router
      .nexts()
      .map((payload) => (payload as { data: { trainingJobLogs: LogEvent } }).data.trainingJobLogs);
  return {
    ...followed,
    router,
    events,
    lines: () => events().flatMap(({ count, text }) => (count > 0 ? text.split('\n') : [])),
    ask: (more?: Parameters<typeof router.ask>[2]) =>
      router.ask(followed.url, { query: LOGS, variables: { jobId: followed.job.id } }, more),
  };
}

test('a router that is called back gets what is stored, then what comes, and the end', async () => {
  const { router, ask, write, end, lines, events } = await start();
  await write(1, 2_500);
  expect(await ask()).toEqual({ status: 200, data: null });
  const check = { kind: 'subscription', action: 'check', id: 'id-1', verifier: 'verifier' };
  expect(router.messages[0]).toEqual(check);
  await until('the stored lines', () => lines().length === 2_500);
  for (let line = 2_501; line <= 2_550; line += 1) await write(line, 1);
  await end('goodbye');
  const complete = await until('the end', () => router.complete());
  expect(complete).toEqual({ ...check, action: 'complete' });
  expect(router.messages.at(-1)).toBe(complete);
  expect(lines()).toEqual([...numbered(1, 2_550), 'goodbye']);
  expect(events().at(-1)).toMatchObject({ reason: 'JOB_ENDED', retry: false });
});

test('it shares reads with readers of other transports', async () => {
  const { url, job, ask, write, reads, events, lines } = await start();
  const socket = readLogs(connectClient(url), { jobId: job.id });
  await until('the socket', () => socket.events.length === 1);
  await ask();
  await until('the router', () => events().length === 1);
  const before = reads();
  for (let line = 1; line <= 10; line += 1) {
    await write(line, 1);
    await until('both', () => lines().length === line && socket.lines().length === line);
  }
  expect(reads() - before).toBe(10);
});

test.each([
  ['another host', (url: string) => url.replace('127.0.0.1', 'localhost'), 403],
  ['another port', () => 'http://127.0.0.1:9/callback/x', 403],
  ['a path that only begins alike', (url: string) => `${url}-other/x`, 403],
  ['a path that climbs out', (url: string) => `${url}/../other`, 403],
  ['a path that climbs out in disguise', (url: string) => `${url}/%2e%2e/other`, 403],
  ['a user in it', (url: string) => url.replace('http://', 'http://me:secret@'), 403],
  [
    'the list in its user',
    (url: string) => `${url.replace('/callback', '')}@127.0.0.1:9/callback`,
    403,
  ],
  ['another scheme', () => 'file:///etc/passwd', 400],
  ['no URL at all', () => 'callback', 400],
])('a callback URL with %s is refused, and nobody is called', async (_what, urlOf, status) => {
  const { router, ask } = await start();
  const answer = await ask({ extension: { callbackUrl: urlOf(router.url) } });
  expect(answer.status).toBe(status);
  expect(answer.errors?.[0]?.message).toMatch(/CALLBACK_URLS|callbackUrl/);
  expect(router.messages).toEqual([]);
});

test('without the secret nobody is called', async () => {
  const { router, ask } = await start();
  for (const secret of [null, '', `${SECRET}x`, SECRET.slice(1), SECRET.toUpperCase()]) {
    const answer = await ask({ secret });
    expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(JSON.stringify(answer)).not.toContain(SECRET);
  }
  expect(router.messages).toEqual([]);
});

test('where callbacks are off, nobody is called', async () => {
  const { router, ask } = await start({ callbacks: undefined });
  const answer = await ask();
  expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  expect(answer.errors?.[0]?.message).toContain('CALLBACK_URLS');
  expect(router.messages).toEqual([]);
});

test.each([
  ['a query', '{ __typename }', 'BAD_REQUEST'],
  ['a mutation', 'mutation { cancelTrainingJob(id: "x") { userErrors { code } } }', 'BAD_REQUEST'],
  ['an unknown field', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a syntax error', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
])(
  '%s that asks to be called back is refused, and nobody is called',
  async (_what, query, code) => {
    const { url, router } = await start();
    const answer = await router.ask(url, { query });
    expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code } }] });
    expect(router.messages).toEqual([]);
  },
);

test('what cannot begin completes with why, as over other transports', async () => {
  const { url, router, left } = await start();
  const query = 'subscription { trainingJobLogs(jobId: "none") { __typename } }';
  expect((await router.ask(url, { query })).status).toBe(200);
  const complete = await until('the end', () => router.complete());
  expect(complete.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
  expect(router.nexts()).toEqual([]);
  expect(left).toEqual([]);
});

test.each([
  ['does not know of it', 404],
  ['fails', 500],
  ['redirects', 302],
])('a router that %s when it is first asked gets no stream', async (_what, status) => {
  const { router, ask, left } = await start();
  router.answerWith(() => status);
  const answer = await ask();
  expect(answer).toMatchObject({ status: 400, errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  expect(router.messages.every(({ action }) => action === 'check')).toBe(true);
  expect(router.paths.every((path) => path.startsWith('/callback/'))).toBe(true);
  expect(left).toEqual([]);
  router.answerWith(() => 204);
  expect((await ask()).status).toBe(200);
});

test.each([
  ['has ended the subscription', 404, 1],
  ['refuses', 400, 1],
  ['redirects', 302, 1],
  ['fails', 500, 3],
  ['may have got it from a proxy', 502, 1],
  ['may have got it from a proxy that did not wait', 504, 1],
  ['never answers', undefined, 1],
])('a router that %s ends the stream, and nothing more is read', async (_what, status, tries) => {
  const { router, ask, write, left, job, lines } = await start({ callbackTimeoutMs: 1_000 });
  await ask();
  await write(1, 1);
  await until('the first line', () => lines().length === 1);
  router.answerWith(({ action }) => (action === 'next' ? status : 204));
  const before = router.messages.length;
  await write(2, 1);
  await until('nobody follows the job', () => left.includes(job.id));
  await write(3, 1);
  const since = () => router.messages.slice(before).map(({ action }) => action);
  // Of what it does not know it is told no end; else it, and its client, would wait for ever.
  const ends = status === 404 ? [] : ['complete'];
  await until('the end', () => since().length === tries + ends.length);
  expect(since()).toEqual([...Array.from({ length: tries }, () => 'next'), ...ends]);
});

test('a router that is gone is noticed by the next check, though nothing happens', async () => {
  const { url, router, left, job } = await start();
  const request = { query: CHANGED, variables: { id: job.id } };
  await router.ask(url, request, { extension: { heartbeatIntervalMs: 500 } });
  await until('two checks', () => {
    const checks = router.messages.filter(({ action }) => action === 'check');
    return checks.length >= 3;
  });
  expect(left).toEqual([]);
  router.answerWith(() => 404);
  await until('nobody follows the job', () => left.includes(job.id));
  expect(router.complete()).toBeUndefined();
});

test('a slow router holds no more than the bound, and gets every line in the end', async () => {
  const { router, ask, write, end, lines, events } = await start({
    more: { maxBufferedBytes: 4_096 },
  });
  await ask();
  await until('the first batch', () => events().length === 1);
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const slow = router.hold(held);
  for (let line = 1; line <= 2_000; line += 20) {
    await write(line, 20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await slow;
  release?.();
  await end();
  await until('the end', () => router.complete());
  expect(lines()).toEqual(numbered(1, 2_000));
  // Batches behind the bound were not kept: they were read again, and larger.
  expect(events().length).toBeLessThan(100);
});

test('a shutdown tells where to go on and completes', async () => {
  const { url, router, job, ask, write, close } = await start();
  await write(1, 3);
  await ask();
  await router.ask(url, { query: CHANGED, variables: { id: job.id } });
  await until('both', () => router.nexts().length === 2);
  await close();
  const cursor = encodeCursor('log', job.id, 3);
  const reasons = router.nexts().filter((payload) => JSON.stringify(payload).includes('SHUTTING'));
  expect(reasons).toEqual([
    {
      data: {
        trainingJobLogs: { __typename: 'StreamEnd', reason: 'SHUTTING_DOWN', retry: true, cursor },
      },
    },
  ]);
  expect(router.messages.filter(({ action }) => action === 'complete')).toHaveLength(2);
});

test('callbacks over the cap, and a second of the same id, are refused', async () => {
  const { ask } = await start({ more: { maxConnections: 1 } });
  expect((await ask()).status).toBe(200);
  expect(await ask()).toMatchObject({
    status: 503,
    errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }],
  });
  const { ask: again, router } = await start();
  const extension = { callbackUrl: `${router.url}/one`, subscriptionId: 'one' };
  expect((await again({ extension })).status).toBe(200);
  expect((await again({ extension })).status).toBe(400);
});

test('the whole server calls back whom its settings name', async () => {
  const router = await startRouter();
  const { app } = await startTestApp({ CALLBACK_URLS: router.url, ROUTER_SECRET: SECRET });
  const query = 'subscription { trainingJobLogs(jobId: "none") { __typename } }';
  expect((await router.ask(app.url, { query }, { secret: 'another' })).status).toBe(401);
  expect(await router.ask(app.url, { query })).toEqual({ status: 200, data: null });
  const complete = await until('the end', () => router.complete());
  expect(complete.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }]);
});
