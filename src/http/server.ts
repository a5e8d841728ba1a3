/**
 * The HTTP server: routes, and the order in which it goes down.
 *
 * - STARTING  listens, not ready
 * - READY     serves
 * - DRAINING  not ready; takes no new connection, finishes what is in flight, closes sockets (1001)
 * - CLOSED    everything is released
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { Context } from '../context.ts';
import { readBody } from './body.ts';
import type { Callbacks } from './callbacks.ts';
import type { EventStreams } from './event-streams.ts';
import type { GraphqlHttp } from './graphql.ts';
import type { createGuard } from './guard.ts';
import { renderIde, wantsIde } from './ide.ts';
import type { Metrics } from './metrics.ts';
import { MAX_QUERY_CHARACTERS } from './operation-limits.ts';
import type { Refusal } from './refusal.ts';
import { refuse } from './subscriptions.ts';
import type { Subscriptions } from './subscriptions.ts';

export const GRAPHQL_PATH = '/graphql';
const WEBSOCKET_PATHS: ReadonlySet<string> = new Set([GRAPHQL_PATH, '/ws']);

/** A client that sends its headers, or an operation, slower than this is cut off. */
const HEADERS_TIMEOUT_MS = 15_000;
const BODY_TIMEOUT_MS = 60_000;
const PREFLIGHT_SECONDS = 600;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export interface HttpServerDeps {
  host: string;
  port: number;
  maxBodyBytes: number;
  hasIde: boolean;
  shutdownGraceMs: number;
  guard: ReturnType<typeof createGuard>;
  graphql: GraphqlHttp;
  subscriptions: Subscriptions;
  eventStreams: EventStreams;
  callbacks: Callbacks;
  makeContext: (request: IncomingMessage, requestId: string) => Context;
  /** By the first name of the path: routes that stream files. */
  files: Readonly<Record<'artifacts' | 'uploads', FileRoute>>;
  metrics: Metrics;
  log: Logger;
}

export type FileRoute = (
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
) => Promise<void>;

export interface HttpServer {
  /** Rejects if the address cannot be had. */
  listen(): Promise<{ readonly url: string }>;
  /** Says whether /readyz answers 200; false from the start of `close` on. */
  setReady(isReady: boolean): void;
  /** Ends within the grace, whatever clients do. */
  close(): Promise<void>;
}

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  let isReady = false;
  let isClosing = false;
  const server = createServer({
    // Uploads may take as long as something comes; each route has a limit of its own.
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
  });
  server.on('request', (request, response) => {
    const requestId = requestIdOf(request);
    response.setHeader('x-request-id', requestId);
    const path = pathOf(request);
    // Kept connections would hold the shutdown up, and their next request would be cut.
    if (isClosing) response.setHeader('connection', 'close');
    response.on('finish', () => {
      if (isClosing) server.closeIdleConnections();
      const { statusCode: status } = response;
      deps.metrics.countRequest(routeOf(path), status);
      if (deps.log.isLevelEnabled('debug')) {
        deps.log.debug({ requestId, method: request.method, path, status }, 'request');
      }
    });
    route(request, response, path, requestId).catch((error: unknown) => {
      deps.log.warn({ err: error, requestId, path }, 'request failed');
      if (response.headersSent) response.destroy();
      else sendText(response, 500, `Internal error (request ${requestId})`);
    });
  });
  server.on('upgrade', (request, socket, head) => {
    // Without a listener a reset of a half-open socket would end the process.
    socket.on('error', () => socket.destroy());
    const verdict = deps.guard(request.headers);
    if (!isReady) refuse(socket, '503 Service Unavailable', 'Not ready');
    else if (!WEBSOCKET_PATHS.has(pathOf(request))) refuse(socket, '404 Not Found');
    else if (verdict.kind === 'refuse') refuse(socket, `${verdict.status} Refused`, verdict.reason);
    else deps.subscriptions.handleUpgrade(request, socket, head);
  });

  async function route(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    requestId: string,
  ): Promise<void> {
    switch (path) {
      // Probes come by address, not by name, and tell nothing.
      case '/livez':
        sendText(response, 200, 'ok');
        return;
      case '/readyz':
        sendText(response, isReady ? 200 : 503, isReady ? 'ok' : 'not ready');
        return;
    }
    const verdict = deps.guard(request.headers);
    if (verdict.kind === 'refuse') {
      sendText(response, verdict.status, verdict.reason);
      return;
    }
    switch (path) {
      case '/metrics':
        await sendMetrics(response, deps.metrics);
        return;
      case GRAPHQL_PATH:
        await graphql(request, response, verdict.origin, requestId);
        return;
      case '/ws':
        sendText(response, 426, 'Open a WebSocket here (graphql-transport-ws).');
        return;
      case '/':
        response.writeHead(302, { location: GRAPHQL_PATH }).end();
        return;
      default:
        if (path.startsWith('/artifacts/')) await deps.files.artifacts(request, response, path);
        else if (path.startsWith('/uploads/')) await deps.files.uploads(request, response, path);
        else sendText(response, 404, `Nothing is here. GraphQL is at ${GRAPHQL_PATH}.`);
    }
  }

  async function graphql(
    request: IncomingMessage,
    response: ServerResponse,
    origin: string | undefined,
    requestId: string,
  ): Promise<void> {
    response.setHeader('vary', 'Accept, Origin');
    if (origin !== undefined) allowOrigin(response, origin);
    if (request.method === 'OPTIONS') {
      sendPreflight(request, response);
      return;
    }
    if (deps.hasIde && wantsIde(request)) {
      const page = await renderIde(GRAPHQL_PATH);
      send(response, 200, { 'content-type': 'text/html; charset=utf-8', ...FRAMING }, page);
      return;
    }
    const body = await readJson(request, deps.maxBodyBytes);
    if (body.kind === 'refused') {
      if (body.status === 413) response.setHeader('connection', 'close');
      sendError(response, body.status, body.message);
      return;
    }
    if (queryLength(body.value) > MAX_QUERY_CHARACTERS) {
      sendError(response, 400, `The query is over ${MAX_QUERY_CHARACTERS} characters.`);
      return;
    }
    const freshContext = () => deps.makeContext(request, requestId);
    const called = await deps.callbacks.answer(request, body.value, freshContext);
    if (called !== undefined) {
      sendJson(response, called.status, called.body);
      return;
    }
    const verdict = deps.eventStreams.answer(request, response, body.value, freshContext);
    if (verdict.kind === 'refused') {
      sendError(response, verdict.status, verdict.message, verdict.code);
    }
    if (verdict.kind !== 'pass') return;
    const startedAt = performance.now();
    const context = freshContext();
    const answer = await deps.graphql.execute(request, body.value, context);
    deps.metrics.graphqlSeconds.observe((performance.now() - startedAt) / 1_000);
    if (answer.body.kind !== 'complete') throw new Error('incremental delivery is not offered');
    send(response, answer.status ?? 200, Object.fromEntries(answer.headers), answer.body.string);
  }

  async function close(): Promise<void> {
    isReady = false;
    isClosing = true;
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    server.closeIdleConnections();
    // A client need not answer a close, nor read what it is sent.
    const timer = setTimeout(() => {
      deps.subscriptions.terminate();
      deps.callbacks.terminate();
      server.closeAllConnections();
    }, deps.shutdownGraceMs);
    const { subscriptions, eventStreams, callbacks } = deps;
    await Promise.all([subscriptions.stop(), eventStreams.stop(), callbacks.stop(), closed]);
    clearTimeout(timer);
  }

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(deps.port, deps.host, () => {
          server.off('error', reject);
          server.on('error', (error) => {
            deps.log.error({ err: error }, 'HTTP server error');
          });
          const { port } = server.address() as AddressInfo;
          const host = deps.host.includes(':') ? `[${deps.host}]` : deps.host;
          resolve({ url: `http://${host}:${port}` });
        });
      }),
    setReady(ready) {
      isReady = ready;
    },
    close,
  };
}

