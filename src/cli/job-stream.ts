/** What the server tells of a job over one WebSocket: its states and its log, until a cut or the end. */
import { createClient } from 'graphql-ws';
import type { FormattedExecutionResult, Sink } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { failureOfWireErrors, interrupted } from './api.ts';
import type { Api } from './api.ts';
import { CliFailure } from './failure.ts';
import { BRIEF_JOB, briefJobSchema, lineSchema } from './job-answer.ts';
import type { BriefJob, LineAnswer } from './job-answer.ts';

export interface StreamEnd {
  readonly kind: 'end';
  readonly reason: string;
  /** Whether following may go on with another stream. */
  readonly retry: boolean;
}
type JobEvent =
  | { readonly kind: 'job'; readonly job: BriefJob }
  | {
      readonly kind: 'lines';
      readonly lines: readonly LineAnswer[];
      readonly endCursor: string | null;
    }
  | StreamEnd;

/**
 * There was no WebSocket: something between here and the server lets none through, or the server has
 * none. `isPassing`: it may be there a little later.
 */
export class NoSocketsFailure extends CliFailure {}

export const LOG_STREAM = `subscription JobLog($id: ID!, $after: LogCursor) {
  trainingJobLogs(jobId: $id, after: $after) {
    __typename
    ... on LogBatch { lines { seq at source attempt text cursor } endCursor }
    ... on StreamEnd { reason retry }
  }
}`;
export const STATE_STREAM = `subscription JobStates($id: ID!) {
  trainingJobChanged(jobId: $id) { ${BRIEF_JOB} }
}`;

const logSchema = z.object({
  trainingJobLogs: z.discriminatedUnion('__typename', [
    z.object({
      __typename: z.literal('LogBatch'),
      lines: z.array(lineSchema),
      endCursor: z.string().nullable(),
    }),
    z.object({ __typename: z.literal('StreamEnd'), reason: z.string(), retry: z.boolean() }),
  ]),
});
const stateSchema = z.object({ trainingJobChanged: briefJobSchema });

/** The server speaks every 15 s. */
const SILENCE_MS = 45_000;
const HANDSHAKE_MS = 15_000;
/** For the server to answer a goodbye. */
const GOODBYE_MS = 1_000;
const NORMAL_CLOSURE = 1_000;
/** What waits here before nothing more is read from the socket. */
const MAX_WAITING = 64;

/** @throws {CliFailure} at any cut, as `isPassing`; {@link NoSocketsFailure} before it is open */
export async function* openJobStream(
  { api, signal }: { readonly api: Api; readonly signal: AbortSignal },
  { id, after }: { readonly id: string; readonly after: string | null },
): AsyncGenerator<JobEvent, void, void> {
  const waiting = createWaiting(api.url);
  const client = createClient({
    url: api.url.replace(/^http/, 'ws'),
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { handshakeTimeout: HANDSHAKE_MS });
        waiting.attach(this);
      }
    },
    retryAttempts: 0,
    onNonLazyError: () => undefined,
    on: {
      connected: () => {
        waiting.open();
      },
    },
  });
  const onAbort = () => {
    waiting.fail(interrupted());
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) throw interrupted();
    client.subscribe({ query: LOG_STREAM, variables: { id, after } }, waiting.sink(toLogEvent));
    // Its end says nothing that the log's does not.
    client.subscribe(
      { query: STATE_STREAM, variables: { id } },
      { ...waiting.sink(toStateEvent), complete: () => undefined },
    );
    for (;;) yield await waiting.next();
  } finally {
    signal.removeEventListener('abort', onAbort);
    // It ends when the connection stands, which may be never.
    Promise.resolve(client.dispose()).catch(() => undefined);
    waiting.leave();
  }
}

function toLogEvent(data: unknown): JobEvent {
  const { trainingJobLogs: event } = logSchema.parse(data);
  return event.__typename === 'LogBatch'
    ? { kind: 'lines', lines: event.lines, endCursor: event.endCursor }
    : { kind: 'end', reason: event.reason, retry: event.retry };
}

function toStateEvent(data: unknown): JobEvent {
  return { kind: 'job', job: stateSchema.parse(data).trainingJobChanged };
}

