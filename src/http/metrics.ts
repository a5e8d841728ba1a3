/** Prometheus metrics; a registry of its own per server, so that two in one process do not mix. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds; from an answer out of memory to the longest deadline. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const httpRequests = new Counter({
    name: 'http_requests_total',
    help: 'HTTP requests answered, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  });
  // Looking a label set up costs more than counting: each is looked up once.
  const byRouteAndStatus = new Map<string, Counter.Internal>();

  function countRequest(route: string, status: number): void {
    const key = `${route} ${status}`;
    let counter = byRouteAndStatus.get(key);
    if (counter === undefined) {
      counter = httpRequests.labels({ route, status });
      byRouteAndStatus.set(key, counter);
    }
    counter.inc();
  }

  return {
    registry,
    countRequest,
    graphqlSeconds: new Histogram({
      name: 'graphql_operation_duration_seconds',
      help: 'Time from the whole request to the whole answer of GraphQL over HTTP.',
      buckets: BUCKETS,
      registers,
    }),
    graphqlErrors: new Counter({
      name: 'graphql_errors_total',
      help: 'Errors in GraphQL answers, by code.',
      labelNames: ['code'],
      registers,
    }),
    webSockets: new Gauge({
      name: 'websocket_connections',
      help: 'Open WebSocket connections.',
      registers,
    }),
    eventStreams: new Gauge({
      name: 'event_streams',
      help: 'Open streams of server-sent events.',
      registers,
    }),
    callbacks: new Gauge({
      name: 'callback_subscriptions',
      help: 'Subscriptions whose results are sent by HTTP callback.',
      registers,
    }),
    quarantinedPods: new Gauge({
      name: 'quarantined_pods',
      help: 'Pods that bear our name and that the store has never heard of. Above 0: look at them.',
      registers,
    }),
    overduePods: new Gauge({
      name: 'overdue_pods',
      help: 'Pods that the platform lists long after it was asked to end them. Above 0: end them by hand.',
      registers,
    }),
    upstreamSeconds: new Histogram({
      name: 'upstream_request_duration_seconds',
      help: 'Time of calls to the GPU platform, by route and HTTP status (0: no answer).',
      labelNames: ['route', 'status'],
      buckets: BUCKETS,
      registers,
    }),
  };
}
