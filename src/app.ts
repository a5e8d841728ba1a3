/** The composition root: the one place where things are wired. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import type { ReportBug } from './errors.ts';
import { createPlatformRegistry } from './datasources/platforms.ts';
import { createPlatformMonitor } from './datasources/platform-status.ts';
import type { PlatformMonitor } from './datasources/platform-status.ts';
import { createPriceBook } from './datasources/price-book.ts';
import type { PriceBook } from './datasources/price-book.ts';
import { createPriceLoaders } from './datasources/price-loaders.ts';
import { createRouterCallbacks } from './datasources/router-callback.ts';
import { createRunpod } from './datasources/runpod/runpod.ts';
import { createJobSystem } from './app-jobs.ts';
import type { JobSystem } from './app-jobs.ts';
import { createEmulator } from './emulator/emulator.ts';
import type { Emulator } from './emulator/emulator.ts';
import { createCallbacks } from './http/callbacks.ts';
import { createDelivery } from './http/delivery.ts';
import { createEventStreams } from './http/event-streams.ts';
import { createGraphqlHttp } from './http/graphql.ts';
import { createGuard } from './http/guard.ts';
import { createMetrics } from './http/metrics.ts';
import type { Metrics } from './http/metrics.ts';
import { createLimitsRule } from './http/operation-limits.ts';
import { createHttpServer } from './http/server.ts';
import type { HttpServer } from './http/server.ts';
import { createSubscriptions } from './http/subscriptions.ts';
import type { Failpoint } from './jobs/failpoint.ts';
import { createSchema } from './resolvers/schema.ts';
import { openDatabase } from './store/open-database.ts';

/** Fields one operation may ask for; lists multiply them, so this is what bounds an answer. */
const MAX_FIELDS = 5_000;

export interface App {
  readonly url: string;
  readonly emulatorUrl: string | undefined;
  /** What the platform says of the key; the first call asks it. */
  readonly platformStatus: PlatformMonitor['status'];
  /** Finishes what is in flight and releases everything. */
  close(): Promise<void>;
}

export interface AppHooks {
  /** For chaos tests: may end the process. */
  readonly failpoint?: Failpoint;
}

/** Starts everything; on a failure what was started before it is released again. */
export async function startApp(
  config: Config,
  log: Logger = createLog(config),
  hooks: AppHooks = {},
): Promise<App> {
  await using started = new AsyncDisposableStack();
  const metrics = createMetrics();
  const { databaseUrl, dataDir } = config;
  const db = await openDatabase({ databaseUrl, dataDir });
  started.defer(() => db.close());
  const emulator = await startEmulator(config);
  if (emulator) started.defer(() => emulator.close());

  const platforms = createPlatformRegistry({
    runpod: () => createRunpod(toRunpodDeps(config, emulator, log, metrics)),
  });
  started.defer(() => platforms.close());
  const platform = await platforms.get('runpod');
  const monitor = createPlatformMonitor(platform);
  const book = createPriceBook({
    platform,
    freshMs: config.priceFreshMs,
    maxAgeMs: config.priceMaxAgeMs,
  });
  started.defer(() => book.close());

  let baseUrl = config.publicUrl ?? '';
  const jobs = await createJobSystem(config, {
    db,
    platform,
    book,
    log,
    metrics,
    baseUrl: () => baseUrl,
    ...hooks,
  });
  started.defer(() => jobs.close());
  const http = await createHttp(config, { book, monitor, metrics, log, jobs });
  started.defer(() => http.close());
  const { url } = await http.listen();
  baseUrl = config.publicUrl ?? url;
  jobs.start();
  http.setReady(true);

  const parts = started.move();
  let closing: Promise<void> | undefined;
  return {
    url,
    emulatorUrl: config.runpod.kind === 'remote-emulator' ? config.runpod.url : emulator?.url,
    platformStatus: () => monitor.status(),
    close: () => (closing ??= parts.disposeAsync()),
  };
}

export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  // To stderr: stdout is for the few lines that people and scripts read.
  return pino({ level: config.logLevel, base: null }, pino.destination({ dest: 2, sync: true }));
}

async function startEmulator(config: Config): Promise<Emulator | undefined> {
  if (config.runpod.kind !== 'emulator') return undefined;
  return createEmulator({
    port: config.runpod.port,
    seed: config.runpod.seed,
    stateDir: join(config.dataDir, 'emulator'),
    ...(config.emulatorPython !== undefined && { python: config.emulatorPython }),
  });
}