/** No page may frame the IDE and have its visitor click in it. */
const FRAMING = {
  'content-security-policy': "frame-ancestors 'none'",
  'x-frame-options': 'DENY',
};

type JsonBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly message: string };

/** Undefined for a body that does not call itself JSON: Apollo Server says what is wrong with it. */
async function readJson(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  if (request.method !== 'POST') return { kind: 'json', value: undefined };
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    return { kind: 'refused', status: 415, message: `Send the body without ${encoding} encoding.` };
  }
  const timer = setTimeout(() => request.destroy(), BODY_TIMEOUT_MS);
  const body = await readBody(request, maxBytes).finally(() => {
    clearTimeout(timer);
  });
  if (body.kind === 'too-large') {
    return { kind: 'refused', status: 413, message: `The body is over ${maxBytes} bytes.` };
  }
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    return { kind: 'json', value: undefined };
  }
  try {
    return { kind: 'json', value: JSON.parse(body.bytes.toString('utf8')) as unknown };
  } catch {
    return { kind: 'refused', status: 400, message: 'The body is not valid JSON.' };
  }
}

function queryLength(body: unknown): number {
  const query = typeof body === 'object' && body !== null && 'query' in body ? body.query : '';
  return typeof query === 'string' ? query.length : 0;
}

function send(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, { 'content-type': 'text/plain; charset=utf-8' }, `${text}\n`);
}

function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  code: Refusal['code'] = 'BAD_REQUEST',
): void {
  sendJson(response, status, { errors: [{ message, extensions: { code } }] });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const headers = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  };
  send(response, status, headers, JSON.stringify(body));
}

async function sendMetrics(response: ServerResponse, { registry }: Metrics): Promise<void> {
  send(response, 200, { 'content-type': registry.contentType }, await registry.metrics());
}

function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', 'x-request-id');
}

function sendPreflight(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, OPTIONS',
    'access-control-allow-headers':
      request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  });
  response.end();
}

function requestIdOf(request: IncomingMessage): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && REQUEST_ID.test(sent) ? sent : randomUUID();
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/';
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

const ROUTES: ReadonlySet<string> = new Set([
  GRAPHQL_PATH,
  '/ws',
  '/livez',
  '/readyz',
  '/metrics',
  '/',
]);

/** Paths of our own only: a label per path that strangers make up would fill the memory. */
function routeOf(path: string): string {
  if (path.startsWith('/artifacts/')) return '/artifacts';
  if (path.startsWith('/uploads/')) return '/uploads';
  return ROUTES.has(path) ? path : 'other';
}
