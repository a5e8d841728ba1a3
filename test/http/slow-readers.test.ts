import { expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { connectClient, LOGS, readLogs } from '../support/follow.ts';
import type { Reading } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { BOUND, LAST, MOST_WAITING, TEXT, writeMuch } from '../support/much-log.ts';
import { until } from '../support/until.ts';

interface Reader {
  readonly reading: Reading;
  readonly socket: WebSocket;
  readonly closes: { code: number }[];
}

async function startReaders(count: number, more: { lagMs?: number; keepAliveMs?: number } = {}) {
  const followed = await startFollowed({ more: { maxBufferedBytes: BOUND, ...more } });
  const { url, job } = followed;

  async function connect(query = LOGS): Promise<Reader> {
    let socket: WebSocket | undefined;
    const closes: { code: number }[] = [];
    const client = connectClient(url, {
      on: {
        connected: (opened) => (socket = opened as WebSocket),
        closed: (event) => closes.push(event as { code: number }),
      },
    });
    const reading = readLogs(client, { jobId: job.id }, query);
    await until('the first batch', () => reading.events.length > 0);
    if (socket === undefined) throw new Error('it is not connected');
    return { reading, socket, closes };
  }

  /** @returns how much waited at most for the slowest while the fast got everything */
  function writeAll(fast: readonly Reader[]): Promise<number> {
    return writeMuch(followed, (cursor) =>
      fast.every(({ reading }) => reading.cursor() === cursor),
    );
  }

  const readers: Reader[] = [];
  for (let reader = 0; reader < count; reader += 1) readers.push(await connect());
  return { ...followed, connect, readers, writeAll };
}

test('stalled readers hold no more than the bound; the others get everything meanwhile; then so do they', async () => {
  const { readers, connect, writeAll, end } = await startReaders(8);
  // A document of its own, so that nobody else is in its room.
  readers.unshift(await connect(LOGS.replace('firstSeq', 'first: firstSeq')));
  const stalled = readers.slice(0, 3);
  for (const { socket } of stalled) socket.pause();
  const most = await writeAll(readers.slice(3));
  expect(most).toBeGreaterThan(BOUND / 2);
  expect(most).toBeLessThan(MOST_WAITING);
  expect(stalled.every(({ reading }) => reading.lines().length < LAST)).toBe(true);
  for (const { socket } of stalled) socket.resume();
  await end();
  await Promise.all(readers.map(({ reading }) => reading.done));
  for (const { reading } of readers) {
    expect(reading.lines()).toEqual(TEXT);
    expect(reading.events.at(-1)).toMatchObject({ reason: 'JOB_ENDED' });
  }
});

test('a reader that stays slow for too long is told LAGGED, with where to go on', async () => {
  const { url, job, readers, writeAll, end } = await startReaders(2, { lagMs: 50 });
  const [slow, fast] = readers as [Reader, Reader];
  slow.socket.pause();
  await writeAll([fast]);
  slow.socket.resume();
  await slow.reading.done;
  const last = slow.reading.events.at(-1);
  expect(last).toMatchObject({ reason: 'LAGGED', retry: true, cursor: slow.reading.cursor() });
  const rest = readLogs(connectClient(url), { jobId: job.id, after: last?.cursor ?? null });
  await end();
  await rest.done;
  expect([...slow.reading.lines(), ...rest.lines()]).toEqual(TEXT);
});

test('a client that neither reads nor answers is closed with 4420', async () => {
  const { readers, writeAll, sockets } = await startReaders(2, { keepAliveMs: 300 });
  const [slow, fast] = readers as [Reader, Reader];
  slow.socket.pause();
  await writeAll([fast]);
  const [socket] = sockets;
  let waiting = -1;
  let since = 0;
  await until('it is pinged no more', () => {
    if (socket?.writableLength !== waiting) since = performance.now();
    waiting = socket?.writableLength ?? 0;
    return performance.now() - since > 900;
  });
  slow.socket.resume();
  await until('it learns why', () => slow.closes.length > 0);
  expect(slow.closes).toMatchObject([{ code: 4420 }]);
  expect(fast.closes).toEqual([]);
});

test('a client that sends without end is closed with 4421', async () => {
  const { readers } = await startReaders(1);
  const [reader] = readers as [Reader];
  for (let message = 0; message < 1_500; message += 1) reader.socket.send('{"type":"ping"}');
  await until('the close', () => reader.closes.length > 0);
  expect(reader.closes).toMatchObject([{ code: 4421 }]);
});
