/**
 * GraphQL over server-sent events (graphql-sse's protocol, "distinct connections mode"): one request,
 * one operation, one stream of `next` and a `complete`, by `Accept: text/event-stream`. Everything
 * else is as over WebSocket; readers of both share rooms.
 *
 * - SERVING  streams follow
 * - ENDING   streams say goodbye, queries get their answers; what says none is cut
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { OperationTypeNode } from 'graphql';
import type { FormattedExecutionResult } from 'graphql';
import type { Context } from '../context.ts';
import type { Delivery, Run } from './delivery.ts';
import { createKeepAlive } from './keep-alive.ts';
import type { Operation } from './operations.ts';
import { nextEvent } from './payload.ts';
import { createBacklog } from './reader.ts';
import type { Backlog, Reader } from './reader.ts';
import { refused, SHUTTING_DOWN, TOO_MANY_STREAMS } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { readParameters, wishForEvents } from './request-parameters.ts';

const KEEP_ALIVE_MS = 12_000;
/** A comment: shows the client that the stream stands, and balancers that it lives. */
const SIGN_OF_LIFE = ':\n\n';
const COMPLETE = 'event: complete\ndata:\n\n';
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Neither kept nor compressed nor held back on its way.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
};

export interface EventStreamsDeps {
  readonly delivery: Delivery;
  /** Between two signs of life. */
  readonly keepAliveMs?: number;
  readonly onStreams: (open: number) => void;
}

export type Verdict =
  /** Not for an event stream: nothing was done. */
  { readonly kind: 'pass' } | { readonly kind: 'streaming' } | Refusal;

export interface EventStreams {
  /** Takes a request whose body was read, if its answer is to be a stream. */
  answer(
    request: IncomingMessage,
    response: ServerResponse,
    body: unknown,
    freshContext: () => Context,
  ): Verdict;
  /** Ends streams and waits until they are gone; closing their connections hastens that. */
  stop(): Promise<void>;
}

interface EventStream extends Backlog {
  readonly reader: Reader;
  /** Ends when it has left, or never will. */
  readonly send: (result: FormattedExecutionResult) => Promise<void>;
  /** It says by itself when it is over. */
  readonly isPolite: () => boolean;
}

const PASS: Verdict = { kind: 'pass' };

export function createEventStreams(deps: EventStreamsDeps): EventStreams {
  const { delivery } = deps;
  const open = new Map<ServerResponse, EventStream>();
  const keepAlive = createKeepAlive(deps.keepAliveMs ?? KEEP_ALIVE_MS);
  let isStopping = false;

  function follow(response: ServerResponse, stream: EventStream, operation: Operation): void {
    const run = delivery.run(operation, stream.send);
    open.set(response, stream);
    deps.onStreams(open.size);
    const pulse = keepAlive.watch({
      flushedBytes: stream.flushedBytes,
      isOpen: () => stream.reader.isOpen(),
      ping: () => response.write(SIGN_OF_LIFE),
      onStalled: () => {
        if (stream.waitingBytes() > 0) response.destroy();
        else response.write(SIGN_OF_LIFE);
      },
    });
    response.once('close', () => {
      run.stop();
      pulse.forget();
      delivery.slots.free();
      open.delete(response);
      deps.onStreams(open.size);
    });
    void finish(run, response);
  }

  function accept(
    request: IncomingMessage,
    response: ServerResponse,
    prepared: ReturnType<Delivery['prepare']>,
    stream: EventStream,
  ): Verdict {
    if (!('definition' in prepared)) {
      begin(response);
      response.end(nextEvent(JSON.stringify({ errors: delivery.mask(prepared) })) + COMPLETE);
      return { kind: 'streaming' };
    }
    const { operation } = prepared.definition;
    if (request.method === 'GET' && !isSafe(request, operation)) return UNSAFE;
    if (isStopping) return SHUTTING_DOWN;
    if (!delivery.slots.take()) return TOO_MANY_STREAMS;
    begin(response);
    if (operation !== OperationTypeNode.SUBSCRIPTION) stream.reader.expectGoodbye();
    follow(response, stream, prepared);
    return { kind: 'streaming' };
  }

  return {
    answer(request, response, body, freshContext) {
      const wish = wishForEvents(request.headers.accept);
      if (wish === 'none' || !['GET', 'POST'].includes(request.method ?? '')) return PASS;
      const parameters = readParameters(request, body);
      if (parameters === undefined) return wish === 'also' ? PASS : MALFORMED;
      // Behind the answer to another request of its connection, which may never end.
      if (response.socket === null) return QUEUED;
      const stream = createEventStream(response, response.socket, delivery.maxBufferedBytes);
      const prepared = delivery.prepare(parameters, { freshContext, reader: stream.reader });
      const isStream =
        'definition' in prepared &&
        prepared.definition.operation === OperationTypeNode.SUBSCRIPTION;
      if (wish === 'also' && !isStream) return PASS;
      return accept(request, response, prepared, stream);
    },
    async stop() {
      isStopping = true;
      delivery.endStreams();
      await Promise.all(
        [...open].map(([response, stream]) => {
          const closed = new Promise((resolve) => response.once('close', resolve));
          // Without a `complete`: it is not over, only cut.
          if (!stream.isPolite()) response.destroy();
          return closed;
        }),
      );
      keepAlive.stop();
    },
  };
}

