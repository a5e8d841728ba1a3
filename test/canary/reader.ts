/** One reader of one log: it is cut again and again, and resumes by cursor, at whatever server is there. */
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Random } from '../chaos/random.ts';
import { wsUrl } from '../support/follow.ts';
import type { SeenLine } from './line-check.ts';

const LOGS = `subscription Canary($jobId: ID!, $after: LogCursor) {
  trainingJobLogs(jobId: $jobId, after: $after) {
    __typename
    ... on LogBatch { previousCursor endCursor lines { seq at source attempt text } }
    ... on StreamEnd { reason retry cursor }
  }
}`;

/** A server that is gone is looked for again after so long. */
const LEAST_PAUSE_MS = 20;
const MOST_PAUSE_MS = 200;
/** Of connections, the share that is cut while it is being made. */
const EARLY_CUTS = 0.1;
const EARLY_MS = 200;

export interface Cuts {
  /** By the reader itself. */
  cuts: number;
  /** By the server's end, or its word. */
  losses: number;
  /** Batches that did not begin where the reader stood. */
  seams: number;
}

export interface ReadOptions {
  readonly jobId: string;
  /** Null: there is no server now. */
  readonly url: () => string | null;
  readonly random: Random;
  readonly take: (lines: readonly SeenLine[]) => void;
  readonly cuts: Cuts;
  /** Least and most time from a connection to its cut; some are cut while they are being made. */
  readonly cutMs: readonly [number, number];
  readonly signal: AbortSignal;
}

type LogEvent =
  | {
      readonly __typename: 'LogBatch';
      readonly previousCursor: string | null;
      readonly endCursor: string | null;
      readonly lines: readonly SeenLine[];
    }
  | { readonly __typename: 'StreamEnd'; readonly retry: boolean; readonly cursor: string | null };

/** Until JOB_ENDED. @throws when the server refuses the reader for good, or the signal aborts */
export async function readToEnd(options: ReadOptions): Promise<void> {
  const { url, random, signal } = options;
  let cursor: string | null = null;
  let hasEnded = false;

  function take(event: LogEvent): void {
    if (event.__typename === 'StreamEnd') {
      hasEnded = !event.retry;
      if (event.cursor !== cursor) options.cuts.seams += 1;
      return;
    }
    if (event.previousCursor !== cursor) options.cuts.seams += 1;
    options.take(event.lines);
    cursor = event.endCursor;
  }

  for (;;) {
    signal.throwIfAborted();
    const here = url();
    if (here !== null) {
      const isCut = await readOnce(options, here, cursor, take);
      // It may have been set by `take`.
      if (hasEnded as boolean) return;
      if (isCut) options.cuts.cuts += 1;
      else options.cuts.losses += 1;
    }
    await pause(random.whole(LEAST_PAUSE_MS, MOST_PAUSE_MS));
  }
}

/** @returns whether the reader cut it by itself */
async function readOnce(
  { jobId, random, cutMs, signal }: ReadOptions,
  url: string,
  after: string | null,
  take: (event: LogEvent) => void,
): Promise<boolean> {
  const sockets: WebSocket[] = [];
  class Socket extends WebSocket {
    constructor(...parameters: ConstructorParameters<typeof WebSocket>) {
      super(...parameters);
      sockets.push(this);
    }
  }
  const client = createClient({
    url: wsUrl(url),
    webSocketImpl: Socket,
    retryAttempts: 0,
    on: { connected: () => (timer ??= setTimeout(cut, random.whole(...cutMs))) },
  });
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.terminate();
  };
  let timer = random.next() < EARLY_CUTS ? setTimeout(cut, random.whole(0, EARLY_MS)) : undefined;
  signal.addEventListener('abort', cut);
  await new Promise<void>((resolve, reject) => {
    const query = { query: LOGS, variables: { jobId, after } };
    client.subscribe<{ trainingJobLogs: LogEvent }>(query, {
      next({ data, errors }) {
        if (errors) reject(new Error(JSON.stringify(errors)));
        // What still comes out of a socket that was cut is what a dead reader never saw.
        if (data && !isCut) take(data.trainingJobLogs);
      },
      error(error) {
        if (Array.isArray(error) && !isPassing(error)) reject(new Error(JSON.stringify(error)));
        else resolve();
      },
      complete: resolve,
    });
  }).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', cut);
    void client.dispose();
  });
  return isCut;
}

function isPassing(errors: readonly unknown[]): boolean {
  return JSON.stringify(errors).includes('STORE_UNAVAILABLE');
}
