/**
 * GraphQL over WebSocket (protocol graphql-transport-ws), any operation. The same limits and the
 * same errors as over HTTP, which graphql-ws leaves to its user.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  OperationTypeNode,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type {
  DocumentNode,
  ExecutionArgs,
  GraphQLFormattedError,
  GraphQLSchema,
  ValidationRule,
} from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import type { SubscribePayload } from 'graphql-ws';
import { useServer as serveWebSocket } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import type { Context } from '../context.ts';
import { maskError } from '../errors.ts';
import type { ReportBug } from '../errors.ts';
import { plannedOffers } from '../resolvers/offer-plan.ts';
import { createDocumentCache } from './document-cache.ts';
import { createInFlight } from './in-flight.ts';
import { checkRepresentations, MAX_QUERY_CHARACTERS, parseOptions } from './operation-limits.ts';

/** Gateways expect an acknowledgement within five seconds; a client may take as long to ask. */
const CONNECTION_INIT_MS = 5_000;
const KEEP_ALIVE_MS = 12_000;
/** For a refused client to read why. */
const LINGER_MS = 1_000;

/** RFC 6455 §7.4.1. */
const GOING_AWAY = 1001;

export interface SubscriptionsDeps {
  schema: GraphQLSchema;
  limitsRule: ValidationRule;
  isProduction: boolean;
  makeContext: (request: IncomingMessage) => Context;
  maxConnections: number;
  maxSubscriptionsPerConnection: number;
  maxMessageBytes: number;
  report: ReportBug;
  onError: (code: string) => void;
  onConnections: (open: number) => void;
}

export interface Subscriptions {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Waits for queries that are being answered, then closes every connection with 1001 and waits
   * until they are gone; `terminate` hastens that.
   */
  stop(): Promise<void>;
  /** Cuts the connections that are left. */
  terminate(): void;
}

interface Extra {
  readonly request: IncomingMessage;
}

export function createSubscriptions(deps: SubscriptionsDeps): Subscriptions {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: deps.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) =>
      offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false,
  });
  const documents = createDocumentCache();
  const inFlight = createInFlight();
  const rules = [
    ...specifiedRules,
    deps.limitsRule,
    ...(deps.isProduction ? [NoSchemaIntrospectionCustomRule] : []),
  ];

  /** @returns the document, or what is wrong with it, as over HTTP */
  function readDocument(query: string): DocumentNode | readonly GraphQLError[] {
    const known = documents.get(query);
    if (known !== undefined) return known;
    if (query.length > MAX_QUERY_CHARACTERS) {
      const message = `The query is over ${MAX_QUERY_CHARACTERS} characters.`;
      return [coded(new GraphQLError(message), 'BAD_REQUEST')];
    }
    let document: DocumentNode;
    try {
      document = parse(query, parseOptions);
    } catch (error) {
      // Anything else is the parser's stack, overflown by brackets.
      const fault = error instanceof GraphQLError ? error : new GraphQLError('Nested too deep.');
      return [coded(fault, 'GRAPHQL_PARSE_FAILED')];
    }
    const faults = validate(deps.schema, document, rules, { hideSuggestions: deps.isProduction });
    if (faults.length > 0) return faults.map((fault) => coded(fault, 'GRAPHQL_VALIDATION_FAILED'));
    documents.set(query, document);
    return document;
  }

  /** `onAnswer`: told of an operation that ends with one answer, as a stream does not. */
  function prepare(request: IncomingMessage, payload: SubscribePayload, onAnswer: () => void) {
    const document = readDocument(payload.query);
    if (!('kind' in document)) return document;
    const operation = getOperationAST(document, payload.operationName);
    if (!operation) {
      const message = 'operationName must name one of the operations of the document.';
      return [coded(new GraphQLError(message), 'OPERATION_RESOLUTION_FAILURE')];
    }
    const contextValue = deps.makeContext(request);
    const variables = payload.variables ?? {};
    try {
      checkRepresentations(document, operation, variables);
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
    contextValue.prices.expect(() => plannedOffers(deps.schema, document, operation, variables));
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) onAnswer();
    const args: ExecutionArgs = {
      schema: deps.schema,
      document,
      operationName: payload.operationName,
      variableValues: variables,
      contextValue,
    };
    return args;
  }

  function mask(
    errors: readonly (GraphQLError | GraphQLFormattedError)[],
    requestId: string | undefined,
  ): GraphQLFormattedError[] {
    return errors.map((error) => {
      const masked = maskError(toWire(error), thrownIn(error), (bug) =>
        deps.report(bug, requestId),
      );
      deps.onError(String(masked.extensions?.code));
      return masked;
    });
  }

  const serving = serveWebSocket<Record<string, unknown>, Partial<Extra>>(
    {
      connectionInitWaitTimeout: CONNECTION_INIT_MS,
      onSubscribe: (context, id, payload) => {
        if (Object.keys(context.subscriptions).length > deps.maxSubscriptionsPerConnection) {
          return [coded(tooManySubscriptions(deps), 'LIMIT_EXCEEDED')];
        }
        return prepare((context.extra as Extra).request, payload, () => {
          inFlight.begin(context, id);
        });
      },
      onComplete: (context, id) => {
        inFlight.end(context, id);
      },
      onDisconnect: (context) => {
        inFlight.forget(context);
      },
      onError: (_context, _id, _payload, errors) => mask(errors, undefined),
      onNext: (_context, _id, _payload, { contextValue }, result) =>
        result.errors === undefined
          ? undefined
          : {
              ...(result.data !== undefined && { data: result.data }),
              errors: mask(result.errors, (contextValue as Context).requestId),
            },
    },
    sockets,
    KEEP_ALIVE_MS,
  );

  return {
    handleUpgrade(request, socket, head) {
      if (sockets.clients.size >= deps.maxConnections) {
        refuse(socket, '503 Service Unavailable');
        return;
      }
      sockets.handleUpgrade(request, socket, head, (client) => {
        deps.onConnections(sockets.clients.size);
        client.on('close', () => {
          deps.onConnections(sockets.clients.size);
        });
        sockets.emit('connection', client, request);
        // graphql-ws prints what a client did wrong to the console and closes with 4500; ws has
        // already closed with the right code (1009 for a frame too large).
        client.removeAllListeners('error');
        client.on('error', () => undefined);
      });
    },
    async stop() {
      await inFlight.drained();
      for (const client of sockets.clients) client.close(GOING_AWAY, 'Server is shutting down');
      await serving.dispose();
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

function coded(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    ...(error.nodes && { nodes: error.nodes }),
    ...(error.source && { source: error.source }),
    ...(error.positions && { positions: error.positions }),
    extensions: { code },
  });
}
