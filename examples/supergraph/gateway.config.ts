/**
 * Hive Gateway in front of both subgraphs. Started by main.ts as
 *
 *     hive-gateway supergraph supergraph.graphql --config-path gateway.config.ts
 *
 * with the addresses of the subgraphs in the environment.
 */
import { defineConfig } from '@graphql-hive/gateway';

const { RUNPOD_SUBGRAPH_URL, EXPERIMENTS_SUBGRAPH_URL, RUNPOD_STREAMS = 'ws' } = process.env;

export const gatewayConfig = defineConfig({
  // By the names the subgraphs were composed under.
  transportEntries: {
    runpod: {
      ...(RUNPOD_SUBGRAPH_URL !== undefined && { location: RUNPOD_SUBGRAPH_URL }),
      // A router passes on nothing by itself: who calls must be said here, for queries …
      headers: [['authorization', '{context.headers.authorization}']],
      // Without this, streams are asked for over HTTP (server-sent events).
      ...(RUNPOD_STREAMS === 'ws' && {
        options: {
          subscriptions: {
            kind: 'ws',
            location: '/graphql',
            // … and for streams, where it is the payload of `connection_init`.
            options: { connectionParams: { authorization: '{context.headers.authorization}' } },
          },
        },
      }),
    },
    experiments: {
      ...(EXPERIMENTS_SUBGRAPH_URL !== undefined && { location: EXPERIMENTS_SUBGRAPH_URL }),
    },
  },
});
