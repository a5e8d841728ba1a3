import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import { createRateBudget } from '../../src/datasources/runpod/rate-budget.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { launchRequest } from '../support/platform-compliance.ts';

const GPUS = 'GET /v2/catalog/gpus';
const OFFER = { gpuCount: 1, cloud: 'SECURE' } as const;

async function start(options: EmulatorOptions = {}) {
  const emulator = await createEmulator(options);
  onTestFinished(() => emulator.close());
  const said: string[] = [];
  const runpod = createRunpod({
    restUrl: emulator.url,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}`,
    apiKey: 'key',
    emulated: true,
    timeoutMs: 2_000,
    log: pino({ level: 'info' }, { write: (line: string) => said.push(line) }),
  });
  return { runpod, emulator, control: controlOf(emulator.url), said };
}

test('a read that fails once is repeated and nobody notices', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'status', status: 503, route: GPUS, times: 1 });
  expect((await runpod.catalogue(OFFER)).length).toBeGreaterThan(40);
  expect((await control.requests()).rest[GPUS]).toBe(2);
});

test('a create that fails after it took effect is sent once, and its pod is found by name', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'fail-after-effect', route: 'POST /v2/pods' });
  await expect(runpod.launch(launchRequest('mine'))).rejects.toMatchObject({
    code: 'PLATFORM_UNAVAILABLE',
  });
  expect((await control.requests()).rest['POST /v2/pods']).toBe(1);
  expect((await runpod.listPods()).map(({ name }) => name)).toEqual(['mine']);
});

test('a 429 is obeyed: nothing is sent until its time is over', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'rate-limited', retryAfterSeconds: 30, route: GPUS, times: 1 });
  const refusal = { code: 'PLATFORM_RATE_LIMITED', retryAfterSeconds: 30 };
  await expect(runpod.catalogue(OFFER)).rejects.toMatchObject(refusal);
  await expect(runpod.listPods()).rejects.toMatchObject({ code: 'PLATFORM_RATE_LIMITED' });
  const { rest } = await control.requests();
  expect(rest).toEqual({ [GPUS]: 1 });
});

test('background calls leave the last fifth of the budget to people who wait', async () => {
  const { runpod } = await start({ rateLimit: { perMinute: 10, perHour: 1_000, perDay: 10_000 } });
  for (let count = 0; count < 9; count += 1) await runpod.listPods();
  expect(runpod.rateBudgetShare()).toBeCloseTo(0.1);
  await expect(runpod.catalogue(OFFER, { urgency: 'background' })).rejects.toMatchObject({
    code: 'PLATFORM_RATE_LIMITED',
  });
  await runpod.catalogue(OFFER);
  await expect(runpod.catalogue(OFFER)).rejects.toMatchObject({ code: 'PLATFORM_RATE_LIMITED' });
});

test('an upstream that keeps failing is left alone for a moment', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'status', status: 500 });
  for (let count = 0; count < 4; count += 1) await runpod.listPods().catch(() => null);
  const { rest } = await control.requests();
  expect(rest['GET /v2/pods']).toBe(5);
});

test('a pod list of many pages is read to its end, or not at all', async () => {
  const { runpod, control } = await start({ rateLimit: null });
  for (let count = 0; count < 3; count += 1) await runpod.launch(launchRequest(`pod-${count}`));
  expect(await runpod.listPods()).toHaveLength(3);
  await control.addFault({
    kind: 'body',
    route: 'GET /v2/pods',
    body: { pods: [], pagination: { nextCursor: 'again', hasNextPage: true } },
  });
  await expect(runpod.listPods()).rejects.toMatchObject({ code: 'PLATFORM_UNAVAILABLE' });
});

test('the end of the GraphQL API is said once in the log', async () => {
  const { runpod, control, said } = await start();
  await control.addFault({ kind: 'graphql-gone' });
  expect(await runpod.spotPrices([OFFER])).toBeNull();
  expect(await runpod.spotPrices([OFFER])).toBeNull();
  expect(await runpod.verify()).toMatchObject({ balanceUsd: null, supportsSpot: false });
  expect(said.filter((line) => line.includes('no spot prices'))).toHaveLength(1);
});

test('a log stream that is cut, doubled or full of holes can be gone on with', async () => {
  const { runpod, control } = await start();
  const pod = await runpod.launch(launchRequest('log'));
  await control.appendLog(pod.id, ['1', '2', '3', '4']);
  await control.addFault({ kind: 'sse-cut', afterLines: 2 });
  const seen: string[] = [];
  let after: string | undefined;
  for (let tries = 0; tries < 5 && seen.length < 4; tries += 1) {
    const signal = AbortSignal.timeout(5_000);
    for await (const line of runpod.logs(pod.id, {
      signal,
      source: 'container',
      ...(after && { after }),
    })) {
      seen.push(line.text);
      after = line.eventId;
      if (seen.length === 4) break;
    }
  }
  expect(seen).toEqual(['1', '2', '3', '4']);
});

test('Retry-After may be a date, and rubbish in rate headers counts as nothing', () => {
  let now = Date.parse('2026-11-24T00:00:00Z');
  const budget = createRateBudget(() => now);
  budget.observe(200, new Headers({ ratelimit: '???;;;', 'ratelimit-policy': '"minute"' }));
  expect(budget.share()).toBeNull();
  budget.observe(429, new Headers({ 'retry-after': 'Tue, 24 Nov 2026 00:00:09 GMT' }));
  expect(() => {
    budget.check('interactive');
  }).toThrow('9 s');
  now += 9_000;
  budget.check('interactive');
});

test('a key that the upstream quotes is taken out of what callers and logs are told', async () => {
  const { runpod, control, said } = await start();
  const body = { detail: 'Invalid key: key; sent was Bearer rpa_SECRET123', title: 'Forbidden' };
  await control.addFault({ kind: 'status', status: 403, body });
  const refusal = (await runpod.catalogue(OFFER).catch((error: unknown) => error)) as Error;
  expect(refusal.message).toContain('***');
  await runpod.spotPrices([OFFER]);
  expect(refusal.message + said.join()).not.toMatch(/rpa_SECRET|: key;/);
});

test('a key that GraphQL quotes is taken out as well', async () => {
  const { runpod, control, said } = await start();
  const body = { data: null, errors: [{ message: 'no access for key' }] };
  await control.addFault({ kind: 'body', body, route: 'graphql' });
  await runpod.spotPrices([OFFER]);
  expect(said.join()).toContain('no access for ***');
});

test('a balance that may not be read leaves spot prices as they are', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'status', status: 403, route: 'graphql:myself' });
  expect(await runpod.verify()).toMatchObject({ balanceUsd: null });
  expect((await runpod.spotPrices([OFFER]))?.get('1:SECURE')?.size).toBeGreaterThan(10);
  expect(await runpod.verify()).toMatchObject({ balanceUsd: null, supportsSpot: true });
});

test('one GPU whose spot price fails takes no other with it', async () => {
  const { runpod, control } = await start();
  const gpuTypes = [
    { id: 'A', offer0: { minimumBidPrice: 0.5 } },
    { id: 'B', offer0: null },
  ];
  const errors = [{ message: 'Something went wrong.', path: ['gpuTypes', 1, 'offer0'] }];
  await control.addFault({ kind: 'body', body: { data: { gpuTypes }, errors }, route: 'graphql' });
  expect((await runpod.spotPrices([OFFER]))?.get('1:SECURE')).toEqual(new Map([['A', 0.5]]));
});

test('an answer that is slow and good is waited for', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'delay', ms: 900, route: GPUS });
  expect((await runpod.catalogue(OFFER)).length).toBeGreaterThan(40);
});

test('a base address that leads nowhere is told as such', async () => {
  const { emulator } = await start();
  const runpod = createRunpod({
    restUrl: `${emulator.url}/v2`,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}`,
    apiKey: 'key',
    emulated: true,
    timeoutMs: 2_000,
    log: pino({ level: 'silent' }),
  });
  await expect(runpod.catalogue(OFFER)).rejects.toThrow('RUNPOD_REST_URL');
});
