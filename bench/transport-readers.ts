/**
 * Readers of event streams, or a router that is called back for as many, in a process of their own:
 * they only count messages, as `fanout-readers.ts` does for WebSockets.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { connectSchema, QUERY } from './follow.ts';
import type { ConnectOrder } from './follow.ts';

const orderSchema = z.discriminatedUnion('kind', [
  connectSchema,
  /** Counts from here on. */
  z.object({ kind: z.literal('reset') }),
]);
type Order = z.infer<typeof orderSchema>;

const AT_A_TIME = 32;
const QUIET_MS = 30;
/** JSON ends so, and nothing else in a stream does. */
const END_OF_EVENT = Buffer.from('}\n\n');

const [transport = '', secret = ''] = process.argv.slice(2);
let readers = 0;
let received = 0;
let control: Socket | undefined;
const firsts = new Map<string, () => void>();
const router = createServer((request, response) => {
  let isNext = false;
  request.on('data', (chunk: Buffer) => {
    isNext ||= chunk.subarray(0, 64).includes('"action":"next"');
  });
  request.on('end', () => {
    response.writeHead(204).end();
    if (isNext) onMessage(request.url ?? '');
  });
});

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  void answer(orderSchema.parse(message)).then((reply) => process.send?.(reply));
});
await new Promise<void>((resolve) => router.listen(0, '127.0.0.1', 4_096, resolve));
const routerUrl = `http://127.0.0.1:${(router.address() as AddressInfo).port}`;
process.send?.({ routerUrl });

async function answer(order: Order): Promise<object> {
  if (order.kind === 'connect') {
    control ??= connect(order.controlPort, '127.0.0.1').setNoDelay();
    while (readers < order.count) {
      const some = Array.from({ length: Math.min(AT_A_TIME, order.count - readers) }, () => {
        readers += 1;
        return open(order, `/${readers}`);
      });
      await Promise.all(some);
    }
    return { connected: readers };
  }
  let before = -1;
  while (received !== before) {
    before = received;
    await pause(QUIET_MS);
  }
  received = 0;
  return {};
}

/** Ends with the first message. */
async function open(order: ConnectOrder, name: string): Promise<void> {
  const variables = { id: order.jobIds[0], after: order.ends[0] ?? null };
  const first = new Promise<void>((resolve) => firsts.set(name, resolve));
  if (transport === 'sse') openStream(order.port, name, { query: QUERY, variables });
  else await askToCall(order.port, name, { query: QUERY, variables });
  await first;
}

function onMessage(name: string): void {
  const first = firsts.get(name);
  if (first !== undefined) {
    firsts.delete(name);
    first();
    return;
  }
  received += 1;
  if (received % readers === 0) control?.write('.');
}

function openStream(port: number, name: string, body: object): void {
  const text = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1').setNoDelay();
  socket.on('close', () => {
    process.stderr.write('a reader was cut\n');
    process.exit(1);
  });
  let rest = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    const chunk = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let at = 0;
    for (let end = chunk.indexOf(END_OF_EVENT); end !== -1; end = chunk.indexOf(END_OF_EVENT, at)) {
      at = end + END_OF_EVENT.length;
      onMessage(name);
    }
    rest = Buffer.from(chunk.subarray(Math.max(at, chunk.length - END_OF_EVENT.length + 1)));
  });
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  );
}

async function askToCall(port: number, name: string, body: object): Promise<void> {
  const subscription = {
    callbackUrl: `${routerUrl}${name}`,
    subscriptionId: name,
    verifier: 'bench',
    heartbeatIntervalMs: 0,
  };
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'router-authorization': secret },
    body: JSON.stringify({ ...body, extensions: { subscription } }),
  });
  if (!response.ok) throw new Error(await response.text());
  await response.arrayBuffer();
}
