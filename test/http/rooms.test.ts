import { randomInt } from 'node:crypto';
import { parse, subscribe } from 'graphql';
import type { ExecutionResult } from 'graphql';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { createSchema } from '../../src/resolvers/schema.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import { connectClient, lineOf, LOGS, numbered, readLogs, wsUrl } from '../support/follow.ts';
import type { Reading } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { until } from '../support/until.ts';

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The texts of the messages to one operation, as they come from the wire. */
async function rawMessages(url: string, payload: object): Promise<string[]> {
  const socket = new WebSocket(wsUrl(url), 'graphql-transport-ws');
  onTestFinished(() => {
    socket.terminate();
  });
  const messages: string[] = [];
  socket.on('message', (data: Buffer) => messages.push(data.toString()));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('{"type":"connection_init"}');
  await until('the acknowledgement', () => messages.length === 1);
  messages.length = 0;
  socket.send(JSON.stringify({ id: 'one', type: 'subscribe', payload }));
  return messages;
}

const FIELDS = '__typename ... on LogBatch { count text endCursor } ... on StreamEnd { reason }';

test.each([
  ['fields', `subscription($id: ID!) { trainingJobLogs(jobId: $id) { ${FIELDS} } }`, {}],
  [
    'aliases',
    `subscription($id: ID!) { mine: trainingJobLogs(jobId: $id) { kind: __typename ... on LogBatch { a: count b: count t: text } } }`,
    {},
  ],
  [
    'fragments',
    `subscription($id: ID!) { ...Root } fragment Root on Subscription { trainingJobLogs(jobId: $id) { ...Batch ...End } }
     fragment Batch on LogBatch { firstSeq lines { seq at source attempt text cursor } previousCursor }
     fragment End on StreamEnd { reason retry cursor }`,
    {},
  ],
  [
    'directives',
    `subscription($id: ID!, $yes: Boolean!) { trainingJobLogs(jobId: $id) { ... on LogBatch { text @include(if: $yes) count @skip(if: $yes) } } }`,
    { yes: true },
  ],
  [
    'variables',
    `subscription Named($id: ID!, $filter: LogFilter, $after: LogCursor) { trainingJobLogs(jobId: $id, filter: $filter, after: $after) { ${FIELDS} } }`,
    { filter: { contains: 'é' }, after: null },
  ],
] as const)('shared messages are those of graphql-js: %s', async (_what, query, more) => {
  const { url, db, job, bus, streams, end } = await startFollowed();
  const variables = { id: job.id, ...more };
  const messages = await rawMessages(url, { query, variables });
  const expected: string[] = [];
  const stock = (await subscribe({
    schema: createSchema(),
    document: parse(query),
    variableValues: variables,
    contextValue: { streams },
  })) as AsyncIterable<ExecutionResult>;
  const listening = (async () => {
    for await (const result of stock) {
      expected.push(JSON.stringify({ id: 'one', type: 'next', payload: result }));
    }
  })();
  for (const size of [1, 3, 100, 1_000]) {
    await until('both', () => expected.length > 0 && messages.length === expected.length);
    const seen = expected.length;
    const lines = Array.from({ length: size }, (_, n) => lineOf(`"é😀\\ ${n} ${'x'.repeat(99)}`));
    await db.transaction((tx) => appendLines(tx, job, lines));
    bus.publish(job.id);
    await until('one more', () => messages.length === seen + 1 && expected.length === seen + 1);
  }
  await end();
  await listening;
  await until('the end', () => messages.length === expected.length + 1);
  expect(messages).toEqual([...expected, '{"id":"one","type":"complete"}']);
});

test('readers who come at any moment get every line once and in order', async () => {
  const { url, job, write, end } = await startFollowed();
  const LINES = 1_500;
  const writing = (async () => {
    for (let line = 1; line <= LINES;) {
      const count = Math.min(randomInt(1, 12), LINES - line + 1);
      await write(line, count);
      line += count;
      await pause(randomInt(0, 4));
    }
    await end();
  })();
  const clients = Array.from({ length: 8 }, () => connectClient(url));
  const readings: Reading[] = [];
  for (let reader = 0; reader < 300; reader += 1) {
    const client = clients[reader % clients.length];
    if (client !== undefined) readings.push(readLogs(client, { jobId: job.id }));
    await pause(randomInt(0, 4));
  }
  await writing;
  await Promise.all(readings.map(({ done }) => done));
  for (const { lines } of readings) expect(lines()).toEqual(numbered(1, LINES));
});

