/** Four ways to bring one log to many sockets; each broadcasts one batch when told to. */
import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { createMemoryBus } from '../src/bus/memory.ts';
import { createRouterCallbacks } from '../src/datasources/router-callback.ts';
import type { Context } from '../src/context.ts';
import { encodeCursor } from '../src/domain/job/log-cursor.ts';
import type { LogLine, NewLogLine } from '../src/domain/job/log-line.ts';
import type { Job } from '../src/domain/job/job.ts';
import { readBody } from '../src/http/body.ts';
import type { CallbackSettings } from '../src/http/callback-request.ts';
import { createCallbacks } from '../src/http/callbacks.ts';
import { createDelivery } from '../src/http/delivery.ts';
import { createEventStreams } from '../src/http/event-streams.ts';
import { createLimitsRule } from '../src/http/operation-limits.ts';
import { createSubscriptions } from '../src/http/subscriptions.ts';
import { createJobLoaders } from '../src/jobs/job-loaders.ts';
import { createJobStreams } from '../src/logs/tail-streams.ts';
import { createWaker } from '../src/logs/tail-waker.ts';
import { createSchema } from '../src/resolvers/schema.ts';
import type { Database } from '../src/store/database.ts';
import { insertJob } from '../src/store/jobs.ts';
import { appendLines } from '../src/store/log-lines.ts';
import { openDatabase } from '../src/store/open-database.ts';
import { jobRecord } from '../test/support/job-record.ts';

export const VARIANTS = ['ours', 'stock', 'ws', 'raw', 'ours-jobs', 'stock-jobs'] as const;
export type VariantName = (typeof VARIANTS)[number];
export const JOBS = 1_000;

export interface Variant {
  /** The jobs that readers may follow. */
  readonly jobIds: readonly string[];
  readonly request?: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Where a log ends, for readers who come to follow and not to replay. */
  readonly endOf?: (jobId: string) => string | null;
  /** Into the store, for those that read it from there: not what is compared. */
  readonly write?: (lines: readonly NewLogLine[]) => Promise<void>;
  /** One batch, to every job. */
  readonly send: (lines: readonly NewLogLine[]) => void;
}

const NO_HEARTBEAT = { heartbeatMs: 3_600_000, pollMs: 1_000 };
const PROTOCOL = 'graphql-transport-ws';

export async function startVariant(
  name: VariantName,
  dataDir: string,
  callbacks?: CallbackSettings,
): Promise<Variant> {
  switch (name) {
    case 'ours':
      return ours(await openDatabase({ databaseUrl: undefined, dataDir }), 1, callbacks);
    case 'ours-jobs':
      return ours(await openDatabase({ databaseUrl: undefined, dataDir }), JOBS);
    case 'stock':
      return stock(pushedStreams(), ['job']);
    case 'stock-jobs':
      return stockOverStore(await openDatabase({ databaseUrl: undefined, dataDir }));
    case 'ws':
      return prepared((client, _socket, message) => {
        client.send(message);
      });
    case 'raw':
      return prepared((_client, socket, _message, frame) => {
        socket.write(frame);
      });
  }
}

async function storedStreams(db: Database, count: number) {
  const jobs = Array.from({ length: count }, makeJob);
  await db.transaction(async (tx) => {
    for (const job of jobs) await insertJob(tx, job);
    await tx.query('update jobs set due_at = null');
  });
  const bus = createMemoryBus();
  const waker = createWaker({ db, bus, pollMs: NO_HEARTBEAT.pollMs });
  const streams = createJobStreams({ db, tenantId: 'default', waker, timing: NO_HEARTBEAT });
  let stored = 0;
  const write = async (lines: readonly NewLogLine[]) => {
    await db.transaction(async (tx) => {
      for (const job of jobs) await appendLines(tx, job, lines);
    });
    stored += lines.length;
  };
  const endOf = (jobId: string) => (stored === 0 ? null : encodeCursor('log', jobId, stored));
  const send = () => {
    for (const { id } of jobs) bus.publish(id);
  };
  const makeContext = () =>
    ({
      visibility: 'everyone',
      requestId: 'bench',
      prices: { expect: () => undefined },
      streams,
      stored: createJobLoaders(db, 'default'),
    }) as unknown as Context;
  return { jobIds: jobs.map(({ id }) => id), write, endOf, send, makeContext, streams };
}

