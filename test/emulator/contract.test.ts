/** The emulator against RunPod's official contract. Skipped where that is not at hand. */
import { describe, expect, it } from 'vitest';
import { loadContract } from '../support/openapi.ts';
import type { Contract, ContractRequest } from '../support/openapi.ts';
import { addFault, createPod, GPU, podBody, startWithCall } from './client.ts';
import type { Call } from './client.ts';
import { OVERLAY } from './contract-overlay.ts';

const contract = loadContract();
const title = contract
  ? "RunPod's contract of 2026-08-18"
  : "RunPod's contract (skipped: no ../shared/runpod/rest-v2.openapi.json, nor RUNPOD_REFERENCE_DIR)";

const AUTHORIZED = { authorization: 'Bearer key' };
const STOCK = 'include=AVAILABILITY&product=POD';
const GPU_PATH = `/v2/catalog/gpus/${encodeURIComponent(GPU)}`;

/** Within the suites, which are skipped where it is null. */
function known(): Contract {
  if (contract === null) throw new Error('the suite should have been skipped');
  return contract;
}

/** A status and what the contract has against the answer; both sides of one comparison. */
interface Verdict {
  readonly status: number;
  readonly faults: readonly string[];
}

function judgeWith(call: Call) {
  return async (method: string, target: string, body?: unknown): Promise<Verdict> => {
    const answer = await call(method, target, body === undefined ? {} : { body });
    const [path = ''] = target.split('?');
    const told = { method, path, status: answer.status, body: answer.body };
    return { status: answer.status, faults: known().checkAnswer(told) };
  };
}

describe.skipIf(contract === null)(title, () => {
  const fine = (status: number): Verdict => ({ status, faults: [] });

  it.each([
    '/v2/catalog/gpus',
    `/v2/catalog/gpus?${STOCK}`,
    `/v2/catalog/gpus?${STOCK}&count=8&cloud=COMMUNITY`,
    GPU_PATH,
    `${GPU_PATH}?${STOCK}`,
    '/v2/catalog/datacenters',
    '/v2/catalog/datacenters?include=GPU_AVAILABILITY&regions=EUROPE',
    '/v2/pods',
    '/v2/pods?limit=1',
    '/v2/billing/pods',
    '/v2/billing/pods?bucketSize=hour&lastN=3',
  ])('allows what the emulator answers to GET %s', async (target) => {
    const { call } = await startWithCall();
    await createPod(call);
    await createPod(call);
    expect(await judgeWith(call)('GET', target)).toEqual(fine(200));
  });

  it('allows a pod in each of its states', async () => {
    const { call } = await startWithCall({ provisioningMs: 30, startingMs: 0 });
    const judge = judgeWith(call);
    const ports = ['22/tcp', '8888/http'];
    const body = podBody({ ports, mounts: { persistent: { size: 10, path: '/w' } } });
    expect(await judge('POST', '/v2/pods', body)).toEqual(fine(201));
    const { id } = await createPod(call, { ports });
    const path = `/v2/pods/${id}`;
    expect(await judge('GET', path)).toEqual(fine(200));
    for (const action of ['stop', 'start', 'stop']) {
      expect(await judge('POST', `${path}/action`, { action })).toEqual(fine(200));
    }
    expect(await judge('POST', `${path}/action`, { action: 'restart' })).toEqual(fine(409));
    expect(await judge('POST', `${path}/action`, { action: 'terminate' })).toEqual(fine(204));
    expect(await judge('DELETE', path)).toEqual(fine(404));
  });

  it('allows a pod that runs', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call, { ports: ['22/tcp', '8888/http'] });
    const judge = judgeWith(call);
    await expect
      .poll(() => call('GET', `/v2/pods/${id}`), { timeout: 5_000 })
      .toMatchObject({ body: { runtime: { uptime: expect.any(Number) as number } } });
    expect(await judge('GET', `/v2/pods/${id}`)).toEqual(fine(200));
    expect(await judge('DELETE', `/v2/pods/${id}`)).toEqual(fine(204));
  });

  it.each([
    ['GET', '/v2/catalog/gpus?include=AVAILABILITY', 400, undefined],
    ['GET', '/v2/catalog/gpus/none', 404, undefined],
    ['GET', '/v2/pods/none', 404, undefined],
    ['GET', '/v2/pods/none/logs', 404, undefined],
    ['POST', '/v2/pods', 400, podBody({ gpu: { id: GPU, count: 99 } })],
    ['POST', '/v2/pods', 400, '{'],
    ['POST', '/v2/pods', 413, podBody({ args: 'x'.repeat(102_400) })],
    ['POST', '/v2/pods', 422, podBody({ bogus: true })],
    ['POST', '/v2/pods/none/action', 422, { action: 'none' }],
  ])('allows the problem that %s %s answers with %i', async (method, target, status, body) => {
    const { call } = await startWithCall();
    expect(await judgeWith(call)(method, target, body)).toEqual(fine(status));
  });

  it('allows the problems of want of a key, credit or patience', async () => {
    const limited = await startWithCall({ rateLimit: { perMinute: 1, perHour: 9, perDay: 9 } });
    const { call } = limited;
    const judge = judgeWith(call);
    const unauthorized = await addFault(call, { kind: 'unauthorized' });
    expect(await judge('GET', '/v2/pods')).toEqual(fine(401));
    await call('DELETE', `/__emulator/faults/${unauthorized}`);
    await addFault(call, { kind: 'insufficient-balance', route: 'POST /v2/pods' });
    expect(await judge('POST', '/v2/pods', podBody())).toEqual(fine(402));
    expect(await judge('GET', '/v2/pods')).toEqual(fine(200));
    expect(await judge('GET', '/v2/pods')).toEqual(fine(429));
  });

  it('is deviated from in a few named ways, each with its source', () => {
    expect(OVERLAY.length).toBeLessThanOrEqual(6);
    expect(OVERLAY.every(({ name, source }) => name !== '' && source !== '')).toBe(true);
  });
});

