import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import { createSpotLauncher } from '../../src/datasources/runpod/spot-launch.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { launchRequest } from '../support/platform-compliance.ts';

const RENT = 'graphql:podRentInterruptable';

function spotRequest(name: string, change: object = {}) {
  return { ...launchRequest(name), spotUsdPerHour: 0.6, ...change };
}

async function start(apiKey = 'good') {
  const emulator = await createEmulator({ apiKey: 'good' });
  onTestFinished(() => emulator.close());
  const runpod = createRunpod({
    restUrl: emulator.url,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}`,
    apiKey,
    emulated: true,
    timeoutMs: 2_000,
    log: pino({ level: 'silent' }),
  });
  const readPod = async (id: string) => {
    const headers = { authorization: 'Bearer good' };
    return (await fetch(`${emulator.url}/v2/pods/${id}`, { headers })).json() as Promise<unknown>;
  };
  return { runpod, emulator, control: controlOf(emulator.url), readPod };
}

describe('a spot pod', () => {
  test('is rented as it was asked for, its command in exec form', async () => {
    const { runpod, readPod } = await start();
    const pod = await runpod.launch(
      spotRequest('spot', {
        gpuCount: 2,
        spotUsdPerHour: 1.1,
        dataCenterIds: ['EU-RO-1', 'US-KS-2'],
        command: ['sh', '-c', 'sleep "1000 "'],
        networkVolume: { id: 'volume', path: '/workspace' },
      }),
    );
    expect(pod).toMatchObject({ name: 'spot', usdPerHour: 1.1, gpuCount: 2, isReady: false });
    expect(await readPod(pod.id)).toMatchObject({
      args: JSON.stringify({ entrypoint: [], cmd: ['sh', '-c', 'sleep "1000 "'] }),
      cost: 1.1,
      cloud: 'SECURE',
      dataCenterId: 'EU-RO-1',
      disk: 20,
      ports: ['8000/http'],
      env: { PURPOSE: 'test' },
      mounts: { network: [{ volumeId: 'volume', path: '/workspace' }] },
    });
  });

  test('is had for just the lowest price that is told, whatever the count', async () => {
    const { runpod } = await start();
    for (const gpuCount of [1, 2, 3, 7]) {
      const prices = await runpod.spotPrices([{ gpuCount, cloud: 'SECURE' }]);
      const bid = prices?.get(`${gpuCount}:SECURE`)?.get(launchRequest('').gpuTypeId) ?? 0;
      const pod = await runpod.launch(spotRequest('lowest', { gpuCount, spotUsdPerHour: bid }));
      expect(pod.usdPerHour).toBe(bid);
    }
  });
});

describe('a spot pod that cannot be rented', () => {
  const error = (message: string, more: object = {}) => ({
    kind: 'body',
    route: RENT,
    body: { data: { podRentInterruptable: null }, errors: [{ message, ...more }] },
  });

  test.each([
    ['no machine is free', error('There are no longer any instances available.'), 'NO_CAPACITY'],
    ['credit is short', error('Insufficient balance to rent.'), 'INSUFFICIENT_BALANCE'],
    ['credit is short by status', { kind: 'insufficient-balance' }, 'INSUFFICIENT_BALANCE'],
    ['the request breaks a rule', error('imageName is required'), 'REJECTED'],
    ['GraphQL is gone', { kind: 'graphql-gone' }, 'REJECTED'],
    ['GraphQL refuses the key', { kind: 'unauthorized', route: 'graphql' }, 'REJECTED'],
    ['RunPod failed inside', error('Something went wrong. Please try again later.'), 'UNAVAILABLE'],
    [
      'a field of the pod failed',
      error('no', { path: ['podRentInterruptable', 'costPerHr'] }),
      'UNAVAILABLE',
    ],
    ['RunPod failed', { kind: 'status', status: 502, route: RENT }, 'UNAVAILABLE'],
    ['the answer was lost', { kind: 'reset', route: RENT }, 'UNAVAILABLE'],
    ['the answer is no JSON', { kind: 'malformed', route: RENT }, 'UNAVAILABLE'],
    ['the answer is empty', { kind: 'body', body: { data: null }, route: RENT }, 'UNAVAILABLE'],
    ['there are too many requests', { kind: 'rate-limited', route: RENT }, 'RATE_LIMITED'],
  ])('because %s is told so', async (_why, fault, code) => {
    const { runpod, control } = await start();
    await control.addFault(fault);
    const refusal = await runpod.launch(spotRequest('none')).catch((thrown: unknown) => thrown);
    expect(refusal).toBeInstanceOf(AppError);
    expect(refusal).toMatchObject({ code: `PLATFORM_${code}` });
    expect((await control.requests()).graphql).toBe(1);
  });

  test('because GraphQL is gone says what was lost, and leaves on-demand pods alone', async () => {
    const { runpod, control } = await start();
    await control.addFault({ kind: 'graphql-gone' });
    await expect(runpod.launch(spotRequest('none'))).rejects.toThrow(/spot pods cannot be rented/i);
    expect((await runpod.launch(launchRequest('on-demand'))).name).toBe('on-demand');
  });

  test('quotes neither key nor environment in its failure', async () => {
    const { runpod, control } = await start();
    await control.addFault(error('bad key good, sent Bearer rpa_SECRET'));
    const request = spotRequest('none', { env: { MARK: 'of-the-env' } });
    const refusal = await runpod.launch(request).catch((thrown: unknown) => thrown);
    const told = JSON.stringify([refusal, (refusal as Error).message, (refusal as Error).cause]);
    expect(told).not.toMatch(/good|rpa_SECRET|of-the-env/);
  });
});

test('a spot pod whose answer was lost is sent for once, and found by its name', async () => {
  const { runpod, control } = await start();
  await control.addFault({ kind: 'fail-after-effect', route: RENT });
  await expect(runpod.launch(spotRequest('lost'))).rejects.toMatchObject({
    code: 'PLATFORM_UNAVAILABLE',
  });
  expect((await runpod.listPods()).map(({ name }) => name)).toEqual(['lost']);
});

test('a spot pod whose answer never comes is given up after the deadline', async () => {
  const { emulator, control } = await start();
  await control.addFault({ kind: 'hang-after-effect', route: RENT });
  const url = `${emulator.url}/graphql`;
  const launcher = createSpotLauncher({ url, apiKey: 'good', timeoutMs: 100 });
  await expect(launcher.launch(spotRequest('lost'), {})).rejects.toMatchObject({
    code: 'PLATFORM_TIMEOUT',
  });
});
