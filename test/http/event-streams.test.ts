import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { connectClient, connectEvents, LOGS, numbered, readLogs } from '../support/follow.ts';
import { startFollowed as start } from '../support/followed.ts';
import { nextsOf, openRaw } from '../support/raw-events.ts';
import { startTestApp } from '../support/start-app.ts';
import { SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

const CHANGED = 'subscription($id: ID!) { trainingJobChanged(jobId: $id) { id } }';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function urlOf(url: string, query: string, variables: object = {}): string {
  const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  return `${url}/graphql?${parameters.toString()}`;
}

test('a reader gets what is stored, then what comes, and the end of the job', async () => {
  const { url, job, write, end } = await start();
  await write(1, 2_500);
  const reading = readLogs(connectEvents(url), { jobId: job.id });
  await until('the stored lines', () => reading.lines().length === 2_500);
  await write(2_501, 3);
  await until('the new lines', () => reading.lines().length === 2_503);
  await end('goodbye');
  await reading.done;
  expect(reading.lines()).toEqual([...numbered(1, 2_503), 'goodbye']);
  expect(reading.events.at(-1)).toEqual({
    __typename: 'StreamEnd',
    reason: 'JOB_ENDED',
    retry: false,
    cursor: encodeCursor('log', job.id, 2_504),
  });
});

test('the stream is that of the protocol, byte for byte, alone and shared', async () => {
  const { url, job, write, end } = await start();
  const query = `subscription($id: ID!) { trainingJobLogs(jobId: $id) {
    ... on LogBatch { count text } ... on StreamEnd { reason } } }`;
  const body = { query, variables: { id: job.id } };
  const stream = await openRaw(`${url}/graphql`, { body });
  expect(stream.status).toBe(200);
  expect(stream.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
  });
  await until('the first batch', () => stream.text().includes('next'));
  await write(1, 2);
  await until('a shared batch', () => stream.text().includes('line 2'));
  await end();
  expect(await stream.ended).toBe(true);
  const next = (data: object) =>
    `event: next\ndata: ${JSON.stringify({ data: { trainingJobLogs: data } })}\n\n`;
  expect(stream.text()).toBe(
    [
      ':\n\n',
      next({ count: 0, text: '' }),
      next({ count: 2, text: 'line 1\nline 2' }),
      next({ reason: 'JOB_ENDED' }),
      'event: complete\ndata:\n\n',
    ].join(''),
  );
});

test('variables that nobody declared end no stream, however deep they are nested', async () => {
  const { url, job, write, end } = await start();
  const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const body = JSON.stringify({ query: LOGS, variables: { jobId: job.id, more: 0 } });
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: body.replace('"more":0', `"more":${nested}`),
  });
  await write(1, 1);
  await end();
  const text = await response.text();
  expect(text).toContain('line 1');
  expect(text).toContain('JOB_ENDED');
});

test('a variable that is null shares nothing with one that has its default', async () => {
  const { url, job, write, end } = await start();
  const query = `subscription($id: ID!, $filter: LogFilter = { contains: "2" }) {
    trainingJobLogs(jobId: $id, filter: $filter) { ... on LogBatch { text } } }`;
  const streams = await Promise.all(
    [{}, { filter: null }].map((more) =>
      openRaw(`${url}/graphql`, { body: { query, variables: { id: job.id, ...more } } }),
    ),
  );
  await until('both', () => streams.every((stream) => stream.text().includes('next')));
  await write(1, 1);
  await write(2, 1);
  await end();
  await Promise.all(streams.map(({ ended }) => ended));
  expect(streams.map((stream) => stream.text().includes('line 1'))).toEqual([false, true]);
});

test('readers of both transports share one read per batch, and get the same', async () => {
  const { url, job, write, end, reads } = await start();
  const clients = [connectClient(url), connectEvents(url)];
  const all = Array.from({ length: 10 }, (_, n) =>
    readLogs(clients[n % 2] as never, { jobId: job.id }),
  );
  await until('all to be in', () => all.every(({ events }) => events.length === 1));
  const before = reads();
  for (let line = 1; line <= 10; line += 1) {
    await write(line, 1);
    await until('it to come', () => all.every(({ lines }) => lines().length === line));
  }
  expect(reads() - before).toBe(10);
  await end();
  await Promise.all(all.map(({ done }) => done));
  for (const { events } of all) expect(events).toEqual(all[0]?.events);
});

