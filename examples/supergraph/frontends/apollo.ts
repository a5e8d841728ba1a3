/**
 * Apollo Client through the gateway: queries over HTTP, streams over WebSocket. For a page: the
 * same, with the hooks of `@apollo/client/react` on top.
 */
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import {
  JobDocument,
  JobLogDocument,
  JobLogPageDocument,
  JobStateDocument,
  PriceTableDocument,
} from './__generated__/operations.ts';
import type { JobCardFragment, PriceTableQuery } from './__generated__/operations.ts';
import type { LogSource } from './follow-log.ts';
import { hasEnded } from './job-state.ts';
import { keepOpen } from './keep-open.ts';
import { isHidden, REFRESH_MS } from './refresh.ts';

export interface ApolloParts {
  readonly client: ApolloClient;
  readonly close: () => Promise<void>;
}

/** `url`: the gateway's GraphQL endpoint; WebSocket is at the same address. */
export function createApollo(url: string): ApolloParts {
  const sockets = createClient({
    url: url.replace(/^http/, 'ws'),
    // Its own retries would repeat the first cursor: followLog comes again with the last one.
    retryAttempts: 0,
    // Whoever calls: connectionParams: () => ({ authorization: `Bearer ${token()}` }),
  });
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: url }),
    ),
    cache: new InMemoryCache({
      typePolicies: {
        // Jobs, GPUs, artifacts and experiments have an `id`: the default key is right. A price has
        // none, and needs none: it is a part of its GPU, under the arguments it was asked with.
        Pricing: { keyFields: false },
        // A newer price replaces an older one as a whole: halves of two must not meet.
        GpuResource: { fields: { pricing: { merge: false } } },
        TrainingJob: { fields: { progress: { merge: false } } },
        // A list is what the server says it is, in its order.
        Query: { fields: { gpuResources: { merge: false } } },
      },
    }),
  });
  return {
    client,
    close: async () => {
      client.stop();
      await sockets.dispose();
    },
  };
}

/** For {@link followLog}. no-cache: batches are no entities, and a log does not belong into a cache. */
export function logOf({ client }: ApolloParts, jobId: string): LogSource {
  return {
    open(after, sink) {
      const running = client
        .subscribe({
          query: JobLogDocument,
          variables: { jobId, after },
          fetchPolicy: 'no-cache',
        })
        .subscribe({
          next({ data, error }) {
            // With an error there may be data: the last batch, once more.
            if (error !== undefined) sink.over(error);
            else if (data != null) sink.next(data.trainingJobLogs);
          },
          error: (error: unknown) => {
            sink.over(error);
          },
          complete: () => {
            sink.over();
          },
        });
      return () => {
        running.unsubscribe();
      };
    },
    async page(after) {
      const { data } = await client.query({
        query: JobLogPageDocument,
        variables: { jobId, after },
        fetchPolicy: 'no-cache',
      });
      const logs = data?.trainingJob?.logs;
      if (logs == null) throw new Error('the log cannot be read now');
      return logs;
    },
  };
}

/**
 * A job as it is, and after every change. The stream writes into the cache, under the job's id:
 * whatever else shows this job changes with it.
 */
export function watchJob(
  { client }: ApolloParts,
  jobId: string,
  onJob: (job: JobCardFragment) => void,
): () => void {
  const stop = keepOpen((turn) => {
    const changes = client.subscribe({ query: JobStateDocument, variables: { jobId } }).subscribe({
      next({ data }) {
        turn.works();
        if (data != null && hasEnded(data.trainingJobChanged)) turn.end();
      },
      error: turn.again,
      // A stream begins with the job as it is: what was missed is made good.
      complete: turn.again,
    });
    return () => {
      changes.unsubscribe();
    };
  });
  const shown = client
    .watchQuery({ query: JobDocument, variables: { jobId } })
    .subscribe(({ data, dataState }) => {
      if (dataState === 'complete' && data.trainingJob !== null) onJob(data.trainingJob);
    });
  return () => {
    stop();
    shown.unsubscribe();
  };
}

/** Prices as they are in the cache at once, and anew every half minute. */
export function watchPrices(
  { client }: ApolloParts,
  onTable: (rows: PriceTableQuery['gpuResources']) => void,
  refreshMs = REFRESH_MS,
): () => void {
  const watched = client.watchQuery({
    query: PriceTableDocument,
    variables: { filter: { minMemoryGb: 24 } },
    fetchPolicy: 'cache-and-network',
    pollInterval: refreshMs,
    // One price that cannot be had is null with an error; the rest of the table stands.
    errorPolicy: 'all',
    skipPollAttempt: isHidden,
  });
  const running = watched.subscribe(({ data, dataState }) => {
    if (dataState === 'complete') onTable(data.gpuResources);
  });
  return () => {
    running.unsubscribe();
  };
}
