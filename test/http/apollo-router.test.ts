/**
 * What Apollo Router says to a subgraph in passthrough mode, word for word: apollo-router 2.14,
 * `apollo-router/src/protocols/websocket.rs`. It waits five seconds for the acknowledgement, has a
 * socket of its own for every subscription, and takes any close but 1000 for an error.
 */
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { LOGS, numbered, wsUrl } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { until } from '../support/until.ts';

const ACK_MS = 5_000;
const NORMAL = 1000;

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: { readonly data?: { readonly trainingJobLogs: { readonly text?: string } } };
}

/** A socket as the router opens one; `init` is what comes with `connection_init`. */
async function connectAsRouter(url: string, init: unknown) {
  const socket = new WebSocket(wsUrl(url, '/ws'), 'graphql-transport-ws', {
    headers: {
      authorization: 'Bearer of-the-client',
      'x-forwarded-for': '192.0.2.1',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    },
  });
  onTestFinished(() => {
    socket.terminate();
  });
  const messages: Message[] = [];
  let closeCode: number | undefined;
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  socket.on('close', (code) => (closeCode = code));
  await new Promise((resolve, reject) => {
    socket.once('open', resolve).once('error', reject);
  });
  const send = (message: object) => {
    socket.send(JSON.stringify(message));
  };
  send({ type: 'connection_init', payload: init });
  return {
    messages,
    send,
    close: () => {
      socket.close(NORMAL);
    },
    closeCode: () => closeCode,
    lines: () =>
      messages.flatMap(({ payload }) => payload?.data?.trainingJobLogs.text?.split('\n') ?? []),
  };
}

// The token of its JWT plugin, nested; null where no client of it has one.
test.each([{ connectionParams: { token: 'XXX' } }, null])(
  "Apollo Router's handshake with %j is answered in time, and its stream runs",
  async (init) => {
    const { url, job, write, end } = await startFollowed();
    const router = await connectAsRouter(url, init);
    await until('the acknowledgement', () => router.messages.length > 0, ACK_MS);
    expect(router.messages).toEqual([{ type: 'connection_ack' }]);

    const id = 'b0c3f6d6-6f0f-4c2e-9a59-0d9c1f3f6f5a';
    const payload = { query: LOGS, operationName: 'Logs', variables: { jobId: job.id } };
    router.send({ type: 'subscribe', id, payload });
    await write(1, 3);
    await until('three lines', () => router.lines().includes('line 3'));
    // Its heartbeat, where it is switched on.
    router.send({ type: 'ping' });
    await until('the answer', () => router.messages.some(({ type }) => type === 'pong'));
    await end('the end');
    await until('the end', () => router.messages.at(-1)?.type === 'complete');
    expect(router.lines().filter((line) => line !== '')).toEqual([...numbered(1, 3), 'the end']);
    const own = router.messages.filter(({ id: of }) => of !== undefined);
    expect(new Set(own.map(({ id: of }) => of))).toEqual(new Set([id]));
    router.close();
    await until('the close', router.closeCode);
    expect(router.closeCode()).toBe(NORMAL);
  },
);

test('when its client leaves, the router completes and closes, which is no error to either', async () => {
  const { url, job, write } = await startFollowed();
  const router = await connectAsRouter(url, { connectionParams: { token: 'XXX' } });
  await until('the acknowledgement', () => router.messages.length > 0, ACK_MS);
  const payload = { query: LOGS, variables: { jobId: job.id } };
  router.send({ type: 'subscribe', id: '1', payload });
  await write(1, 3);
  await until('three lines', () => router.lines().includes('line 3'));
  router.send({ type: 'complete', id: '1' });
  router.close();
  await until('the close', router.closeCode);
  expect(router.closeCode()).toBe(NORMAL);
  expect(router.messages.filter(({ type }) => type === 'error')).toEqual([]);
});
