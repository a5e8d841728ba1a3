import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import {
  connectClient,
  lineOf,
  numbered,
  readLogs,
  writeNumbered,
  wsUrl,
} from '../support/follow.ts';
import { startFollowed as start } from '../support/followed.ts';
import { until } from '../support/until.ts';

test('a reader gets what is stored, then what comes, and the end of the job', async () => {
  const { url, job, write, end } = await start();
  await write(1, 2_500);
  const reading = readLogs(connectClient(url), { jobId: job.id });
  await until('the stored lines', () => reading.lines().length === 2_500);
  await write(2_501, 3);
  await until('the new lines', () => reading.lines().length === 2_503);
  await end('goodbye');
  await reading.done;
  expect(reading.lines()).toEqual([...numbered(1, 2_503), 'goodbye']);
  expect(reading.events.every(({ count }) => !(count > 1_000))).toBe(true);
  expect(reading.events.at(-1)).toEqual({
    __typename: 'StreamEnd',
    reason: 'JOB_ENDED',
    retry: false,
    cursor: encodeCursor('log', job.id, 2_504),
  });
});

test('every batch begins where the one before ended', async () => {
  const { url, job, write, end } = await start();
  await write(1, 1_700);
  const reading = readLogs(connectClient(url), { jobId: job.id });
  await until('the stored lines', () => reading.lines().length === 1_700);
  for (let line = 1_701; line <= 1_720; line += 1) await write(line, 1);
  await end();
  await reading.done;
  const batches = reading.events.slice(0, -1);
  expect(batches[0]?.previousCursor).toBeNull();
  expect(batches.slice(1).map(({ previousCursor }) => previousCursor)).toEqual(
    batches.slice(0, -1).map(({ endCursor }) => endCursor),
  );
});

test('something is sent at once, and an empty batch after a silence', async () => {
  const { url, job } = await start({ timing: { heartbeatMs: 50, pollMs: 1_000 } });
  const reading = readLogs(connectClient(url), { jobId: job.id });
  await until('signs of life', () => reading.events.length >= 4);
  expect(reading.events[0]).toEqual({
    __typename: 'LogBatch',
    firstSeq: null,
    count: 0,
    text: '',
    previousCursor: null,
    endCursor: null,
  });
});

test('a lost wake-up costs no more than a look of its own', async () => {
  const { url, db, job } = await start({ timing: { heartbeatMs: 15_000, pollMs: 50 } });
  const reading = readLogs(connectClient(url), { jobId: job.id });
  await until('the first batch', () => reading.events.length > 0);
  await writeNumbered(db, job, 1, 1);
  await until('the line', () => reading.lines().length === 1);
});

test('a reader that resumes after line 2 gets line 3 next, once', async () => {
  const { url, job, write, end } = await start();
  await write(1, 5);
  await end();
  const after = encodeCursor('log', job.id, 2);
  const reading = readLogs(connectClient(url), { jobId: job.id, after });
  await reading.done;
  expect(reading.lines()).toEqual(numbered(3, 5));
  expect(reading.events[0]?.previousCursor).toBe(after);
});

test('a filter leaves lines out, and cursors pass over them', async () => {
  const { url, db, bus, job } = await start({ timing: { heartbeatMs: 15_000, pollMs: 50 } });
  const kinds = ['STDOUT', 'STDERR', 'SYSTEM'] as const;
  const write = async (from: number) => {
    const lines = Array.from({ length: 30 }, (_, index) =>
      lineOf(`line ${from + index}`, { source: kinds[index % 3] ?? 'STDOUT', attempt: index % 2 }),
    );
    await db.transaction((tx) => appendLines(tx, job, lines));
    bus.publish(job.id);
  };
  await write(1);
  const client = connectClient(url);
  const filter = { sources: ['STDERR', 'SYSTEM'], attempt: 1, contains: 'LINE 2' };
  const reading = readLogs(client, { jobId: job.id, filter });
  const nothing = readLogs(client, { jobId: job.id, filter: { contains: 'absent' } });
  await until('the filtered lines', () => reading.lines().length > 0);
  await write(31);
  const end = encodeCursor('log', job.id, 60);
  await until('cursors at the end', () => reading.cursor() === end && nothing.cursor() === end);
  expect(reading.lines()).toEqual(['line 2', 'line 20', 'line 24', 'line 26']);
  expect(nothing.lines()).toEqual([]);
});