async function ours(db: Database, count: number, settings?: CallbackSettings): Promise<Variant> {
  const { jobIds, write, endOf, send, makeContext, streams } = await storedStreams(db, count);
  const delivery = createDelivery({
    schema: createSchema(),
    limitsRule: createLimitsRule({ maxDepth: 12, maxFields: 5_000 }),
    isProduction: true,
    maxConnections: 20_000,
    maxBufferedBytes: 1_048_576,
    report,
    onError: () => undefined,
    endStreams: () => {
      streams.close();
    },
  });
  const subscriptions = createSubscriptions({
    delivery,
    makeContext,
    maxSubscriptionsPerConnection: 100,
    maxMessageBytes: 1_048_576,
    report,
    onConnections: () => undefined,
  });
  const eventStreams = createEventStreams({ delivery, onStreams: () => undefined });
  const callbacks = createCallbacks({
    delivery,
    settings,
    router: createRouterCallbacks(),
    onCallbacks: () => undefined,
  });
  return {
    jobIds,
    write,
    endOf,
    send,
    request: (request, response) => {
      void readBody(request, 1_048_576).then(async (body) => {
        const text = body.kind === 'body' ? body.bytes.toString() : '';
        const json: unknown = JSON.parse(text);
        const called = await callbacks.answer(request, json, makeContext);
        if (called === undefined) eventStreams.answer(request, response, json, makeContext);
        else response.writeHead(called.status).end(JSON.stringify(called.body));
      });
    },
    upgrade: (request, socket, head) => {
      subscriptions.handleUpgrade(request, socket, head);
    },
  };
}

async function stockOverStore(db: Database): Promise<Variant> {
  const { jobIds, write, endOf, send, makeContext } = await storedStreams(db, JOBS);
  return { ...stock({ makeContext, send }, jobIds), write, endOf };
}

/** graphql-ws as it comes, with graphql-js `subscribe` per client. */
function stock(
  { makeContext, send }: { makeContext: () => Context; send: Variant['send'] },
  jobIds: readonly string[],
): Variant {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  useServer({ schema: createSchema(), context: makeContext }, sockets);
  return {
    jobIds,
    send,
    upgrade: (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (client) => {
        sockets.emit('connection', client, request);
      });
    },
  };
}

/** The kindest source for it: batches are pushed from memory, nothing is read. */
function pushedStreams() {
  const source = new EventEmitter().setMaxListeners(0);
  let seq = 0;

  async function* logs() {
    const queue: unknown[] = [{ kind: 'batch', jobId: 'job', from: 0, to: 0, items: [] }];
    let wake: (() => void) | undefined;
    source.on('batch', (event) => {
      queue.push(event);
      wake?.();
    });
    for (;;) {
      while (queue.length > 0) yield queue.shift();
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    makeContext: () => ({ streams: { logs } }) as unknown as Context,
    send(lines: readonly NewLogLine[]) {
      const items = lines.map((line): LogLine => ({ ...line, seq: (seq += 1) }));
      const from = seq - items.length;
      source.emit('batch', { kind: 'batch', jobId: 'job', from, to: seq, items });
    },
  };
}

/** The limit: one message is made once, and every socket is given it. */
function prepared(
  write: (client: WebSocket, socket: Duplex, message: Buffer, frame: Buffer) => void,
): Variant {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    handleProtocols: () => PROTOCOL,
  });
  const members: { client: WebSocket; socket: Duplex }[] = [];
  let seq = 0;

  function messageOf(lines: readonly NewLogLine[]): Buffer {
    const trainingJobLogs = {
      lines: lines.map(({ at, source, text }) => ({
        seq: (seq += 1),
        at: new Date(at).toISOString(),
        source,
        text,
      })),
      endCursor: Buffer.from(`1:l:job:${seq}`).toString('base64url'),
    };
    return Buffer.from(
      JSON.stringify({ id: '1', type: 'next', payload: { data: { trainingJobLogs } } }),
    );
  }

  return {
    jobIds: ['job'],
    upgrade: (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (client) => {
        client.on('message', (data: Buffer) => {
          if (data.includes('connection_init')) client.send('{"type":"connection_ack"}');
          else {
            members.push({ client, socket });
            client.send(messageOf([]));
          }
        });
      });
    },
    send(lines) {
      const message = messageOf(lines);
      const frame = frameOf(message);
      for (const { client, socket } of members) write(client, socket, message, frame);
    },
  };
}

function frameOf(message: Buffer): Buffer {
  const header =
    message.length < 126
      ? Buffer.from([0x81, message.length])
      : Buffer.from([0x81, 126, message.length >> 8, message.length & 0xff]);
  return Buffer.concat([header, message]);
}

function report(error: unknown): never {
  throw error;
}

function makeJob(): Job {
  const id = randomBytes(8).toString('hex');
  return jobRecord(id, { status: 'RUNNING', attempt: 1, startedAt: Date.now() });
}
