/**
 * Hive Gateway in front of both subgraphs. Started by main.ts as
 *
 *     hive-gateway supergraph supergraph.graphql --config-path gateway.config.ts
 *
 * with the addresses of the subgraphs in the environment.
 */
import { defineConfig } from '@graphql-hive/gateway';

const { RUNPOD_SUBGRAPH_URL, EXPERIMENTS_SUBGRAPH_URL, RUNPOD_STREAMS } = process.env;

/**
 * Without this, streams are asked for over HTTP (server-sent events), each with a request of its
 * own. Over WebSocket all streams of one caller share one socket, so that the subgraph's
 * MAX_SUBSCRIPTIONS_PER_CONNECTION (100) holds for all of them together.
 */
const overWebSocket = {
  kind: 'ws',
  location: '/graphql',
  // Who calls, as the payload of `connection_init`.
  options: { connectionParams: { authorization: '{context.headers.authorization}' } },
};

export const gatewayConfig = defineConfig({
  // By the names the subgraphs were composed under.
  transportEntries: {
    runpod: {
      ...(RUNPOD_SUBGRAPH_URL !== undefined && { location: RUNPOD_SUBGRAPH_URL }),
      // A gateway passes no header on by itself: who calls must be said here.
      headers: [['authorization', '{context.headers.authorization}']],
      ...(RUNPOD_STREAMS === 'ws' && { options: { subscriptions: overWebSocket } }),
    },
    experiments: {
      ...(EXPERIMENTS_SUBGRAPH_URL !== undefined && { location: EXPERIMENTS_SUBGRAPH_URL }),
    },
  },
});
