import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createPlatformRegistry } from '../../src/datasources/platforms.ts';
import type { Platform } from '../../src/datasources/platform.ts';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { complianceChecks } from '../support/platform-compliance.ts';
import type { ComplianceWorld } from '../support/platform-compliance.ts';

async function startWorld(): Promise<ComplianceWorld> {
  const emulator = await createEmulator({ apiKey: 'good', provisioningMs: 20, startingMs: 20 });
  onTestFinished(() => emulator.close());
  const common = {
    restUrl: emulator.url,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}`,
    emulated: true,
    timeoutMs: 5_000,
    log: pino({ level: 'silent' }),
  };
  return {
    platform: createRunpod({ ...common, apiKey: 'good' }),
    refused: createRunpod({ ...common, apiKey: 'bad' }),
    writeLog: controlOf(emulator.url).appendLog,
  };
}

describe('RunPod as a platform', () => {
  test.each(Object.entries(complianceChecks))('%s', async (_name, check) => {
    await check(await startWorld());
  });
});

/** One wrong behaviour each, and the check that must find it. */
const WRONG: Readonly<Record<string, (right: Platform) => Partial<Platform>>> = {
  'verifies a good credential and names a refused one': (right) => ({
    verify: () =>
      right.verify().catch(() => ({ balanceUsd: 1, spendUsdPerHour: 0, supportsSpot: true })),
  }),
  'lists every GPU once, with whole-pod prices that grow with the count': (right) => ({
    catalogue: (offer) => right.catalogue({ ...offer, gpuCount: 1 }),
  }),
  'answers spot prices for exactly the offers that were asked for, or none': (right) => ({
    spotPrices: (offers) => right.spotPrices(offers.slice(0, 1)),
  }),
  'shows a launched pod in the list and by id, under its name, until it is terminated': (
    right,
  ) => ({
    launch: (request) => right.launch({ ...request, name: 'pod' }),
  }),
  'counts the end of a pod that is already gone as a success': (right) => ({
    terminate: async (id) => {
      if ((await right.observe(id)) === null) throw new Error('gone');
      await right.terminate(id);
    },
  }),
  'names a lack of capacity': (right) => ({
    launch: (request) => right.launch({ ...request, gpuCount: 1 }),
  }),
  'rents a spot pod at its bid, and shows it in the list like any other': (right) => ({
    launch: async (request) => ({ ...(await right.launch(request)), usdPerHour: 99 }),
  }),
  'rents no spot pod below the lowest bid': (right) => ({
    launch: (request) => right.launch({ ...request, spotUsdPerHour: 10 }),
  }),
  'addresses each port of each pod apart, without a slash at the end': (right) => ({
    proxyUrl: (podId) => right.proxyUrl(podId, 8000),
  }),
  'tells a pod where to end itself': () => ({
    selfTermination: { restUrl: '/v2', graphqlUrl: '/graphql' },
  }),
  'bills a pod of its own, and nothing for one that never was': (right) => ({
    billedUsd: async (id, since) => (await right.billedUsd(id, since)) ?? 0,
  }),
  'streams a log and goes on behind any line': (right) => ({
    logs: (id, { signal, source = 'container' }) => right.logs(id, { signal, source }),
  }),
  'throws nothing but named errors': (right) => ({
    catalogue: (offer) =>
      right.catalogue(offer).catch(() => Promise.reject(new Error('fetch failed'))),
  }),
};

describe('a wrong platform is found out', () => {
  test.each(Object.entries(complianceChecks))('%s', async (name, check) => {
    const world = await startWorld();
    const wrong = WRONG[name];
    if (wrong === undefined) throw new Error('no wrong platform is written for this check');
    const spoil = (right: Platform): Platform => ({ ...right, ...wrong(right) });
    await expect(
      check({ ...world, platform: spoil(world.platform), refused: spoil(world.refused) }),
    ).rejects.toThrow();
  });
});

describe('the registry of platforms', () => {
  const good = { close: () => Promise.resolve() } as Platform;

  test('one that fails to load takes no other down and is tried again', async () => {
    let attempts = 0;
    const registry = createPlatformRegistry({
      bad: () => {
        attempts += 1;
        throw new Error('no such module');
      },
      good: () => good,
    });
    await expect(registry.get('bad')).rejects.toMatchObject({ code: 'PLATFORM_UNAVAILABLE' });
    await expect(registry.get('bad')).rejects.toMatchObject({ code: 'PLATFORM_UNAVAILABLE' });
    expect(attempts).toBe(2);
    expect(await registry.get('good')).toBe(good);
    await expect(registry.get('toString')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await registry.close();
  });

  test('one that fails to close stops no other from closing', async () => {
    let isClosed = false;
    const registry = createPlatformRegistry({
      bad: () => ({ ...good, close: () => Promise.reject(new Error('stuck')) }),
      good: () => ({
        ...good,
        close: () => {
          isClosed = true;
          return Promise.resolve();
        },
      }),
    });
    await registry.get('bad');
    await registry.get('good');
    await registry.close();
    expect(isClosed).toBe(true);
  });
});