/** What has come and was not yet taken. A reader that is slow slows down the socket. */
function createWaiting(url: string) {
  const events: JobEvent[] = [];
  let failure: CliFailure | undefined;
  let wake: (() => void) | undefined;
  let socket: WebSocket | undefined;
  let isOpen = false;
  let isPaused = false;

  function failureOf(error: unknown): CliFailure {
    return failureOfWire(error, url) ?? noStream(whyOf(error));
  }

  /** What ends it before it is open says that there is no way for it. */
  function noStream(why: string): CliFailure {
    return isOpen ? cut(url, why) : noSockets(url, why);
  }

  function fail(error: CliFailure): void {
    failure ??= error;
    wake?.();
  }

  function setPaused(to: boolean): void {
    if (isPaused === to || socket === undefined) return;
    isPaused = to;
    if (to) socket.pause();
    else socket.resume();
  }

  return {
    attach(opened: WebSocket): void {
      socket = opened;
    },
    /** The server has taken the connection. */
    open(): void {
      isOpen = true;
    },
    fail,
    /** Whatever state it is in: nothing of it keeps the program alive. */
    leave(): void {
      setPaused(false);
      socket?.close(NORMAL_CLOSURE);
      setTimeout(() => socket?.terminate(), GOODBYE_MS).unref();
    },
    sink(toEvent: (data: unknown) => JobEvent): Sink<FormattedExecutionResult> {
      return {
        next: ({ data, errors }) => {
          if (errors !== undefined) {
            fail(failureOf(errors));
            return;
          }
          try {
            events.push(toEvent(data));
          } catch {
            fail(strange(url));
          }
          if (events.length >= MAX_WAITING) setPaused(true);
          wake?.();
        },
        error: (error) => {
          fail(failureOf(error));
        },
        complete: () => {
          fail(cut(url, 'the stream stopped without an end'));
        },
      };
    },
    /** @throws {CliFailure} when nothing that came before it is left */
    async next(): Promise<JobEvent> {
      let timer: NodeJS.Timeout | undefined;
      for (;;) {
        const event = events.shift();
        if (event !== undefined) return event;
        if (failure !== undefined) throw failure;
        setPaused(false);
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(() => {
            fail(noStream('it said nothing for too long'));
          }, SILENCE_MS);
        });
        clearTimeout(timer);
      }
    },
  };
}

const closeSchema = z.object({ code: z.int(), reason: z.string() });
const errorSchema = z.object({ message: z.string() });
/** Close codes with which the server says that it does not want this caller. */
const UNWANTED = new Set([4400, 4401, 4403, 4406]);

/** graphql-ws hands on GraphQL errors as a list, a close event, or the error of the socket. Null: a cut. */
function failureOfWire(error: unknown, url: string): CliFailure | null {
  if (Array.isArray(error)) return failureOfWireErrors(error) ?? strange(url);
  const code = closeSchema.safeParse(error).data?.code;
  if (code === undefined || !UNWANTED.has(code)) return null;
  return new CliFailure('refused', `${url} closed the connection: ${whyOf(error)}`);
}

function whyOf(error: unknown): string {
  const close = closeSchema.safeParse(error).data;
  if (close !== undefined) return `${close.code}${close.reason === '' ? '' : ` ${close.reason}`}`;
  return errorSchema.safeParse(error).data?.message ?? 'no connection';
}

/** An answer in place of the upgrade that says no, and not: not now. */
function isNoForGood(status: number): boolean {
  return (status < 500 && status !== 408 && status !== 429) || status === 501;
}

function noSockets(url: string, why: string): NoSocketsFailure {
  const status = /^Unexpected server response: (\d{3})/.exec(why)?.[1];
  const isPassing = status === undefined || !isNoForGood(Number(status));
  const message = `${url} takes no WebSocket (${status ?? why}).`;
  return new NoSocketsFailure('unreachable', message, { isPassing });
}

function cut(url: string, why: string): CliFailure {
  return new CliFailure('unreachable', `The connection to ${url} was cut: ${why}.`, {
    isPassing: true,
  });
}

function strange(url: string): CliFailure {
  return new CliFailure('unreachable', `${url} streams what this client does not understand.`);
}
