import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createMessage, envelopeOf } from '../../src/http/frames.ts';

const server = createServer();
const sockets = new WebSocketServer({ noServer: true });
let client: WebSocket;
let socket: Duplex;

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = once(server, 'upgrade') as Promise<Parameters<WebSocketServer['handleUpgrade']>>;
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [request, upgraded, head] = await accepted;
  socket = upgraded;
  sockets.handleUpgrade(request, socket, head, () => undefined);
  await once(client, 'open');
});

afterAll(() => {
  client.terminate();
  server.close();
});

/** What a client makes of these bytes. */
async function received(...parts: readonly Buffer[]): Promise<unknown> {
  const message = once(client, 'message') as Promise<[Buffer]>;
  for (const part of parts) socket.write(part);
  return JSON.parse((await message)[0].toString());
}

const IDS = ['1', 'ä"\\', crypto.randomUUID(), '7', 'x'.repeat(80)];

test.each([0, 2, 60, 124, 126, 300, 16_000, 16_500, 65_530, 70_000])(
  'a message with %i bytes reaches every client under its own name',
  async (bytes) => {
    const payload = { data: 'é'.repeat(bytes / 2) };
    const message = createMessage(JSON.stringify(payload));
    for (const id of IDS) {
      const expected = { id, type: 'next', payload };
      const frame = message.frameFor(envelopeOf(id));
      expect(frame === undefined).toBe(bytes > 16_000);
      if (frame !== undefined) await expect(received(frame)).resolves.toEqual(expected);
      const fragments = message.fragmentsFor(envelopeOf(id));
      await expect(received(...fragments)).resolves.toEqual(expected);
    }
  },
);

test('a frame that waits is not written over', async () => {
  const message = createMessage('{"data":1}');
  const waiting = message.frameFor(envelopeOf('a')) ?? Buffer.of();
  message.leave();
  message.frameFor(envelopeOf('b'));
  await expect(received(waiting)).resolves.toMatchObject({ id: 'a' });
});

test('a name too long for the place goes in a frame of its own', async () => {
  const id = 'n'.repeat(200);
  const message = createMessage('{"data":1}');
  expect(message.frameFor(envelopeOf(id))).toBeUndefined();
  await expect(received(...message.fragmentsFor(envelopeOf(id)))).resolves.toMatchObject({ id });
});
