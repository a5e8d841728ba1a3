/**
 * urql through the gateway: everything over HTTP, streams as server-sent events. For a page: the
 * same, with the hooks of `urql` on top.
 */
import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { onEnd, pipe, subscribe } from 'wonka';
import type { Subscription } from 'wonka';
import {
  JobDocument,
  JobLogDocument,
  JobLogPageDocument,
  JobStateDocument,
  PriceTableDocument,
} from './__generated__/operations.ts';
import type { JobCardFragment, PriceTableQuery } from './__generated__/operations.ts';
import { EMBEDDED_TYPES } from './cache-keys.ts';
import type { LogSource } from './follow-log.ts';
import { hasEnded } from './job-state.ts';
import { keepOpen } from './keep-open.ts';
import { isHidden, REFRESH_MS } from './refresh.ts';

export interface UrqlParts {
  readonly client: Client;
  /** For logs alone: what passes by does not belong into a cache. */
  readonly streams: Client;
}

/** `url`: the gateway's GraphQL endpoint. */
export function createUrql(url: string): UrqlParts {
  const common = {
    url,
    // Streams over HTTP too, so that cookies and headers are those of every other request.
    fetchSubscriptions: true,
    // Whoever calls: fetchOptions: () => ({ headers: { authorization: `Bearer ${token()}` } }),
    preferGetMethod: false,
  } as const;
  const keys = Object.fromEntries(EMBEDDED_TYPES.map((name) => [name, () => null]));
  return {
    client: new Client({ ...common, exchanges: [cacheExchange({ keys }), fetchExchange] }),
    streams: new Client({ ...common, exchanges: [fetchExchange] }),
  };
}

/** For {@link followLog}. */
export function logOf({ streams }: UrqlParts, jobId: string): LogSource {
  return {
    open(after, sink) {
      const running = pipe(
        streams.subscription(JobLogDocument, { jobId, after }),
        // Behind a StreamEnd, and as well when the stream was cut.
        onEnd(() => {
          sink.over();
        }),
        subscribe(({ data, error }) => {
          // With an error there may be data: the last batch, once more.
          if (error !== undefined) sink.over(error);
          else if (data !== undefined) sink.next(data.trainingJobLogs);
        }),
      );
      return () => {
        leave(running);
      };
    },
    async page(after) {
      const { data } = await streams.query(JobLogPageDocument, { jobId, after }).toPromise();
      const logs = data?.trainingJob?.logs;
      if (logs == null) throw new Error('the log cannot be read now');
      return logs;
    },
  };
}

/**
 * Not from within a result: urql 6 then leaves the end of its fetch unhandled, which pages log and
 * Node ends for.
 */
function leave(running: Subscription): void {
  setTimeout(() => {
    running.unsubscribe();
  });
}

/** A job as it is, and after every change: Graphcache writes what the stream brings under its id. */
export function watchJob(
  { client }: UrqlParts,
  jobId: string,
  onJob: (job: JobCardFragment) => void,
): () => void {
  const stop = keepOpen((turn) => {
    const changes = pipe(
      client.subscription(JobStateDocument, { jobId }),
      // A stream begins with the job as it is: what was missed is made good.
      onEnd(turn.again),
      subscribe(({ data, error }) => {
        if (error !== undefined) turn.again();
        else turn.works();
        if (data !== undefined && hasEnded(data.trainingJobChanged)) turn.end();
      }),
    );
    return () => {
      leave(changes);
    };
  });
  const shown = client.query(JobDocument, { jobId }).subscribe(({ data }) => {
    if (data?.trainingJob != null) onJob(data.trainingJob);
  });
  return () => {
    stop();
    shown.unsubscribe();
  };
}

/** Prices as they are in the cache at once, and anew every half minute. */
export function watchPrices(
  { client }: UrqlParts,
  onTable: (rows: PriceTableQuery['gpuResources']) => void,
  refreshMs = REFRESH_MS,
): () => void {
  const variables = { filter: { minMemoryGb: 24 } };
  const table = client.query(PriceTableDocument, variables, { requestPolicy: 'cache-and-network' });
  // One price that cannot be had is null with an error; the rest of the table stands.
  const running = table.subscribe(({ data }) => {
    if (data !== undefined) onTable(data.gpuResources);
  });
  const timer = setInterval(() => {
    if (isHidden()) return;
    void client.query(PriceTableDocument, variables, { requestPolicy: 'network-only' }).toPromise();
  }, refreshMs);
  return () => {
    clearInterval(timer);
    running.unsubscribe();
  };
}
