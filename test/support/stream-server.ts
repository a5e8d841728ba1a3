/** A server of streams alone: our transports over a store and a bus that the test writes to. */
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRouterCallbacks } from '../../src/datasources/router-callback.ts';
import { createMemoryBus } from '../../src/bus/memory.ts';
import type { Bus } from '../../src/bus/bus.ts';
import type { Context } from '../../src/context.ts';
import { createEventStreams } from '../../src/http/event-streams.ts';
import type { EventStreamsDeps } from '../../src/http/event-streams.ts';
import { createLimitsRule } from '../../src/http/operation-limits.ts';
import { readBody } from '../../src/http/body.ts';
import { createCallbacks } from '../../src/http/callbacks.ts';
import type { CallbacksDeps } from '../../src/http/callbacks.ts';
import { createDelivery } from '../../src/http/delivery.ts';
import type { DeliveryDeps } from '../../src/http/delivery.ts';
import { createSubscriptions } from '../../src/http/subscriptions.ts';
import type { Subscriptions, SubscriptionsDeps } from '../../src/http/subscriptions.ts';
import { createJobLoaders } from '../../src/jobs/job-loaders.ts';
import { createJobStreams } from '../../src/logs/tail-streams.ts';
import type { JobStreams } from '../../src/logs/tail-streams.ts';
import { createWaker } from '../../src/logs/tail-waker.ts';
import type { TailTiming } from '../../src/logs/tail.ts';
import { createSchema } from '../../src/resolvers/schema.ts';
import type { Database } from '../../src/store/database.ts';

export interface StreamServer {
  readonly url: string;
  readonly bus: Bus;
  readonly streams: JobStreams;
  readonly subscriptions: Subscriptions;
  /** Ours of each connection, in the order they came. */
  readonly sockets: readonly Duplex[];
  readonly close: () => Promise<void>;
}

export interface StreamServerSettings {
  readonly timing?: TailTiming;
  readonly bus?: Bus;
  readonly port?: number;
  readonly more?: Partial<DeliveryDeps & SubscriptionsDeps & EventStreamsDeps>;
  readonly callbacks?: CallbacksDeps['settings'];
  readonly callbackTimeoutMs?: number;
  /** By request: callers who may not share. */
  readonly visibility?: (path: string) => string;
}

const schema = createSchema();

function report(error: unknown): never {
  throw error;
}

export async function startStreamServer(
  db: Database,
  settings: StreamServerSettings = {},
): Promise<StreamServer> {
  const bus = settings.bus ?? createMemoryBus();
  const timing = settings.timing ?? { heartbeatMs: 15_000, pollMs: 1_000 };
  const waker = createWaker({ db, bus, pollMs: timing.pollMs });
  const streams = createJobStreams({ db, tenantId: 'default', waker, timing });
  const delivery = createDelivery({
    schema,
    limitsRule: createLimitsRule({ maxDepth: 12, maxFields: 5_000 }),
    isProduction: true,
    maxConnections: 20_000,
    maxBufferedBytes: 1_048_576,
    report,
    onError: () => undefined,
    endStreams: () => {
      streams.close();
    },
    ...settings.more,
  });
  const makeContext = ({ url = '' }: IncomingMessage) =>
    ({
      visibility: settings.visibility?.(url) ?? 'everyone',
      requestId: 'test',
      prices: { expect: () => undefined },
      streams,
      stored: createJobLoaders(db, 'default'),
    }) as unknown as Context;
  const subscriptions = createSubscriptions({
    delivery,
    makeContext,
    maxSubscriptionsPerConnection: 100,
    maxMessageBytes: 1_048_576,
    report,
    onConnections: () => undefined,
    ...settings.more,
  });
  const eventStreams = createEventStreams({
    delivery,
    onStreams: () => undefined,
    ...settings.more,
  });
  const router = createRouterCallbacks({ timeoutMs: settings.callbackTimeoutMs ?? 10_000 });
  const callbacks = createCallbacks({
    delivery,
    router,
    settings: settings.callbacks,
    onCallbacks: () => undefined,
  });
  const sockets: Duplex[] = [];
  const server = createServer((request, response) => {
    sockets.push(request.socket);
    void readBody(request, 1_048_576).then(async (body) => {
      const bytes = body.kind === 'body' ? body.bytes.toString() : '';
      const json: unknown = bytes === '' ? undefined : JSON.parse(bytes);
      const freshContext = () => makeContext(request);
      const called = await callbacks.answer(request, json, freshContext);
      if (called !== undefined) {
        response.writeHead(called.status).end(JSON.stringify(called.body));
        return;
      }
      const verdict = eventStreams.answer(request, response, json, freshContext);
      if (verdict.kind === 'pass') response.writeHead(406).end();
      if (verdict.kind === 'refused') response.writeHead(verdict.status).end(verdict.message);
    });
  });
  server.on('upgrade', (request, socket, head) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    subscriptions.handleUpgrade(request, socket, head);
  });
  await new Promise<void>((resolve) => {
    server.listen({ port: settings.port ?? 0, host: '127.0.0.1', backlog: 4_096 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    const timer = setTimeout(() => {
      subscriptions.terminate();
      callbacks.terminate();
      server.closeAllConnections();
    }, 1_000);
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeIdleConnections();
    await Promise.all([subscriptions.stop(), eventStreams.stop(), callbacks.stop(), closed]);
    router.close();
    clearTimeout(timer);
    waker.close();
    if (settings.bus === undefined) await bus.close();
  }

  return {
    url: `http://127.0.0.1:${port}`,
    bus,
    streams,
    subscriptions,
    sockets,
    close: () => (closing ??= close()),
  };
}
