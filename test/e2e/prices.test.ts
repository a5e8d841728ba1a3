import { expect, onTestFinished, test } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { startTestApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';

const GPUS = 'GET /v2/catalog/gpus';
const LIST = `{ gpuResources { name memoryGb
  pricing { onDemandUsdPerHour spotUsdPerHour stock }
  community: pricing(cloud: COMMUNITY, gpuCount: 2) { onDemandUsdPerHour } } }`;

interface Gpu {
  readonly id: string;
  readonly name: string;
  readonly memoryGb: number;
  readonly pricing: Readonly<Record<string, unknown>> | null;
  readonly community: { readonly onDemandUsdPerHour: number } | null;
}

function gpusOf(answer: { readonly data?: unknown }): readonly Gpu[] {
  return (answer.data as { gpuResources: Gpu[] }).gpuResources;
}

async function upstream(app: Awaited<ReturnType<typeof startTestApp>>) {
  const { rest, graphql } = await app.emulator.requests();
  return { catalogue: rest[GPUS] ?? 0, graphql };
}

/** A started server has verified its key once; what it asks for afterwards is what counts. */
async function startQuiet(settings: Readonly<Record<string, string>> = {}) {
  const app = await startTestApp(settings);
  await app.emulator.resetRequests();
  return app;
}

test('a list with two prices per GPU costs two catalogue calls and one GraphQL request, then none', async () => {
  const app = await startQuiet();
  const cold = await app.query(LIST);
  expect(cold.errors).toBeUndefined();
  expect(gpusOf(cold).length).toBeGreaterThanOrEqual(40);
  expect(await upstream(app)).toEqual({ catalogue: 2, graphql: 1 });
  const warm = await app.query(LIST);
  expect(warm).toEqual(cold);
  expect(await upstream(app)).toEqual({ catalogue: 2, graphql: 1 });
});

test('prices at every depth and under every alias are asked for in one go', async () => {
  const app = await startQuiet();
  const answer = await app.query(
    `query($n: Int = 4, $c: CloudTier!) {
      one: gpuResource(id: "NVIDIA GeForce RTX 4090") {
        pricing { gpuResource { pricing(gpuCount: $n) { gpuResource {
          pricing(gpuCount: 2, cloud: $c) { gpuCount cloud } } } } } }
      two: gpuResource(id: "NVIDIA L40S") { again: pricing { stock } dataCenters(gpuCount: 2) { stock } }
    }`,
    { c: 'COMMUNITY' },
  );
  expect(answer.errors).toBeUndefined();
  // (1,SECURE) (4,SECURE) (2,COMMUNITY) (2,SECURE)
  expect(await upstream(app)).toEqual({ catalogue: 4, graphql: 1 });
});

test('a thousand entity representations are one batch', async () => {
  const app = await startQuiet();
  const ids = ['NVIDIA GeForce RTX 4090', 'NVIDIA L40S', 'NVIDIA A40', 'no such GPU'];
  const representations = Array.from({ length: 1_000 }, (_, index) => ({
    __typename: 'GpuResource',
    id: ids[index % ids.length],
  }));
  const answer = await app.query(
    `query($r: [_Any!]!) { _entities(representations: $r) {
      ... on GpuResource { id pricing(gpuCount: 2) { onDemandUsdPerHour } } } }`,
    { r: representations },
  );
  expect(answer.errors).toBeUndefined();
  const entities = (answer.data as unknown as { _entities: ({ id: string } | null)[] })._entities;
  expect(entities.slice(0, 4).map((entity) => entity?.id ?? null)).toEqual([
    ...ids.slice(0, 3),
    null,
  ]);
  expect(await upstream(app)).toEqual({ catalogue: 1, graphql: 1 });
});

test('one representation that is wrong fails alone', async () => {
  const app = await startQuiet();
  const answer = await app.query(
    `query($r: [_Any!]!) { _entities(representations: $r) { ... on GpuResource { name pricing(gpuCount: 0) { stock } } } }`,
    { r: [{ __typename: 'GpuResource', id: 'NVIDIA L40S' }, { __typename: 'GpuResource' }] },
  );
  const entities = (answer.data as unknown as { _entities: ({ name: string } | null)[] })._entities;
  expect(entities[0]?.name).toBe('L40S');
  expect(entities[1]).toBeNull();
  expect(answer.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
});

test('prices are those of the whole pod, and absent where a GPU is not offered so', async () => {
  const app = await startTestApp();
  const answer = await app.query(`{
    a: gpuResource(id: "NVIDIA GeForce RTX 4090") { maxGpuCount(cloud: COMMUNITY) clouds cudaVersions
      one: pricing { onDemandUsdPerHour currency isStale spotAvailable gpuResource { id } }
      four: pricing(gpuCount: 4) { onDemandUsdPerHour } tooMany: pricing(gpuCount: 9) { stock } }
    amd: gpuResource(id: "AMD Instinct MI300X OAM") { cudaVersions manufacturer clouds pricing(cloud: COMMUNITY) { stock } }
    none: gpuResource(id: "unknown") { id } }`);
  expect(answer.errors).toBeUndefined();
  expect(answer.data).toMatchObject({
    a: {
      maxGpuCount: 4,
      clouds: ['SECURE', 'COMMUNITY'],
      cudaVersions: ['12.4', '12.8', '13.0'],
      one: {
        onDemandUsdPerHour: 0.74,
        currency: 'USD',
        isStale: false,
        gpuResource: { id: 'NVIDIA GeForce RTX 4090' },
      },
      four: { onDemandUsdPerHour: 2.96 },
      tooMany: null,
    },
    // A price beside a false flag is an old one.
    amd: { cudaVersions: null, manufacturer: 'AMD', clouds: ['SECURE'], pricing: null },
    none: null,
  });
});

test('filters narrow and orders are the same every time', async () => {
  const app = await startTestApp();
  const byPrice = gpusOf(await app.query('{ gpuResources { id pricing { onDemandUsdPerHour } } }'));
  const usd = byPrice.map(
    ({ pricing }) => (pricing?.onDemandUsdPerHour as number | undefined) ?? Infinity,
  );
  expect(usd).toEqual([...usd].sort((a, b) => a - b));
  const narrow = await app.query(`{ gpuResources(orderBy: MEMORY,
    filter: { minMemoryGb: 80, cloud: SECURE, gpuCount: 8, maxUsdPerHour: 22, nameContains: " h100 " }) { name memoryGb } }`);
  expect(gpusOf(narrow).map(({ name }) => name)).toEqual(
    ['H100 NVL', 'H100 SXM', 'H100 PCIe'].filter((n) => gpusOf(narrow).some((g) => g.name === n)),
  );
  expect(gpusOf(narrow).length).toBeGreaterThan(0);
  const placed = await app.query(
    '{ gpuResources(filter: { dataCenterId: "EU-RO-1", minStock: LOW }) { id dataCenters { dataCenterId stock } } }',
  );
  for (const gpu of gpusOf(placed)) {
    expect(JSON.stringify(gpu)).toContain('"EU-RO-1"');
  }
});

test('when RunPod goes down the last prices are served as stale, and in time no more', async () => {
  const app = await startTestApp({ PRICE_FRESH_SECONDS: '0.05', PRICE_MAX_AGE_SECONDS: '1.5' });
  const ask = `{ gpuResource(id: "NVIDIA L40S") { name pricing { onDemandUsdPerHour isStale observedAt } } }`;
  const pricing = async () => {
    const answer = await app.query(ask);
    return (answer.data as unknown as { gpuResource: Gpu | null } | null)?.gpuResource?.pricing;
  };
  const before = await pricing();
  expect(before).toMatchObject({ onDemandUsdPerHour: 0.86, isStale: false });
  await app.emulator.addFault({ kind: 'status', status: 500, route: GPUS });
  const stale = await until('a stale price', async () => {
    const seen = await pricing();
    return seen?.isStale === true ? seen : null;
  });
  expect(stale.onDemandUsdPerHour).toBe(0.86);
  const gone = await until('an error once the price is too old', async () => {
    const answer = await app.query(`{ platform: gpuPlatform { name } ${ask.slice(1)}`);
    return answer.errors ? answer : null;
  });
  expect(gone.data).toMatchObject({ platform: { name: 'runpod' }, gpuResource: null });
  expect(gone.errors?.[0]?.extensions.code).toMatch(/^PLATFORM_(UNAVAILABLE|TIMEOUT)$/);
  await app.emulator.clearFaults();
  await until('fresh prices again', async () => (await pricing())?.isStale === false);
});

test('a price that fails leaves the rest of the answer intact', async () => {
  const app = await startTestApp();
  await app.query('{ gpuResources { id } }');
  await app.emulator.addFault({ kind: 'status', status: 500, route: GPUS });
  const answer = await app.query(
    '{ gpuResource(id: "NVIDIA L40S") { name pricing(gpuCount: 3) { stock } } }',
  );
  expect(answer.data).toEqual({ gpuResource: { name: 'L40S', pricing: null } });
  expect(answer.errors).toMatchObject([
    { path: ['gpuResource', 'pricing'], extensions: { code: 'PLATFORM_UNAVAILABLE' } },
  ]);
});

test('a spot price source that is gone takes only spot and balance with it', async () => {
  const app = await startTestApp();
  await app.emulator.addFault({ kind: 'graphql-gone' });
  const answer = await app.query(`{ gpuPlatform { connected supportsSpot balanceUsd }
    gpuResource(id: "NVIDIA L40S") { pricing { onDemandUsdPerHour spotUsdPerHour spotAvailable } } }`);
  expect(answer.errors).toBeUndefined();
  expect(answer.data).toMatchObject({
    gpuPlatform: { connected: true },
    gpuResource: {
      pricing: { onDemandUsdPerHour: 0.86, spotUsdPerHour: null, spotAvailable: false },
    },
  });
});

const FAULTS = [
  [{ kind: 'status', status: 500 }, 'PLATFORM_UNAVAILABLE'],
  [{ kind: 'status', status: 403 }, 'PLATFORM_FORBIDDEN'],
  [{ kind: 'rate-limited', retryAfterSeconds: 7 }, 'PLATFORM_RATE_LIMITED'],
  [{ kind: 'hang' }, 'PLATFORM_TIMEOUT'],
  [{ kind: 'reset' }, 'PLATFORM_UNAVAILABLE'],
  [{ kind: 'malformed' }, 'PLATFORM_UNAVAILABLE'],
  [
    { kind: 'body', body: { gpus: [{ id: 'X', name: 'X', memory: 'much', price: {} }] } },
    'PLATFORM_UNAVAILABLE',
  ],
  [{ kind: 'unauthorized' }, 'PLATFORM_UNAUTHORIZED'],
] as const;

test.each(FAULTS)(
  'an upstream that answers %j gives a named error and the server stays up',
  async (fault, code) => {
    const app = await startTestApp({ RUNPOD_TIMEOUT_SECONDS: '0.6' });
    await app.emulator.addFault({ ...fault, route: GPUS });
    const answer = await app.query('{ gpuResources { id } }');
    expect(answer.data).toBeNull();
    expect(answer.errors?.[0]?.extensions.code).toBe(code);
    expect(answer.errors?.[0]?.message).not.toMatch(/emulator|Bearer|stack/);
    if (code === 'PLATFORM_RATE_LIMITED')
      expect(answer.errors?.[0]?.extensions.retryAfterSeconds).toBe(7);
    if (fault.kind === 'body') expect(answer.errors?.[0]?.message).toContain('gpus.0.memory');
    expect((await fetch(new URL('/livez', app.url))).status).toBe(200);
  },
);

test('a key that RunPod rejects shows in gpuPlatform, and the key shows nowhere', async () => {
  const emulator = await createEmulator({ apiKey: 'the-right-one' });
  onTestFinished(() => emulator.close());
  const app = await startTestApp({
    RUNPOD_API_KEY: 'a-wrong-key',
    RUNPOD_REST_URL: emulator.url,
    RUNPOD_GRAPHQL_URL: `${emulator.url}/graphql`,
  });
  const answer = await app.query(
    '{ gpuPlatform { connected error verifiedAt } gpuResources { id } }',
  );
  expect(answer.errors?.[0]?.extensions.code).toBe('PLATFORM_UNAUTHORIZED');
  const platform = await app.query('{ gpuPlatform { connected error verifiedAt emulated } }');
  expect(platform.data).toMatchObject({
    gpuPlatform: { connected: false, verifiedAt: null, emulated: false },
  });
  expect(JSON.stringify(platform)).toContain('does not accept the API key');
  expect(JSON.stringify([answer, platform])).not.toContain('a-wrong-key');
});

test('more pairs of count and cloud than one operation may ask are refused by name', async () => {
  const app = await startTestApp();
  const aliases = Array.from(
    { length: 17 },
    (_, index) => `p${index}: dataCenters(gpuCount: ${index + 1}) { stock }`,
  );
  const answer = await app.query(`{ gpuResource(id: "NVIDIA L40S") { ${aliases.join(' ')} } }`);
  expect(answer.errors?.map(({ extensions }) => extensions.code)).toEqual(['LIMIT_EXCEEDED']);
});

test('an operation beside the one that runs asks for nothing', async () => {
  const app = await startQuiet();
  const fields = (from: number) =>
    Array.from(
      { length: 10 },
      (_, index) => `p${index}: dataCenters(gpuCount: ${from + index}) { stock }`,
    );
  const text = `query A { gpuResource(id: "NVIDIA L40S") { ${fields(1).join(' ')} } }
    query B { gpuResource(id: "NVIDIA L40S") { ${fields(11).join(' ')} } }`;
  const response = await fetch(app.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, operationName: 'B' }),
  });
  expect(await response.text()).not.toContain('errors');
  expect(await upstream(app)).toEqual({ catalogue: 10, graphql: 1 });
});

test('one offer that fails when nothing is known yet takes no other with it', async () => {
  const app = await startTestApp();
  await app.emulator.addFault({ kind: 'status', status: 400, route: GPUS, times: 1 });
  const answer = await app.query(
    '{ gpuResource(id: "NVIDIA L40S") { name a: pricing(gpuCount: 3) { gpuCount } b: pricing { gpuCount } } }',
  );
  const gpu = (answer.data as unknown as { gpuResource: Record<string, unknown> }).gpuResource;
  expect(gpu.name).toBe('L40S');
  expect([gpu.a, gpu.b].filter((price) => price === null)).toHaveLength(1);
  expect(answer.errors).toHaveLength(1);
});