test('readers who are cut again and again, and resume by cursor, miss and double nothing', async () => {
  const { url, job, write, end } = await startFollowed();
  const LINES = 2_000;
  let isWriting = true;
  const writing = (async () => {
    for (let line = 1; line <= LINES; line += 4) {
      await write(line, 4);
      await pause(2);
    }
    isWriting = false;
    await end();
  })();
  const follow = async () => {
    const lines: string[] = [];
    let after: string | null = null;
    for (;;) {
      let socket: WebSocket | undefined;
      const client = connectClient(url, {
        on: { connected: (opened) => (socket = opened as never) },
      });
      const reading = readLogs(client, { jobId: job.id, after });
      const cut = setTimeout(() => socket?.terminate(), isWriting ? randomInt(5, 60) : 60_000);
      await reading.done.catch(() => undefined);
      clearTimeout(cut);
      lines.push(...reading.lines());
      after = reading.cursor() ?? after;
      if (reading.events.at(-1)?.reason === 'JOB_ENDED') return lines;
    }
  };
  const all = await Promise.all(Array.from({ length: 50 }, follow));
  await writing;
  for (const lines of all) expect(lines).toEqual(numbered(1, LINES));
});

test('readers of the same share one read per batch; another filter, document or visibility does not', async () => {
  const { url, job, write, reads } = await startFollowed({ visibility: (path) => path });
  const everyone = connectClient(url);
  const other = connectClient(url, { url: `${wsUrl(url)}?other` });
  const others = [
    readLogs(everyone, { jobId: job.id, filter: { contains: 'line' } }),
    readLogs(everyone, { jobId: job.id }, LOGS.replace('count', 'count number: count')),
    readLogs(other, { jobId: job.id }),
  ];
  const same = Array.from({ length: 40 }, () => readLogs(everyone, { jobId: job.id }));
  const all = [...same, ...others];
  await until('all to be in', () => all.every(({ events }) => events.length === 1));
  await write(1, 1);
  await until('the first line', () => all.every(({ lines }) => lines().length === 1));
  const before = reads();
  for (let line = 2; line <= 11; line += 1) {
    await write(line, 1);
    await until('it to come', () => all.every(({ lines }) => lines().length === line));
  }
  expect(reads() - before).toBe(10 * (1 + others.length));
});

test('a reader who comes late gets in with the others, wherever it begins', async () => {
  const { url, job, write, reads } = await startFollowed();
  await write(1, 5_000);
  const client = connectClient(url);
  const early = readLogs(client, { jobId: job.id });
  await until('the stored lines', () => early.lines().length === 5_000);
  const middle = early.events[2]?.endCursor;
  const late = [
    readLogs(client, { jobId: job.id }),
    readLogs(client, { jobId: job.id, after: middle }),
  ];
  await until('the same for all', () => late.every(({ cursor }) => cursor() === early.cursor()));
  const before = reads();
  await write(5_001, 1);
  await until('the new line', () => late.every(({ lines }) => lines().at(-1) === 'line 5001'));
  expect(reads() - before).toBe(1);
  expect(late[1]?.events[0]?.previousCursor).toBe(middle);
});

test.each([1, 60, 100, 40_000, 70_000])('a batch of %d characters comes whole', async (size) => {
  const { url, db, bus, job, end } = await startFollowed();
  const reading = readLogs(connectClient(url), { jobId: job.id });
  await until('the first batch', () => reading.events.length === 1);
  const text = 'é'.repeat(size);
  await db.transaction((tx) => appendLines(tx, job, [lineOf(text)]));
  bus.publish(job.id);
  await until('the line', () => reading.lines().length === 1);
  expect(reading.lines()).toEqual([text]);
  await end();
  await reading.done;
});
