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
import type {
  ExecutionArgs,
  ExecutionResult,
  FormattedExecutionResult,
  GraphQLFormattedError,
} from 'graphql';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Context } from '../context.ts';
import { maskError } from '../errors.ts';
import type { ReportBug } from '../errors.ts';
import { createConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { createInFlight } from './in-flight.ts';
import { createKeepAlive } from './keep-alive.ts';
import { createLogRooms } from './log-rooms.ts';
import { createMessageLimit } from './message-limit.ts';
import { createSubscribe } from './stream-results.ts';
import { coded, createOperations } from './ws-operations.ts';
import type { Operation, OperationsDeps } from './ws-operations.ts';

/** Gateways expect an acknowledgement within five seconds; a client may take as long to ask. */
const CONNECTION_INIT_MS = 5_000;
const KEEP_ALIVE_MS = 12_000;
const LAG_MS = 30_000;
/** For a refused client to read why. */
const LINGER_MS = 1_000;

/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;
/** Our own, see docs/streams.md. Clients may come again after both. */
const TOO_SLOW = 4420;
const TOO_MANY_MESSAGES = 4421;

export interface SubscriptionsDeps extends OperationsDeps {
  makeContext: (request: IncomingMessage) => Context;
  maxConnections: number;
  maxSubscriptionsPerConnection: number;
  maxMessageBytes: number;
  /** What may wait for one client to read it, before nothing is added. */
  maxBufferedBytes: number;
  /** How long a client that does not read is waited for, before it is told LAGGED. */
  lagMs?: number;
  /** Between two pings. */
  keepAliveMs?: number;
  report: ReportBug;
  onError: (code: string) => void;
  onConnections: (open: number) => void;
  /** Makes streams say goodbye. */
  endStreams: () => void;
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

type Errors = readonly (GraphQLError | GraphQLFormattedError)[];

interface Extra {
  readonly request: IncomingMessage;
  readonly socket: WebSocket;
}

export function createSubscriptions(deps: SubscriptionsDeps): Subscriptions {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: deps.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  const connections = new WeakMap<WebSocket, Connection>();
  const inFlight = createInFlight();
  const prepare = createOperations(deps);
  const keepAlive = createKeepAlive(deps.keepAliveMs ?? KEEP_ALIVE_MS, dismiss);
  const rooms = createLogRooms({ toPayload, lagMs: deps.lagMs ?? LAG_MS });
  const subscribe = createSubscribe({
    followLogs: (operation, stream) => rooms.follow(operation, stream),
    onPolite: ({ connection, id }) => {
      inFlight.begin(connection.client, id);
    },
  });

  function mask(errors: Errors, requestId: string | undefined): GraphQLFormattedError[] {
    return errors.map((error) => {
      const masked = maskError(toWire(error), thrownIn(error), (bug) =>
        deps.report(bug, requestId),
      );
      deps.onError(String(masked.extensions?.code));
      return masked;
    });
  }

  function toPayload(
    result: { readonly data?: ExecutionResult['data'] | undefined; errors?: Errors | undefined },
    { contextValue }: ExecutionArgs,
  ): FormattedExecutionResult {
    const { data, errors } = result;
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors: mask(errors, (contextValue as Context).requestId) }),
    };
  }

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
      const freshContext = () => deps.makeContext(request);
      const operation = prepare(payload, { freshContext, connection, id });
      if (!('definition' in operation)) return operation;
      const isStream = operation.definition.operation === OperationTypeNode.SUBSCRIPTION;
      if (!isStream) inFlight.begin(socket, id);
      return operation;
    },
    subscribe: (args) => subscribe(args as Operation),
    onComplete: (context, id) => {
      inFlight.end(context.extra.socket, id);
    },
    onDisconnect: (context) => {
      inFlight.forget(context.extra.socket);
    },
    onError: (_context, _id, _payload, errors) => mask(errors, undefined),
    onNext: (_context, _id, _payload, args, result) =>
      result.errors === undefined ? undefined : toPayload(result, args),
  });

  function accept(client: WebSocket, request: IncomingMessage, socket: Duplex): void {
    const connection = createConnection(client, socket, deps.maxBufferedBytes);
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
    client.once('close', (code, reason) => {
      deps.onConnections(sockets.clients.size);
      connectionGone(onClosed(code, reason.toString()));
    });
    keepAlive.watch(connection);
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
      if (sockets.clients.size >= deps.maxConnections) {
        refuse(socket, '503 Service Unavailable');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => {
        accept(client, request, socket);
      });
    },
    async stop() {
      deps.endStreams();
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

/** Faults of the request that the engine itself finds have no path: a variable of the wrong type. */
function toWire(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  if (!(error instanceof GraphQLError)) return error;
  const wire = error.toJSON();
  return error.path === undefined
    ? { ...wire, extensions: { code: 'BAD_USER_INPUT', ...wire.extensions } }
    : wire;
}

function thrownIn(error: GraphQLError | GraphQLFormattedError): unknown {
  return error instanceof GraphQLError ? (error.originalError ?? error) : error;
}

function tooManySubscriptions(deps: SubscriptionsDeps): GraphQLError {
  return new GraphQLError(
    `This connection has ${deps.maxSubscriptionsPerConnection} operations running, which is the most: end one first.`,
  );
}
