/** The servers that are compared: all serve the same schema, resolvers and data. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { createYoga } from 'graphql-yoga';
import { mercurius } from 'mercurius';
import { pino } from 'pino';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import type { Context } from '../src/context.ts';
import { createPlatformMonitor } from '../src/datasources/platform-status.ts';
import { createPriceBook } from '../src/datasources/price-book.ts';
import { createPriceLoaders } from '../src/datasources/price-loaders.ts';
import { createRunpod } from '../src/datasources/runpod/runpod.ts';
import { createSchema } from '../src/resolvers/schema.ts';

export const SERVER_NAMES = ['reuse', 'execute', 'yoga', 'mercurius', 'mercurius-jit'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

export const SERVER_TITLES: Readonly<Record<ServerName, string>> = {
  reuse: '**ours, reuse**',
  execute: '**ours, execute**',
  yoga: 'graphql-yoga',
  mercurius: 'mercurius',
  'mercurius-jit': 'mercurius, JIT',
};

export interface Surroundings {
  readonly emulatorUrl: string;
  readonly dataDir: string;
}

/** Prices are read once, before the measurement, and then held: nobody asks upstream in it. */
const FRESH_SECONDS = 3_600;
const GRAPHQL_PATH = '/graphql';

/** Answers the URL of its GraphQL endpoint. The server ends with its process. */
export async function startServer(name: ServerName, surroundings: Surroundings): Promise<string> {
  switch (name) {
    case 'reuse':
      return startOurs(surroundings, true);
    case 'execute':
      return startOurs(surroundings, false);
    case 'yoga':
      return startYoga(surroundings);
    case 'mercurius':
      return startMercurius(surroundings, {});
    case 'mercurius-jit':
      return startMercurius(surroundings, { jit: 1 });
  }
}

async function startOurs(
  { emulatorUrl, dataDir }: Surroundings,
  reusesResults: boolean,
): Promise<string> {
  const app = await startApp(
    readConfig({
      PORT: '0',
      NODE_ENV: 'production',
      LOG_LEVEL: 'silent',
      DATA_DIR: dataDir,
      RUNPOD_API_KEY: 'bench',
      RUNPOD_REST_URL: emulatorUrl,
      RUNPOD_GRAPHQL_URL: `${emulatorUrl}/graphql`,
      PRICE_FRESH_SECONDS: String(FRESH_SECONDS),
      RESULT_REUSE: String(reusesResults),
    }),
  );
  return app.url + GRAPHQL_PATH;
}

async function startYoga(surroundings: Surroundings): Promise<string> {
  const yoga = createYoga({
    schema: createSchema(),
    context: createContextMaker(surroundings),
    graphqlEndpoint: GRAPHQL_PATH,
    logging: false,
    graphiql: false,
    landingPage: false,
  });
  const server = createServer((request, response) => {
    void yoga(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${GRAPHQL_PATH}`;
}

async function startMercurius(
  surroundings: Surroundings,
  options: { readonly jit?: number },
): Promise<string> {
  const app = fastify({ logger: false });
  const makeContext = createContextMaker(surroundings);
  await app.register(mercurius, {
    schema: createSchema(),
    context: () => ({ ...makeContext() }),
    path: GRAPHQL_PATH,
    graphiql: false,
    ...options,
  });
  return (await app.listen({ port: 0, host: '127.0.0.1' })) + GRAPHQL_PATH;
}

/** The context our own server makes, for the others. */
function createContextMaker({ emulatorUrl }: Surroundings): () => Context {
  const platform = createRunpod({
    restUrl: emulatorUrl,
    graphqlUrl: `${emulatorUrl}/graphql`,
    proxyUrl: `${emulatorUrl}/__proxy/{podId}/{port}`,
    apiKey: 'bench',
    emulated: false,
    timeoutMs: 10_000,
    log: pino({ level: 'silent' }),
  });
  const monitor = createPlatformMonitor(platform);
  const ms = FRESH_SECONDS * 1_000;
  const book = createPriceBook({ platform, freshMs: ms, maxAgeMs: ms });
  const parts = {
    visibility: 'everyone',
    requestId: 'bench',
    jobLimits: { maxRuntimeSeconds: 86_400, maxCostUsd: 100, maxAttempts: 3 },
    platformStatus: () => monitor.status(),
  };
  // Of what the catalogue does not touch there is nothing here.
  return () => ({ ...parts, prices: createPriceLoaders(book) }) as Context;
}
