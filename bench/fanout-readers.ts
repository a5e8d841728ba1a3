/**
 * The readers of one server, in a process of their own: plain sockets that only count messages, so
 * that reading costs as little as it can.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { connectSchema, QUERY } from './follow.ts';
import type { ConnectOrder } from './follow.ts';

const orderSchema = z.discriminatedUnion('kind', [
  connectSchema,
  /** So many that read their first message and then nothing more. */
  z.object({
    kind: z.literal('stall'),
    count: z.int(),
    port: z.int(),
    jobId: z.string(),
    after: z.string().nullable(),
  }),
  /** All leave. */
  z.object({ kind: z.literal('leave') }),
  /** Counts from here on. */
  z.object({ kind: z.literal('reset') }),
  /** From now on, notes when each message came. */
  z.object({ kind: z.literal('time') }),
  z.object({ kind: z.literal('latencies') }),
]);
type Order = z.infer<typeof orderSchema>;

const AT_A_TIME = 64;
const QUIET_MS = 30;
const STAMP = Buffer.from('T=');

/** One for all of them: what is not yet whole is copied. Node would allocate one for every read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

const readers: Socket[] = [];
const stalled: Socket[] = [];
let isLeaving = false;
let control: Socket | undefined;
let received = 0;
let latenciesMs: number[] | undefined;

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  void answer(orderSchema.parse(message)).then((reply) => process.send?.(reply));
});

async function answer(order: Order): Promise<object> {
  switch (order.kind) {
    case 'connect':
      control ??= connect(order.controlPort, '127.0.0.1').setNoDelay();
      while (readers.length < order.count) await connectSome(order);
      return { connected: readers.length };
    case 'stall':
      for (let index = 0; index < order.count; index += 1) {
        const socket = await openReader(order.port, { id: order.jobId, after: order.after });
        socket.pause();
        stalled.push(socket);
      }
      return {};
    case 'leave': {
      isLeaving = true;
      const gone = [...readers.splice(0), ...stalled.splice(0)].map((socket) => {
        socket.destroy();
        return once(socket, 'close');
      });
      await Promise.all(gone);
      isLeaving = false;
      return {};
    }
    case 'reset':
      await quiet();
      received = 0;
      return {};
    case 'time':
      latenciesMs = [];
      return {};
    case 'latencies': {
      await quiet();
      const sorted = (latenciesMs ?? []).sort((a, b) => a - b);
      latenciesMs = undefined;
      const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN;
      return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
    }
  }
}

/** Until nothing has come for a while. */
async function quiet(): Promise<void> {
  let before = -1;
  while (received !== before) {
    before = received;
    await pause(QUIET_MS);
  }
}

async function connectSome(order: ConnectOrder): Promise<void> {
  const count = Math.min(AT_A_TIME, order.count - readers.length);
  const first = readers.length;
  const some = Array.from({ length: count }, (_, index) => {
    const job = (first + index) % order.jobIds.length;
    return openReader(order.port, { id: order.jobIds[job], after: order.ends[job] ?? null });
  });
  readers.push(...(await Promise.all(some)));
}

/** Subscribed, and its first message has come. */
function openReader(port: number, variables: object): Promise<Socket> {
  return new Promise((resolve, reject) => {
    let onRead: (chunk: Buffer) => void = onUpgraded;
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          onRead(READ_BUFFER.subarray(0, length));
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.on('close', () => {
      if (isLeaving) return;
      process.stderr.write('a reader was cut\n');
      process.exit(1);
    });
    socket.write(
      `GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`,
    );
    function onUpgraded(): void {
      let messages = 0;
      onRead = createFrameCounter(socket, (chunk) => {
        messages += 1;
        if (messages === 1)
          sendText(socket, {
            id: '1',
            type: 'subscribe',
            payload: { query: QUERY, variables },
          });
        else if (messages === 2) resolve(socket);
        else onMessage(chunk);
      });
      sendText(socket, { type: 'connection_init' });
    }
  });
}

function onMessage(chunk: Buffer): void {
  if (latenciesMs !== undefined) {
    const at = chunk.indexOf(STAMP);
    const sentAt = Number.parseInt(chunk.toString('latin1', at + 2, at + 22), 10);
    if (at !== -1) latenciesMs.push((Number(process.hrtime.bigint() / 1_000n) - sentAt) / 1_000);
  }
  received += 1;
  if (received % readers.length === 0) control?.write('.');
}

/** Calls back for every whole message; answers pings. */
function createFrameCounter(socket: Socket, onWhole: (chunk: Buffer) => void) {
  let rest: Buffer | undefined;
  let skip = 0;
  let isLast = false;
  return (data: Buffer): void => {
    const chunk = rest === undefined ? data : Buffer.concat([rest, data]);
    rest = undefined;
    let at = 0;
    while (at < chunk.length || (skip === 0 && isLast)) {
      if (skip > 0) {
        const step = Math.min(skip, chunk.length - at);
        skip -= step;
        at += step;
        if (skip > 0) return;
        if (isLast) onWhole(chunk);
        isLast = false;
        continue;
      }
      const header = readHeader(chunk, at);
      if (header === undefined) {
        rest = Buffer.from(chunk.subarray(at));
        return;
      }
      at = header.end;
      skip = header.length;
      if (header.opcode === 0x9) sendFrame(socket, 0x8a, Buffer.alloc(0));
      isLast = header.isFinal && header.opcode < 0x3;
    }
  };
}

function readHeader(chunk: Buffer, at: number) {
  const first = chunk[at] ?? 0;
  const short = chunk[at + 1];
  if (short === undefined) return undefined;
  const size = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (chunk.length < at + size) return undefined;
  const length =
    size === 2
      ? short
      : size === 4
        ? chunk.readUInt16BE(at + 2)
        : Number(chunk.readBigUInt64BE(at + 2));
  return { end: at + size, length, opcode: first & 0xf, isFinal: (first & 0x80) !== 0 };
}

function sendText(socket: Socket, message: object): void {
  sendFrame(socket, 0x81, Buffer.from(JSON.stringify(message)));
}

/** Masked with zeros, as which it is itself. */
function sendFrame(socket: Socket, first: number, payload: Buffer): void {
  const { length } = payload;
  const header =
    length < 126
      ? [first, 0x80 | length, 0, 0, 0, 0]
      : [first, 0x80 | 126, length >> 8, length & 0xff, 0, 0, 0, 0];
  socket.write(Buffer.concat([Buffer.from(header), payload]));
}
