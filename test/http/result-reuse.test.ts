import type { IncomingMessage } from 'node:http';
import { graphql } from 'graphql';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { Context } from '../../src/context.ts';
import { createPriceBook } from '../../src/datasources/price-book.ts';
import { createPriceLoaders } from '../../src/datasources/price-loaders.ts';
import type { CatalogueEntry, Offer } from '../../src/domain/gpu.ts';
import { offerKey } from '../../src/domain/gpu.ts';
import { AppError } from '../../src/errors.ts';
import { createGraphqlHttp } from '../../src/http/graphql.ts';
import { createLimitsRule } from '../../src/http/operation-limits.ts';
import { createSchema } from '../../src/resolvers/schema.ts';

/** Two callers whose platforms list other GPUs at other prices. */
function createWorld() {
  let clock = 1_000_000;
  let version = 1;
  let isDown = false;
  const entry = (owner: string, id: string, offer: Offer): CatalogueEntry => ({
    id,
    name: `${owner} ${id}`,
    manufacturer: id === 'B' ? null : 'NVIDIA',
    memoryGb: id === 'A' ? 24 : 80,
    clouds: id === 'C' ? [] : ['SECURE', 'COMMUNITY'],
    maxGpuCount: { SECURE: 8, COMMUNITY: null },
    cudaVersions: id === 'B' ? null : ['12.8'],
    dataCenters: [{ dataCenterId: 'X', name: null, stock: 'LOW' }],
    stock: 'HIGH',
    onDemandUsdPerHour: version * offer.gpuCount,
  });
  const book = (owner: string, ids: readonly string[]) =>
    createPriceBook({
      freshMs: 30_000,
      maxAgeMs: 60_000,
      now: () => clock,
      platform: {
        catalogue: (offer) =>
          isDown
            ? Promise.reject(new AppError('PLATFORM_UNAVAILABLE', 'down', { retryable: true }))
            : Promise.resolve(ids.map((id) => entry(owner, id, offer))),
        spotPrices: (offers) =>
          Promise.resolve(new Map(offers.map((offer) => [offerKey(offer), new Map([['A', 0.5]])]))),
      },
    });
  const books = { alice: book('alice', ['A', 'B', 'C']), bob: book('bob', ['A']) };
  // Of what the catalogue does not touch there is nothing here.
  const contextOf = (caller: 'alice' | 'bob') =>
    ({
      visibility: caller,
      requestId: 'test',
      prices: createPriceLoaders(books[caller]),
      jobLimits: { maxRuntimeSeconds: 86_400, maxCostUsd: 100, maxAttempts: 3 },
      platformStatus: () => Promise.reject(new AppError('PLATFORM_TIMEOUT', 'too slow')),
    }) as Partial<Context> as Context;
  return {
    contextOf,
    newPrices: () => {
      version += 1;
    },
    later: (ms: number) => {
      clock += ms;
    },
    setDown: (down: boolean) => {
      isDown = down;
    },
  };
}

const CORPUS: readonly (readonly [string, Record<string, unknown>?])[] = [
  ['{ gpuResources { id name manufacturer memoryGb clouds maxGpuCount cudaVersions } }'],
  [
    '{ gpuResources(orderBy: NAME) { pricing { onDemandUsdPerHour spotUsdPerHour observedAt isStale } } }',
  ],
  [
    '{ a: gpuResource(id: "A") { x: pricing { stock } y: pricing(gpuCount: 2) { stock gpuCount } } }',
  ],
  ['{ gpuResource(id: "nobody") { id } }'],
  [
    'query($id: ID!) { gpuResource(id: $id) { ...F } } fragment F on GpuResource { id dataCenters { dataCenterId name stock } }',
    { id: 'A' },
  ],
  [
    'query($id: ID!) { gpuResource(id: $id) { ...F } } fragment F on GpuResource { id dataCenters { dataCenterId name stock } }',
    { id: 'B' },
  ],
  [
    'query($w: Boolean!) { gpuResource(id: "A") { id name @include(if: $w) memoryGb @skip(if: $w) } }',
    { w: true },
  ],
  [
    'query($w: Boolean!) { gpuResource(id: "A") { id name @include(if: $w) memoryGb @skip(if: $w) } }',
    { w: false },
  ],
  [
    'query($f: GpuResourceFilter) { gpuResources(filter: $f) { id pricing { gpuResource { pricing(cloud: COMMUNITY) { cloud } } } } }',
    { f: { minMemoryGb: 80, gpuCount: 2 } },
  ],
  ['query A { gpuResource(id: "A") { id } } query B { gpuResource(id: "B") { id } }'],
  ['{ gpuResource(id: "A") { pricing(gpuCount: 0) { stock } name } }'],
  ['{ gpuResource(id: "A") { pricing(gpuCount: 99) { stock } } gpuResources { name } }'],
  ['query($n: Int!) { gpuResource(id: "A") { pricing(gpuCount: $n) { stock } } }', { n: 'x' }],
  ['{ gpuPlatform { name } }'],
  ['{ gpuPlatform { name } gpuResource(id: "A") { name } }'],
  ['{ __typename __schema { queryType { name } } __type(name: "Pricing") { fields { name } } }'],
  [
    'query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on GpuResource { name pricing { stock } } } }',
    {
      r: [
        { __typename: 'GpuResource', id: 'A' },
        { __typename: 'GpuResource', id: 'zz' },
      ],
    },
  ],
  [
    'query($r: [_Any!]!) { _entities(representations: $r) { ... on GpuResource { name } } }',
    { r: [{ __typename: 'Nothing', id: 'A' }] },
  ],
  [
    '{ _entities(representations: [{ __typename: "GpuResource", id: "B" }]) { ... on GpuResource { name } } }',
  ],
  ['{ _service { sdl } }'],
];

