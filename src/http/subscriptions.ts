/**
 * GraphQL over WebSocket (protocol graphql-transport-ws), any operation. The same limits and the
 * same errors as over HTTP, which graphql-ws leaves to its user.
 *
 * - SERVING  operations run, streams follow
 * - ENDING   streams say goodbye, queries get their answers; then each connection is closed (1001)
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, OperationTypeNode } from 'graphql';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Context } from '../context.ts';
import type { ReportBug } from '../errors.ts';
import type { Delivery } from './delivery.ts';
import { createInFlight } from './in-flight.ts';
import { createKeepAlive } from './keep-alive.ts';
import { createMessageLimit } from './message-limit.ts';
import { coded } from './operations.ts';
import type { Operation } from './operations.ts';
import { createConnection } from './ws-connection.ts';
import type { Connection } from './ws-connection.ts';

/** Gateways expect an acknowledgement within five seconds; a client may take as long to ask. */
const CONNECTION_INIT_MS = 5_000;
const KEEP_ALIVE_MS = 12_000;
/** For a refused client to read why. */
const LINGER_MS = 1_000;

/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
/** Our own, see docs/streams.md. Clients may come again after both. */
const TOO_SLOW = 4420;
const TOO_MANY_MESSAGES = 4421;

export interface SubscriptionsDeps {
  readonly delivery: Delivery;
  readonly makeContext: (request: IncomingMessage) => Context;
  readonly maxSubscriptionsPerConnection: number;
  readonly maxMessageBytes: number;
  /** Between two pings. */
  readonly keepAliveMs?: number;
  readonly report: ReportBug;
  readonly onConnections: (open: number) => void;
}

export interface Subscriptions {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Ends streams, waits for queries that are being answered, closes each connection with 1001 and
   * waits until they are gone; `terminate` hastens that.
   */
  stop(): Promise<void>;
  /** Cuts the connections that are left. */
  terminate(): void;
}

interface Extra {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
}

export function createSubscriptions(deps: SubscriptionsDeps): Subscriptions {
  const { delivery } = deps;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: deps.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  const connections = new WeakMap<WebSocket, Connection>();
  const inFlight = createInFlight();
  const keepAlive = createKeepAlive(deps.keepAliveMs ?? KEEP_ALIVE_MS);

  /** A client that neither answers nor reads. */
  function dismiss({ client, isOpen, waitingBytes }: Connection): void {
    // Closed already: ws cuts it, if the client does not read that either.
    if (!isOpen()) return;
    if (waitingBytes() > 0) client.close(TOO_SLOW, 'Nothing was read for too long');
    else client.terminate();
  }

  // Not its adapter for ws: that one calls slow clients gone, and writes to the console.
  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: CONNECTION_INIT_MS,
    onSubscribe: (context, id, payload) => {
      if (Object.keys(context.subscriptions).length > deps.maxSubscriptionsPerConnection) {
        return [coded(tooManySubscriptions(deps), 'LIMIT_EXCEEDED')];
      }
      const { socket, request } = context.extra;
      const connection = connections.get(socket);
      if (connection === undefined) throw new Error('a connection is not known');
      const expectGoodbye = () => {
        inFlight.begin(socket, id);
      };
      const operation = delivery.prepare(payload, {
        freshContext: () => deps.makeContext(request),
        reader: connection.readerOf(id, expectGoodbye),
      });
      if (!('definition' in operation)) return operation;
      const isStream = operation.definition.operation === OperationTypeNode.SUBSCRIPTION;
      if (!isStream) inFlight.begin(socket, id);
      return operation;
    },
    subscribe: (args) => delivery.subscribe(args as Operation),
    onComplete: (context, id) => {
      inFlight.end(context.extra.socket, id);
    },
    onDisconnect: (context) => {
      inFlight.forget(context.extra.socket);
    },
    onError: (_context, _id, _payload, errors) => delivery.mask(errors),
    onNext: (_context, _id, _payload, args, result) =>
      result.errors === undefined ? undefined : delivery.toPayload(result, args as Operation),
  });

  function accept(client: WebSocket, request: IncomingMessage, socket: Duplex): void {
    const connection = createConnection(client, socket, delivery.maxBufferedBytes);
    connections.set(client, connection);
    deps.onConnections(sockets.clients.size);
    const onClosed = protocol.opened(
      {
        protocol: client.protocol,
        send: (data) => connection.send(data),
        close: (code, reason) => {
          client.close(code, reason);
        },
        onMessage: (handle) => {
          listen(client, handle);
        },
      },
      { request, socket: client },
    );
    const watched = keepAlive.watch({
      ...connection,
      onStalled: () => {
        dismiss(connection);
      },
    });
    client.on('pong', watched.speak).on('message', watched.speak);
    client.once('close', (code, reason) => {
      watched.forget();
      delivery.slots.free();
      deps.onConnections(sockets.clients.size);
      connectionGone(onClosed(code, reason.toString()));
    });
    // ws has closed already, with the right code: 1009 for a frame too large.
    client.on('error', () => undefined);
  }

  function listen(client: WebSocket, handle: (data: string) => Promise<void>): void {
    const mayPass = createMessageLimit();
    client.on('message', (data: Buffer) => {
      // What comes after a close is nobody's.
      if (client.readyState !== client.OPEN) return;
      if (!mayPass()) {
        client.close(TOO_MANY_MESSAGES, 'Too many messages');
        setTimeout(() => {
          client.terminate();
        }, LINGER_MS).unref();
        return;
      }
      handle(data.toString()).catch((error: unknown) => {
        deps.report(error);
        client.close(CloseCode.InternalServerError, 'Internal server error');
      });
    });
  }

  function connectionGone(cleanUp: Promise<void>): void {
    cleanUp.catch((error: unknown) => {
      deps.report(error);
    });
  }

  return {
    handleUpgrade(request, socket, head) {
      if (!delivery.slots.take()) {
        refuse(socket, '503 Service Unavailable');
        return;
      }
      const before = sockets.clients.size;
      sockets.handleUpgrade(request, socket, head, (client) => {
        accept(client, request, socket);
      });
      // ws takes it at once, or never: it has answered by itself what is no handshake.
      if (sockets.clients.size === before) delivery.slots.free();
    },
    async stop() {
      delivery.endStreams();
      const closed = [...sockets.clients].map(async (client) => {
        await inFlight.drained(client);
        // graphql-ws sends `complete` after it has told us of it.
        await new Promise((resolve) => setImmediate(resolve));
        client.close(GOING_AWAY, 'Server is shutting down');
      });
      await Promise.all(closed);
      keepAlive.stop();
      await new Promise((resolve) => {
        sockets.close(resolve);
      });
    },
    terminate() {
      inFlight.abandon();
      for (const client of sockets.clients) client.terminate();
    },
  };
}

/** Ends an upgrade with a status and no more: nothing was agreed on yet. */
export function refuse(socket: Duplex, status: string, reason = ''): void {
  const body = `${reason}\n`;
  // An upgraded socket is nobody's any more: its end must not wait for the client's.
  const cut = (): void => void socket.destroy();
  setTimeout(cut, LINGER_MS).unref();
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    cut,
  );
}

function tooManySubscriptions(deps: SubscriptionsDeps): GraphQLError {
  return new GraphQLError(
    `This connection has ${deps.maxSubscriptionsPerConnection} operations running, which is the most: end one first.`,
  );
}