function toRunpodDeps(
  config: Config,
  emulator: Emulator | undefined,
  log: Logger,
  metrics: Metrics,
): Parameters<typeof createRunpod>[0] {
  const common = {
    timeoutMs: config.runpodTimeoutMs,
    createTimeoutMs: config.runpodCreateTimeoutMs,
    log,
    onCall: ({ route, status, seconds }: { route: string; status: number; seconds: number }) => {
      metrics.upstreamSeconds.observe({ route, status }, seconds);
    },
  };
  if (config.runpod.kind === 'live') {
    const { restUrl, graphqlUrl, proxyUrl, apiKey } = config.runpod;
    return { ...common, restUrl, graphqlUrl, proxyUrl, apiKey, emulated: false };
  }
  const url = config.runpod.kind === 'remote-emulator' ? config.runpod.url : emulator?.url;
  if (url === undefined) throw new Error('the emulator is not running');
  return {
    ...common,
    restUrl: url,
    graphqlUrl: `${url}/graphql`,
    proxyUrl: `${url}/__proxy/{podId}/{port}`,
    apiKey: 'emulator',
    emulated: true,
  };
}

/** Logs each failure once, under an id that the caller is told. */
function createBugReporter(log: Logger): ReportBug {
  const ids = new WeakMap<object, string>();
  return (error, requestId) => {
    const key = typeof error === 'object' && error !== null ? error : {};
    const known = ids.get(key);
    if (known !== undefined) return known;
    const errorId = randomUUID();
    ids.set(key, errorId);
    log.error({ err: error, errorId, requestId }, 'internal error');
    return errorId;
  };
}

interface HttpParts {
  readonly book: PriceBook;
  readonly monitor: PlatformMonitor;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly jobs: JobSystem;
}

async function createHttp(config: Config, parts: HttpParts): Promise<HttpServer> {
  const { book, monitor, metrics, log, jobs } = parts;
  const schema = createSchema();
  const report = createBugReporter(log);
  const makeContext = (requestId: string): Context => ({
    visibility: 'everyone',
    requestId,
    prices: createPriceLoaders(book),
    jobLimits: config.jobLimits,
    platformStatus: () => monitor.status(),
    ...jobs.contextParts(),
  });
  const onError = (code: string): void => {
    metrics.graphqlErrors.inc({ code });
  };
  const shared = {
    schema,
    limitsRule: createLimitsRule({ maxDepth: config.maxQueryDepth, maxFields: MAX_FIELDS }),
    isProduction: config.isProduction,
    report,
    onError,
  };
  const graphql = createGraphqlHttp({
    ...shared,
    reusesResults: config.reusesResults,
    priceFreshMs: config.priceFreshMs,
    log,
  });
  await graphql.start();
  const delivery = createDelivery({
    ...shared,
    maxConnections: config.maxWsConnections,
    maxBufferedBytes: config.maxBufferedBytes,
    endStreams: () => {
      jobs.endStreams();
    },
  });
  const subscriptions = createSubscriptions({
    delivery,
    makeContext: () => makeContext(randomUUID()),
    maxSubscriptionsPerConnection: config.maxSubscriptionsPerConnection,
    maxMessageBytes: config.maxBodyBytes,
    report,
    onConnections: (open) => {
      metrics.webSockets.set(open);
    },
  });
  const eventStreams = createEventStreams({
    delivery,
    onStreams: (open) => {
      metrics.eventStreams.set(open);
    },
  });
  const router = createRouterCallbacks();
  const callbacks = createCallbacks({
    delivery,
    router,
    settings: config.callbacks,
    onCallbacks: (open) => {
      metrics.callbacks.set(open);
    },
  });
  const server = createHttpServer({
    host: config.host,
    port: config.port,
    maxBodyBytes: config.maxBodyBytes,
    hasIde: !config.isProduction,
    shutdownGraceMs: config.shutdownGraceMs,
    guard: createGuard(guardOptions(config)),
    graphql,
    subscriptions,
    eventStreams,
    callbacks,
    makeContext: (_request, requestId) => makeContext(requestId),
    files: jobs.routes,
    metrics,
    log,
  });
  return {
    ...server,
    close: async () => {
      await server.close();
      router.close();
      await graphql.stop();
    },
  };
}

function guardOptions(config: Config): Parameters<typeof createGuard>[0] {
  const publicUrl = config.publicUrl === undefined ? undefined : new URL(config.publicUrl);
  return {
    allowedHosts: [
      config.host.includes(':') ? `[${config.host.toLowerCase()}]` : config.host.toLowerCase(),
      ...(publicUrl ? [publicUrl.host] : []),
      ...config.allowedHosts,
    ],
    allowedOrigins: [...(publicUrl ? [publicUrl.origin] : []), ...config.allowedOrigins],
  };
}
