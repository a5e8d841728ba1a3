import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { openJobStream } from '../../src/cli/job-stream.ts';

function openStream(port: number, signal: AbortSignal) {
  const api = {
    url: `http://127.0.0.1:${port}/graphql`,
    ask: () => Promise.reject(new Error('nothing is asked')),
  };
  return openJobStream({ api, signal }, { id: 'job', after: null });
}

test('a server that takes a connection and says nothing is left at once', async () => {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const interruption = new AbortController();
  const next = openStream((server.address() as AddressInfo).port, interruption.signal).next();
  const [socket] = (await once(server, 'connection')) as [Socket];
  await once(socket, 'data');
  const closed = new Promise((resolve) => socket.on('error', resolve).on('close', resolve));
  interruption.abort();
  await expect(next).rejects.toMatchObject({ kind: 'interrupted' });
  await closed;
});

test('so is one that lets a WebSocket in and says nothing', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  const interruption = new AbortController();
  const next = openStream((server.address() as AddressInfo).port, interruption.signal).next();
  const [socket] = (await once(server, 'connection')) as [WebSocket];
  await once(socket, 'message');
  const closed = once(socket, 'close');
  interruption.abort();
  await expect(next).rejects.toMatchObject({ kind: 'interrupted' });
  expect((await closed)[0]).toBe(1_000);
});