function createEventStream(
  response: ServerResponse,
  socket: Socket,
  maxBufferedBytes: number,
): EventStream {
  const backlog = createBacklog(socket, maxBufferedBytes);
  const isOpen = () => !response.destroyed && !response.writableEnded;
  let isPolite = false;
  let onSent: (() => void) | undefined;
  response.once('close', () => onSent?.());

  return {
    ...backlog,
    reader: {
      isOpen,
      isFull: backlog.isFull,
      drained: backlog.drained,
      // Past the response, which would write each chunk in four parts. It is nobody's but ours, and
      // what goes through the response itself goes to the same socket at once.
      offer: (payload) => {
        if (!isOpen()) return true;
        if (backlog.isFull()) return false;
        if (response.chunkedEncoding) socket.write(payload.chunk());
        else response.write(nextEvent(payload.text));
        return true;
      },
      expectGoodbye: () => {
        isPolite = true;
      },
    },
    send: (result) =>
      new Promise((resolve) => {
        if (!isOpen()) {
          resolve();
          return;
        }
        onSent = resolve;
        response.write(nextEvent(JSON.stringify(result)), () => {
          resolve();
        });
      }),
    isPolite: () => isPolite,
  };
}

function begin(response: ServerResponse): void {
  response.writeHead(200, HEADERS);
  response.write(SIGN_OF_LIFE);
}

async function finish(run: Run, response: ServerResponse): Promise<void> {
  await run.done;
  if (!response.destroyed) response.end(COMPLETE);
}

/**
 * What a page of another origin may not have its visitor's browser do without asking: such a page
 * can send a GET with this `Accept`, and browsers say that it is one. Gateways (Hive) subscribe by
 * GET, and so does EventSource; everything else names the header that GET needs elsewhere as well.
 */
function isSafe({ headers }: IncomingMessage, operation: OperationTypeNode): boolean {
  if (operation === OperationTypeNode.MUTATION) return false;
  if (headers['apollo-require-preflight'] !== undefined) return true;
  if (operation === OperationTypeNode.QUERY) return false;
  const site = headers['sec-fetch-site'] ?? 'same-origin';
  return site === 'same-origin' || headers.origin !== undefined;
}

const MALFORMED = refused(
  400,
  'BAD_REQUEST',
  'Send a JSON body with content-type application/json: query, and operationName and variables where there are some.',
);
const UNSAFE = refused(
  400,
  'BAD_REQUEST',
  'Over GET only subscriptions are answered as an event stream, and to pages of other origins none: use POST, or send the header apollo-require-preflight (CSRF prevention). Mutations need POST.',
);
const QUEUED = refused(
  400,
  'BAD_REQUEST',
  'An event stream cannot wait behind another request: do not pipeline.',
);