test('a reader who is cut twenty times, and resumes by cursor, misses and doubles nothing', async () => {
  const { url, job, write, end } = await start();
  const LINES = 2_000;
  const CUTS = 20;
  let cuts = 0;
  const writing = (async () => {
    for (let line = 1; line <= LINES; line += 4) {
      await write(line, 4);
      await pause(1);
    }
    await until('all the cuts', () => cuts === CUTS, 30_000);
    await end();
  })();
  const lines: string[] = [];
  let after: string | null = null;
  for (;;) {
    const reading = readLogs(connectEvents(url), { jobId: job.id, after });
    if (cuts < CUTS) {
      await until('something', () => reading.events.length > 0);
      await pause(randomInt(0, 30));
      reading.stop();
      cuts += 1;
    } else await reading.done;
    lines.push(...reading.lines());
    after = reading.cursor() ?? after;
    if (reading.events.at(-1)?.reason === 'JOB_ENDED') break;
  }
  await writing;
  expect(cuts).toBe(CUTS);
  expect(lines).toEqual(numbered(1, LINES));
});

test('a reader that leaves while nothing happens leaves nothing behind', async () => {
  const { url, job, left } = await start();
  const documents = [
    LOGS.replaceAll('$jobId', '$id'),
    'subscription($id: ID!) { trainingJobLogs(jobId: $id, filter: {contains: "x"}) { __typename } }',
    'subscription($id: ID!) { trainingJobMetrics(jobId: $id) { __typename } }',
    CHANGED,
  ];
  const streams = await Promise.all(
    documents.map((query) =>
      openRaw(`${url}/graphql`, { body: { query, variables: { id: job.id } } }),
    ),
  );
  await until('all to be live', () => streams.every(({ text }) => text().includes('next')));
  expect(left).toEqual([]);
  for (const { leave } of streams) leave();
  await until('the job is nobody’s', () => left.length > 0);
});

