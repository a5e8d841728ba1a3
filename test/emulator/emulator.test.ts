import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import type { EmulatorOptions } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { makeFolder } from '../support/start-app.ts';

const BODY = { name: 'x', image: 'i', gpu: { id: 'NVIDIA GeForce RTX 4090', count: 1 } };

/** JSON of any shape, to look into. */
interface Tree {
  readonly [name: string]: Tree | null | undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

async function start(options: EmulatorOptions = {}) {
  const emulator = await createEmulator(options);
  onTestFinished(() => emulator.close());
  const call = async (method: string, path: string, body?: unknown, key: string | null = 'key') => {
    const response = await fetch(emulator.url + path, {
      method,
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const value = (text === '' ? null : JSON.parse(text)) as Tree | null;
    return { status: response.status, value, headers: response.headers };
  };
  const graphql = async (query: string, key: string | null = 'key') =>
    (await call('POST', '/graphql', { query }, key)).value as unknown as {
      data: Tree | null;
      errors?: { message: string; extensions?: { code: string } }[];
    };
  return { emulator, call, graphql, control: controlOf(emulator.url) };
}

test('the emulator is as strict as the original', async () => {
  const { call } = await start({ apiKey: 'right' });
  const refusals = [
    ['GET', '/v2/pods', undefined, null, 401, 'missing bearer token'],
    ['GET', '/v2/pods', undefined, 'wrong', 401, 'invalid'],
    ['GET', '/v2/catalog/gpus?include=AVAILABILITY', undefined, 'right', 400, 'product'],
    ['GET', '/v2/catalog/gpus?count=2', undefined, 'right', 400, 'include'],
    ['POST', '/v2/pods', { ...BODY, bogus: 1 }, 'right', 422, "'bogus' not allowed"],
    ['POST', '/v2/pods', { name: 'x', gpu: BODY.gpu }, 'right', 422, "'image'"],
    ['POST', '/v2/pods', '{', 'right', 400, 'JSON'],
    ['POST', '/v2/pods', { ...BODY, env: { A: 'x'.repeat(110_000) } }, 'right', 413, '102400'],
    [
      'POST',
      '/v2/pods',
      { ...BODY, gpu: { ...BODY.gpu, count: 9 } },
      'right',
      400,
      'no longer any instances',
    ],
    ['PUT', '/v2/pods', undefined, 'right', 405, 'not allowed'],
    ['GET', '/v1/pods', undefined, 'right', 404, 'not found'],
  ] as const;
  for (const [method, path, body, key, status, text] of refusals) {
    const answer = await call(method, path, body, key);
    expect([path, answer.status]).toEqual([path, status]);
    expect(JSON.stringify(answer.value)).toContain(text);
    expect(answer.headers.get('content-type')).toContain('problem+json');
  }
  expect((await call('GET', '/v2/pods?colour=red', undefined, 'right')).status).toBe(200);
});

test('a pod boots, says RUNNING before it has a runtime, costs money and ends', async () => {
  let now = 1_700_000_000_000;
  const { call, control, graphql } = await start({
    now: () => now,
    provisioningMs: 1_000,
    startingMs: 1_000,
  });
  const created = await call('POST', '/v2/pods', BODY);
  expect(created.status).toBe(201);
  const path = `/v2/pods/${textOf(created.value?.id)}`;
  const seen = [];
  for (const ms of [0, 1_000, 1_000, 3_600_000]) {
    now += ms;
    const { value } = await call('GET', path);
    seen.push([value?.status, value?.runtime === null]);
  }
  expect(seen).toEqual([
    ['PROVISIONING', true],
    ['STARTING', true],
    ['RUNNING', true],
    ['RUNNING', false],
  ]);
  const { data } = await graphql('{ myself { clientBalance currentSpendPerHr } }');
  expect(data?.myself?.currentSpendPerHr).toBe(0.74);
  expect(data?.myself?.clientBalance).toBeCloseTo(100 - 0.74, 2);
  expect((await call('POST', `${path}/action`, { action: 'start' })).status).toBe(409);
  expect((await call('DELETE', path)).status).toBe(204);
  expect((await call('DELETE', path)).status).toBe(404);
  now += 3_600_000;
  const [pod] = await control.pods();
  expect(pod).toMatchObject({ name: 'x', status: 'TERMINATED' });
  expect(pod?.usdAccrued).toBeCloseTo(0.74, 2);
  const bill = await call('GET', `/v2/billing/pods?podId=${pod?.id ?? ''}`);
  expect(bill.value?.records?.['0']).toMatchObject({ totalAmount: pod?.usdAccrued });
});

test('pods are kept over a restart, and a file that is not ours is not overwritten', async () => {
  const stateDir = makeFolder();
  const first = await start({ stateDir });
  const created = await first.call('POST', '/v2/pods', BODY);
  await first.emulator.close();
  const second = await start({ stateDir });
  expect((await second.control.pods()).map(({ id }) => id)).toEqual([created.value?.id]);
  await second.emulator.close();
  writeFileSync(join(stateDir, 'pods.json'), '{"pods": "no"}');
  await expect(createEmulator({ stateDir })).rejects.toThrow('pods.json');
});

test('GraphQL prices whole pods under any alias, and answers errors with 200', async () => {
  const { graphql, call } = await start();
  const { data } = await graphql(
    `
      {
        gpuTypes(input: { id: "NVIDIA GeForce RTX 4090" }) {
          one: lowestPrice(input: { gpuCount: 1 }) {
            uninterruptablePrice
            minimumBidPrice
            stockStatus
          }
          four: lowestPrice(input: { gpuCount: 4, secureCloud: false }) {
            uninterruptablePrice
          }
        }
      }
    `,
    null,
  );
  expect(data?.gpuTypes?.['0']).toMatchObject({
    one: { uninterruptablePrice: 0.74, minimumBidPrice: 0.37 },
    four: { uninterruptablePrice: 1.36 },
  });
  expect((await graphql('{ gpuTypes { id } }', null)).data?.gpuTypes).toContainEqual({
    id: 'unknown',
  });
  expect((await graphql('{ myself { id } }', null)).data).toEqual({ myself: null });
  const gone = await call('POST', '/graphql', {
    query: 'mutation { podTerminate(input: { podId: "no" }) }',
  });
  expect(gone).toMatchObject({
    status: 200,
    value: { errors: [{ message: 'pod not found to terminate' }] },
  });
  const unknown = await call('POST', '/graphql', { query: '{ nothing }' });
  expect(unknown).toMatchObject({
    status: 400,
    value: { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
  });
});

test('a spot pod is rented by bid, taken back by a fault, and may end itself with its own key', async () => {
  const { graphql, call, control } = await start();
  const rent = (bid: number) =>
    graphql(
      `mutation { podRentInterruptable(input: { bidPerGpu: ${bid}, gpuTypeId: "NVIDIA GeForce RTX 4090", imageName: "i", name: "spot" }) { id costPerHr podType } }`,
    );
  expect((await rent(0.01)).errors?.[0]?.message).toContain('no longer any instances');
  const pod = (await rent(0.4)).data?.podRentInterruptable as { id: string } | null | undefined as {
    id: string;
  };
  expect(pod).toMatchObject({ costPerHr: 0.4, podType: 'INTERRUPTABLE' });
  const { value } = await call('GET', `/v2/pods/${pod.id}`);
  const ownKey = textOf(value?.env?.RUNPOD_API_KEY);
  expect((await call('DELETE', `/v2/pods/${pod.id}`, undefined, ownKey)).status).toBe(403);
  await control.addFault({ kind: 'spot-reclaim' });
  expect((await call('GET', `/v2/pods/${pod.id}`)).value?.status).toBe('EXITED');
  await graphql(`mutation { podTerminate(input: { podId: "${pod.id}" }) }`, ownKey);
  expect((await call('GET', `/v2/pods/${pod.id}`)).status).toBe(404);
});

test('each fault does what its name says', async () => {
  const { call, control } = await start();
  const under = async (fault: Record<string, unknown>, act: () => Promise<{ status: number }>) => {
    await control.addFault(fault);
    const { status } = await act().catch(() => ({ status: 0 }));
    await control.clearFaults();
    return status;
  };
  const list = () => call('GET', '/v2/pods');
  const create = () => call('POST', '/v2/pods', BODY);
  expect(await under({ kind: 'status', status: 418 }, list)).toBe(418);
  expect(await under({ kind: 'reset' }, list)).toBe(0);
  expect(await under({ kind: 'malformed' }, list)).toBe(0);
  expect(await under({ kind: 'delay', ms: 1 }, list)).toBe(200);
  expect(await under({ kind: 'rate-limited' }, list)).toBe(429);
  expect(await under({ kind: 'unauthorized' }, list)).toBe(401);
  expect(await under({ kind: 'insufficient-balance' }, create)).toBe(402);
  expect(await under({ kind: 'no-capacity', gpuTypeId: BODY.gpu.id }, create)).toBe(400);
  expect(await under({ kind: 'no-capacity', gpuTypeId: 'another' }, create)).toBe(201);
  expect(await under({ kind: 'fail-after-effect' }, create)).toBe(500);
  expect(await control.pods()).toHaveLength(2);
  const id = (await control.pods())[0]?.id ?? '';
  expect(await under({ kind: 'early-404', ms: 60_000 }, () => call('GET', `/v2/pods/${id}`))).toBe(
    404,
  );
  await control.addFault({ kind: 'listing-lag', ms: 60_000 });
  expect((await list()).value?.pods).toEqual([]);
  await control.clearFaults();
  await control.addFault({
    kind: 'status',
    status: 500,
    route: '* /v2/pods/{id}',
    after: 1,
    times: 1,
  });
  const statuses = [];
  for (let count = 0; count < 3; count += 1)
    statuses.push((await call('GET', `/v2/pods/${id}`)).status);
  expect(statuses).toEqual([200, 500, 200]);
  expect(await control.faults()).toMatchObject([{ fired: 1 }]);
  await expect(control.addFault({ kind: 'status', status: 'x' })).rejects.toThrow('400');
});

test('no web page can use the control API', async () => {
  const { emulator } = await start();
  const statusWith = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      request(`${emulator.url}/__emulator/requests`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  expect(await statusWith({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusWith({ host: 'evil.example' })).toBe(403);
  expect(await statusWith({})).toBe(200);
});

test('a log stream sends history, then goes on live, with heartbeats between', async () => {
  const { call, control, emulator } = await start({ heartbeatMs: 10 });
  const created = await call('POST', '/v2/pods', BODY);
  const id = textOf(created.value?.id);
  await control.appendLog(id, ['a', 'b', 'c']);
  const reading = new AbortController();
  const response = await fetch(`${emulator.url}/v2/pods/${id}/logs?source=container&tail=2`, {
    headers: { authorization: 'Bearer key' },
    signal: reading.signal,
  });
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  const readUntil = async (mark: string) => {
    while (!text.includes(mark)) text += new TextDecoder().decode((await reader.read()).value);
  };
  await readUntil('"c"');
  expect(text).not.toContain('"line":"a"');
  await readUntil(':\n\n');
  await control.appendLog(id, ['d']);
  await readUntil('"line":"d"');
  reading.abort();
});