describe.skipIf(contract === null)('the check of requests', () => {
  const check = (request: Partial<ContractRequest>): string[] =>
    known().checkRequest({
      method: 'GET',
      path: '/v2/pods',
      headers: AUTHORIZED,
      ...request,
    });

  it('passes requests that are right', () => {
    const events = '2026-06-01T12:02:03.123Z/000000000001';
    const right: Partial<ContractRequest>[] = [
      {},
      { query: { limit: '1000', cursor: 'x' } },
      {
        path: '/v2/catalog/gpus',
        query: { include: 'AVAILABILITY', product: 'POD', count: '2', cloud: 'SECURE' },
      },
      { path: GPU_PATH },
      { method: 'DELETE', path: '/v2/pods/abc' },
      { method: 'POST', body: podBody({ cmd: ['python3'], entrypoint: ['env'] }) },
      { method: 'POST', body: podBody({ gpu: { id: GPU, count: 1, minRamPerGpu: 8 } }) },
      { method: 'POST', path: '/v2/pods/abc/action', body: { action: 'stop' } },
      { path: '/v2/pods/abc/logs', query: { source: 'container', tail: '0' } },
      { path: '/v2/pods/abc/logs', headers: { ...AUTHORIZED, 'last-event-id': events } },
    ];
    expect(right.map(check)).toEqual(right.map(() => []));
  });

  it.each<[string, Partial<ContractRequest>, RegExp]>([
    ['a path that does not exist', { path: '/v2/none' }, /path/],
    ['a method that the path does not have', { method: 'PUT' }, /method/],
    ['no bearer token', { headers: {} }, /authorization/],
    ['a parameter that would be ignored', { query: { bogus: '1' } }, /query bogus/],
    ['a number out of bounds', { query: { limit: '1001' } }, /query limit/],
    ['a word for a number', { query: { limit: 'all' } }, /query limit/],
    ['a word that is no choice', { path: GPU_PATH, query: { cloud: 'PRIVATE' } }, /query cloud/],
    [
      'a wrong item of a list',
      { path: GPU_PATH, query: { product: 'POD,PUD' } },
      /query product\/1/,
    ],
    [
      'a cursor that is no event id',
      { path: '/v2/pods/abc/logs', headers: { ...AUTHORIZED, 'last-event-id': '17' } },
      /header Last-Event-ID/,
    ],
    ['no body', { method: 'POST' }, /body: is missing/],
    ['a body where there is none', { body: {} }, /body/],
    ['a field that does not exist', { method: 'POST', body: podBody({ bogus: 1 }) }, /bogus/],
    [
      'a field within that does not exist',
      { method: 'POST', body: podBody({ gpu: { id: GPU, n: 1 } }) },
      /"n"/,
    ],
    ['a field of a wrong type', { method: 'POST', body: podBody({ disk: '50' }) }, /body\/disk/],
    ['a field that is missing', { method: 'POST', body: { name: 'n', gpu: { id: GPU } } }, /image/],
  ])('tells of %s', (_what, request, says) => {
    expect(check(request).join('\n')).toMatch(says);
  });
});

describe.skipIf(contract === null)('the check of answers', () => {
  const check = (status: number, body: unknown, path = '/v2/catalog/datacenters'): string[] =>
    known().checkAnswer({ method: 'GET', path, status, body });
  const center = {
    id: 'A',
    name: 'A',
    region: 'EUROPE',
    networkVolumeTypes: [],
    compliance: [],
    globalNetwork: false,
  };

  it('passes an answer that is right', () => {
    expect(check(200, { dataCenters: [center] })).toEqual([]);
  });

  it.each<[string, number, unknown, RegExp]>([
    ['no body', 200, undefined, /must be object/],
    ['a missing field', 200, {}, /dataCenters/],
    ['a wrong type', 200, { dataCenters: 'none' }, /must be array/],
    ['a word that is no choice', 200, { dataCenters: [{ ...center, region: 'MOON' }] }, /region/],
    ['a field that the contract does not know', 200, { dataCenters: [{ ...center, x: 1 }] }, /"x"/],
    ['a problem without its title', 404, { status: 404, detail: 'd' }, /title/],
    [
      'a problem with a field of its own',
      500,
      { title: 't', status: 500, detail: 'd', x: 1 },
      /"x"/,
    ],
  ])('tells of %s', (_what, status, body, says) => {
    expect(check(status, body).join('\n')).toMatch(says);
  });

  it('tells of a body where there is none', () => {
    const answer = { method: 'DELETE', path: '/v2/pods/a', status: 204 };
    expect(known().checkAnswer(answer)).toEqual([]);
    expect(known().checkAnswer({ ...answer, body: {} })).toHaveLength(1);
  });
});
