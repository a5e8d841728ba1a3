/**
 * A RunPod of our own: the REST and GraphQL APIs as far as this service uses them, as strict as the
 * original, over real HTTP, with faults on demand. Pods are real processes of this machine. Nothing
 * is rented and nothing billed.
 */
import { join, resolve } from 'node:path';
import { createApi } from './api.ts';
import { createStock } from './catalogue/stock.ts';
import { createContainers } from './containers/containers.ts';
import { createFaults } from './control/faults.ts';
import { createGraphqlApi } from './graphql/graphql.ts';
import { createRoot } from './graphql/root.ts';
import { listen } from './http/server.ts';
import { openPodFile } from './pods/pod-file.ts';
import { createPods } from './pods/pods.ts';
import { billingRoutes } from './rest/billing-routes.ts';
import { catalogRoutes } from './rest/catalog-routes.ts';
import { podRoutes } from './rest/pod-routes.ts';
import { createRateLimit } from './rest/rate-limit.ts';
import type { RateLimitOptions } from './rest/rate-limit.ts';

export interface EmulatorOptions {
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Decides stock and the luck of faults; default 1. */
  readonly seed?: number;
  /** The only key that is accepted; absent: any. */
  readonly apiKey?: string;
  /** Where pods are kept over a restart; absent: nowhere. */
  readonly stateDir?: string;
  /** What a pod's `python3` is; absent: this machine's. */
  readonly python?: string;
  readonly now?: () => number;
  readonly provisioningMs?: number;
  readonly startingMs?: number;
  /** Between SIGTERM and SIGKILL when a pod is stopped or terminated; default 10 s, as Docker's. */
  readonly stopGraceMs?: number;
  /** The same when a spot pod is taken back; default 5 s. */
  readonly reclaimGraceMs?: number;
  /** The same when the emulator closes; default 2 s. */
  readonly closeGraceMs?: number;
  /** Pause before a container restarts, doubling to 30 s while it keeps exiting; default 500 ms. */
  readonly restartMs?: number;
  /** Pods with a command that run at a time; default 50. */
  readonly maxProcesses?: number;
  /** After which the proxy cuts an answer; default 100 s. */
  readonly proxyMaxMs?: number;
  /** More variables for what runs in every pod, such as AGENT_TRAINER in tests; they win. */
  readonly podEnvironment?: Readonly<Record<string, string>>;
  /** Silence after which a log stream sends a comment. */
  readonly heartbeatMs?: number;
  /** Null: no limit and no headers that tell of one. */
  readonly rateLimit?: RateLimitOptions | null;
}

export interface Emulator {
  readonly url: string;
  close(): Promise<void>;
}

/** RunPod's own 60 a minute would be in the way of tests. */
const GENEROUS: RateLimitOptions = { perMinute: 6_000, perHour: 100_000, perDay: 1_000_000 };
const RUNTIME_LAG_MS = 100;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

export async function createEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { seed = 1, now = Date.now } = options;
  const boot = {
    provisioningMs: options.provisioningMs ?? 300,
    startingMs: options.startingMs ?? 300,
    runtimeLagMs: RUNTIME_LAG_MS,
  };
  const faults = createFaults(seed);
  const stock = createStock({ seed, now });
  const file = options.stateDir === undefined ? null : openPodFile(options.stateDir);
  const containers = createContainers({
    folder: options.stateDir === undefined ? null : join(resolve(options.stateDir), 'pods'),
    restartMs: options.restartMs ?? 500,
    closeGraceMs: options.closeGraceMs ?? 2_000,
    python: options.python ?? null,
    podEnvironment: options.podEnvironment ?? {},
  });
  const { isEmptied, onEmptied, nextBootFailure } = faults;
  const pods = createPods({
    now,
    stock,
    boot,
    file,
    containers,
    grace: {
      stopMs: options.stopGraceMs ?? 10_000,
      reclaimMs: options.reclaimGraceMs ?? 5_000,
    },
    maxProcesses: options.maxProcesses ?? 50,
    nextBootFailure,
    isEmptied,
    onEmptied,
  });
  const limit = createRateLimit(
    options.rateLimit === undefined ? GENEROUS : options.rateLimit,
    now,
  );
  const graphql = createGraphqlApi(createRoot({ stock, pods, now, boot }));
  const heartbeatMs = options.heartbeatMs ?? 15_000;
  const routes = [
    ...catalogRoutes(stock),
    ...podRoutes({ pods, faults, now, boot, heartbeatMs }),
    ...billingRoutes(pods, now),
  ];

  const api = createApi({
    pods,
    containers,
    faults,
    routes,
    graphql,
    limit,
    apiKey: options.apiKey,
    proxyMaxMs: options.proxyMaxMs ?? 100_000,
    boot,
    now,
  });

  const { host = '127.0.0.1', port = 0 } = options;
  if (!LOOPBACK.has(host)) {
    throw new Error(`${host} is not loopback: the emulator is a tool for tests without security`);
  }
  const server = await listen({ host, port, ...api });
  // Not before the port is ours: another emulator may have the same state and be alive.
  pods.resume();
  return {
    url: server.url,
    async close() {
      pods.close();
      await server.close();
      await containers.close();
    },
  };
}