test.each([
  ['an unknown job', 'subscription { trainingJobLogs(jobId: "none") { __typename } }', 'NOT_FOUND'],
  [
    'a cursor that is nonsense',
    'subscription($id: ID!) { trainingJobLogs(jobId: $id, after: "x") { __typename } }',
    'INVALID_CURSOR',
  ],
  ['an unknown field', 'subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['a syntax error', 'subscription {', 'GRAPHQL_PARSE_FAILED'],
  [
    'too many fields',
    `subscription { trainingJobChanged(jobId: "x") { ${'id '.repeat(3_000)} ...F ...F } } fragment F on TrainingJob { ${'name '.repeat(900)} }`,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'a wrong variable',
    'subscription($id: ID!) { trainingJobLogs(jobId: $id) { __typename } }',
    'BAD_USER_INPUT',
    {},
  ],
])(
  '%s is told as over WebSocket, and completes',
  async (_what, query, code, variables?: object) => {
    const { url, job } = await start();
    const body = { query, variables: variables ?? { id: job.id } };
    const stream = await openRaw(`${url}/graphql`, { body });
    await stream.ended;
    const [seen, ...more] = nextsOf(stream.text());
    expect(more).toEqual([]);
    expect(stream.text().endsWith('event: complete\ndata:\n\n')).toBe(true);
    expect(seen).toMatchObject({ errors: [{ extensions: { code } }] });
    const overWebSocket = readLogs(connectClient(url), body.variables as never, query);
    await expect(overWebSocket.done).rejects.toEqual((seen as { errors: unknown }).errors);
  },
);

test.each([
  ['Hive Gateway, Cosmo', 'text/event-stream'],
  ['Hive Router', 'multipart/mixed;subscriptionSpec="1.0", text/event-stream'],
  ['urql', 'text/event-stream, multipart/mixed'],
  ['one that takes JSON as well', 'application/json, text/event-stream;q=0.5'],
])('a subscription of %s is streamed, by POST and by GET', async (_who, accept) => {
  const { url, job } = await start();
  const variables = { id: job.id };
  const streams = await Promise.all([
    openRaw(`${url}/graphql`, { headers: { accept }, body: { query: CHANGED, variables } }),
    openRaw(urlOf(url, CHANGED, variables), { headers: { accept } }),
  ]);
  for (const stream of streams) {
    await until('the state', () => nextsOf(stream.text()).length > 0);
    expect(nextsOf(stream.text())).toEqual([{ data: { trainingJobChanged: { id: job.id } } }]);
  }
});

test('a shutdown tells where to go on and completes; what says no goodbye is cut', async () => {
  const { url, job, write, close } = await start();
  await write(1, 3);
  const live = readLogs(connectEvents(url), { jobId: job.id });
  const changed = await openRaw(`${url}/graphql`, {
    body: { query: CHANGED, variables: { id: job.id } },
  });
  await until('readers', () => live.lines().length === 3 && changed.text().includes('next'));
  await close();
  await live.done;
  const cursor = encodeCursor('log', job.id, 3);
  const end = { __typename: 'StreamEnd', reason: 'SHUTTING_DOWN', retry: true, cursor };
  expect(live.events.at(-1)).toEqual(end);
  expect(await changed.ended).toBe(false);
  expect(changed.text()).not.toContain('complete');
});

test('streams and sockets over the cap are refused, until one is given back', async () => {
  const { url, job } = await start({ more: { maxConnections: 2 } });
  const body = { query: CHANGED, variables: { id: job.id } };
  const open = () => openRaw(`${url}/graphql`, { body });
  const socket = readLogs(connectClient(url), { jobId: job.id });
  await until('the socket', () => socket.events.length > 0);
  const first = await open();
  const refused = await open();
  expect([first.status, refused.status]).toEqual([200, 503]);
  await expect(readLogs(connectClient(url), { jobId: job.id }).done).rejects.toBeDefined();
  first.leave();
  const again = await until('its place', async () => {
    const stream = await open();
    return stream.status === 200 ? stream : undefined;
  });
  again.leave();
});

test('what a page of another origin could have its visitor’s browser send is refused', async () => {
  const { url, job } = await start();
  const stream = urlOf(url, CHANGED, { id: job.id });
  const statusOf = async (at: string, headers: Record<string, string>) => {
    const opened = await openRaw(at, { headers });
    opened.leave();
    return opened.status;
  };
  expect(await statusOf(stream, { 'sec-fetch-site': 'cross-site' })).toBe(400);
  expect(await statusOf(stream, { 'sec-fetch-site': 'same-site' })).toBe(400);
  expect(await statusOf(stream, { 'sec-fetch-site': 'same-origin' })).toBe(200);
  const query = urlOf(url, '{ __typename }');
  expect(await statusOf(query, {})).toBe(400);
  expect(await statusOf(query, { 'apollo-require-preflight': '1' })).toBe(200);
  const mutation = urlOf(url, 'mutation { cancelTrainingJob(id: "x") { userErrors { code } } }');
  expect(await statusOf(mutation, { 'apollo-require-preflight': '1' })).toBe(400);
  const form = await openRaw(`${url}/graphql`, { method: 'POST' });
  expect(form.status).toBe(400);
});

test('a stream does not wait behind another request of its connection', async () => {
  const { url, job } = await start();
  const { hostname, port } = new URL(url);
  const body = JSON.stringify({ query: CHANGED, variables: { id: job.id } });
  const request = `POST /graphql HTTP/1.1\r\nHost: ${hostname}\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(request + request);
  await until('the first stream', () => text.includes('event: next'));
  expect(text.match(/event: next/g)).toHaveLength(1);
  expect(text).not.toContain('400 Bad Request');
});

test('a stream shows that it lives; a client that does not read what waits for it is cut', async () => {
  const { url, job, write, sockets } = await start({ more: { keepAliveMs: 50, lagMs: 60_000 } });
  const quiet = await openRaw(`${url}/graphql`, {
    body: { query: CHANGED, variables: { id: job.id } },
  });
  await until('signs of life', () => (quiet.text().match(/^:$/gm) ?? []).length > 4);
  const stalled = await openRaw(`${url}/graphql`, {
    body: {
      query: LOGS.replace('count', 'lines { seq at source attempt text cursor }'),
      variables: { jobId: job.id },
    },
  });
  await until('the first batch', () => stalled.text().includes('next'));
  stalled.response.pause();
  const [, socket] = sockets;
  let line = 1;
  await until('it is cut', async () => {
    await write(line, 1_000);
    line += 1_000;
    return socket?.destroyed;
  });
  expect(quiet.response.destroyed).toBe(false);
});

test('the whole server streams the log of a job, and says goodbye when it goes down', async () => {
  const { app, url, query } = await startTestApp();
  const uploadId = await uploadDataset(query);
  const spec = { ...SPEC, dataset: { uploadId } };
  const { job } = await submitJob(query, { name: 'streamed', spec });
  const reading = readLogs(connectEvents(url), { jobId: job?.id });
  const changed = await openRaw(urlOf(app.url, CHANGED, { id: job?.id }), {});
  await until('both', () => reading.events.length > 0 && changed.text().includes('next'));
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toContain('event_streams 2');
  await app.close();
  await reading.done;
  expect(reading.events.at(-1)?.reason).toMatch(/SHUTTING_DOWN|JOB_ENDED/);
});