test('reused answers are those of plain graphql-js, byte for byte, through refreshes and outages', async () => {
  const world = createWorld();
  const schema = createSchema();
  const reusing = await startHttp(schema, true);
  const executing = await startHttp(schema, false);
  let compared = 0;

  async function compareAll(): Promise<void> {
    for (const caller of ['alice', 'bob'] as const) {
      for (const [query, variables = {}] of CORPUS) {
        const body = { query, variables, operationName: query.startsWith('query A') ? 'B' : null };
        const executed = await ask(executing, body, world.contextOf(caller));
        // Three times: the long way, the short way, and out of memory where reuse applies.
        for (const way of ['long', 'short', 'reused']) {
          const answer = await ask(reusing, body, world.contextOf(caller));
          expect(answer, `${query} ${way}`).toBe(executed);
          compared += 1;
        }
        const plain = await graphql({
          schema,
          source: query,
          variableValues: variables,
          operationName: body.operationName,
          contextValue: world.contextOf(caller),
        });
        if (plain.errors === undefined) expect(executed).toBe(JSON.stringify(plain));
      }
    }
  }

  await compareAll();
  world.newPrices();
  world.later(31_000);
  await compareAll();
  await compareAll();
  world.setDown(true);
  world.later(31_000);
  await compareAll();
  world.later(60_001);
  await compareAll();
  world.setDown(false);
  world.later(31_000);
  await compareAll();
  expect(compared).toBe(6 * 2 * 3 * CORPUS.length);
});

test('an answer is reused for its own caller and for nobody else, until prices change', async () => {
  const world = createWorld();
  const schema = createSchema();
  const http = await startHttp(schema, true);
  const body = { query: '{ gpuResource(id: "A") { name pricing { onDemandUsdPerHour } } }' };
  const first = await ask(http, body, world.contextOf('alice'));
  expect(await ask(http, body, world.contextOf('alice'))).toBe(first);
  const spied = world.contextOf('alice');
  let reads = 0;
  const counting = {
    ...spied,
    prices: {
      ...spied.prices,
      anyTable: () => {
        reads += 1;
        return spied.prices.anyTable();
      },
    },
  };
  expect(await ask(http, body, counting)).toBe(first);
  expect(reads).toBe(0);
  expect(await ask(http, body, world.contextOf('bob'))).toContain('bob A');
});

async function startHttp(schema: ReturnType<typeof createSchema>, reusesResults: boolean) {
  const http = createGraphqlHttp({
    schema,
    limitsRule: createLimitsRule({ maxDepth: 12, maxFields: 5_000 }),
    isProduction: false,
    log: pino({ level: 'silent' }),
    reusesResults,
    priceFreshMs: 30_000,
    report: () => 'an-id',
    onError: () => undefined,
  });
  await http.start();
  onTestFinished(() => http.stop());
  return http;
}

async function ask(
  http: Awaited<ReturnType<typeof startHttp>>,
  body: object,
  context: Context,
): Promise<string> {
  const request = {
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
  };
  const answer = await http.execute(request as unknown as IncomingMessage, body, context);
  return answer.body.kind === 'complete' ? answer.body.string : 'chunked';
}