test.each([
  ['malformed', () => 'nonsense', 'INVALID_CURSOR'],
  ['of another job', () => encodeCursor('log', 'other', 1), 'INVALID_CURSOR'],
  ['of metrics', (id: string) => encodeCursor('metrics', id, 1), 'INVALID_CURSOR'],
  ['behind the last line', (id: string) => encodeCursor('log', id, 9), 'INVALID_CURSOR'],
])('a cursor that is %s is refused', async (_what, cursorOf, code) => {
  const { url, job } = await start();
  const reading = readLogs(connectClient(url), { jobId: job.id, after: cursorOf(job.id) });
  await expect(reading.done).rejects.toMatchObject([{ extensions: { code } }]);
});

test('an unknown job is NOT_FOUND, for each of the streams', async () => {
  const { url } = await start();
  const client = connectClient(url);
  for (const query of [
    'subscription { trainingJobLogs(jobId: "none") { __typename } }',
    'subscription { trainingJobMetrics(jobId: "none") { __typename } }',
    'subscription { trainingJobChanged(jobId: "none") { id } }',
  ]) {
    await expect(readLogs(client, {}, query).done).rejects.toMatchObject([
      { extensions: { code: 'NOT_FOUND' } },
    ]);
  }
});

test('a shutdown tells every reader where to go on, then closes with 1001', async () => {
  const { url, job, write, close } = await start();
  await write(1, 3);
  const closes: unknown[] = [];
  const client = connectClient(url, { on: { closed: (event) => closes.push(event) } });
  const live = readLogs(client, { jobId: job.id });
  const filtered = readLogs(client, { jobId: job.id, filter: { contains: '2' } });
  const changed = readLogs(
    client,
    { id: job.id },
    'subscription($id: ID!) { trainingJobChanged(jobId: $id) { id } }',
  );
  await until('readers', () => live.lines().length === 3 && filtered.lines().length === 1);
  await close();
  await Promise.all([live.done, filtered.done]);
  const cursor = encodeCursor('log', job.id, 3);
  const end = { __typename: 'StreamEnd', reason: 'SHUTTING_DOWN', retry: true, cursor };
  expect(live.events.at(-1)).toEqual(end);
  expect(filtered.events.at(-1)).toEqual(end);
  await until('the close', () => closes.length > 0);
  expect(closes).toMatchObject([{ code: 1001 }]);
  // No end of the job: cut, not completed.
  await expect(changed.done).rejects.toMatchObject({ code: 1001 });
});

test('a reader that leaves while nothing happens leaves nothing behind', async () => {
  const { url, job, left } = await start();
  const client = connectClient(url);
  const readings = [
    readLogs(client, { jobId: job.id }),
    readLogs(client, { jobId: job.id, filter: { contains: 'x' } }),
    readLogs(
      client,
      { id: job.id },
      'subscription($id: ID!) { trainingJobMetrics(jobId: $id) { __typename } }',
    ),
    readLogs(
      client,
      { id: job.id },
      'subscription($id: ID!) { trainingJobChanged(jobId: $id) { id } }',
    ),
  ];
  await until('all to be live', () => readings.every(({ events }) => events.length > 0));
  expect(left).toEqual([]);
  for (const { stop } of readings) stop();
  await until('the job is nobody’s', () => left.length > 0);
});

test('an operation id of any characters comes back as it was', async () => {
  const { url, job, write } = await start();
  const id = '"\\ \u2028\u0001é😀'.repeat(20);
  const socket = new WebSocket(wsUrl(url), 'graphql-transport-ws');
  onTestFinished(() => {
    socket.terminate();
  });
  const messages: { id?: string; type: string; payload?: unknown }[] = [];
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as never);
  });
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send('{"type":"connection_init"}');
  await until('the acknowledgement', () => messages.length === 1);
  const query =
    'subscription($id: ID!) { trainingJobLogs(jobId: $id) { ... on LogBatch { text } } }';
  const variables = { id: job.id };
  socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
  await until('the first batch', () => messages.length === 2);
  await write(1, 1);
  await until('a shared batch', () => messages.length === 3);
  expect(messages.slice(1)).toEqual(
    ['', 'line 1'].map((text) => ({
      id,
      type: 'next',
      payload: { data: { trainingJobLogs: { text } } },
    })),
  );
});
