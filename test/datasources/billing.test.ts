import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { launchRequest } from '../support/platform-compliance.ts';

const HOUR_MS = 3_600_000;
const BILL = 'GET /v2/billing/pods';

async function start() {
  let now = Date.parse('2026-11-01T12:30:00Z');
  const emulator = await createEmulator({ now: () => now });
  onTestFinished(() => emulator.close());
  const runpod = createRunpod({
    restUrl: `${emulator.url}/`,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}/`,
    apiKey: 'key',
    emulated: true,
    timeoutMs: 2_000,
    log: pino({ level: 'silent' }),
  });
  return {
    runpod,
    url: emulator.url,
    control: controlOf(emulator.url),
    now: () => now,
    advance: (ms: number) => {
      now += ms;
    },
  };
}

test('what a pod has cost is summed over the hours that it ran in', async () => {
  const { runpod, now, advance } = await start();
  const since = now();
  const pod = await runpod.launch(launchRequest('bill'));
  await runpod.launch(launchRequest('another'));
  advance(2.5 * HOUR_MS);
  expect(await runpod.billedUsd(pod.id, since)).toBeCloseTo(2.5 * pod.usdPerHour, 9);
  await runpod.terminate(pod.id);
  advance(HOUR_MS);
  expect(await runpod.billedUsd(pod.id, since)).toBeCloseTo(2.5 * pod.usdPerHour, 9);
});

test('a pod of which nothing is recorded yet has no bill, as against one of 0', async () => {
  const { runpod, now } = await start();
  const pod = await runpod.launch(launchRequest('bill'));
  expect(await runpod.billedUsd(pod.id, now())).toBeNull();
});

test('a bill of other pods is not taken for this one', async () => {
  const { runpod, control, now } = await start();
  const records = [
    { podId: 'mine', totalAmount: 0.25 },
    { podId: 'other', totalAmount: 9 },
  ];
  await control.addFault({ kind: 'body', route: BILL, body: { records } });
  expect(await runpod.billedUsd('mine', now())).toBe(0.25);
});

test('a bill that cannot be had is a named failure', async () => {
  const { runpod, control, now } = await start();
  await control.addFault({ kind: 'status', status: 403, route: BILL });
  await expect(runpod.billedUsd('mine', now())).rejects.toMatchObject({
    code: 'PLATFORM_FORBIDDEN',
  });
});

test('addresses of pods and of their ends come from the settings, less slashes too many', async () => {
  const { runpod, url } = await start();
  expect(runpod.proxyUrl('abc', 8000)).toBe(`${url}/__proxy/abc/8000`);
  expect(runpod.selfTermination).toEqual({
    restUrl: `${url}/v2`,
    graphqlUrl: `${url}/graphql`,
  });
});
