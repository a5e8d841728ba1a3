import { describe, expect, it } from 'vitest';
import {
  addFault,
  createClock,
  createPod,
  firedOf,
  GPU,
  graphql,
  podBody,
  podRecords,
  readPod,
  startWithCall,
} from './client.ts';
import type { Call } from './client.ts';

const LIST = 'GET /v2/pods';
const CREATE = 'POST /v2/pods';
const NO_CAPACITY = /no longer any instances available/;

/** Whether an answer is still out after a while that a loopback answer never takes. */
async function isUnanswered(call: Call, method: string, target: string, body?: unknown) {
  const signal = AbortSignal.timeout(100);
  const outcome = await call(method, target, { body, signal }).catch((error: unknown) => error);
  return outcome instanceof DOMException && outcome.name === 'TimeoutError';
}

async function create(call: Call, change: object = {}) {
  return call('POST', '/v2/pods', { body: podBody(change) });
}

describe('when a fault fires', () => {
  it('is at its route only', async () => {
    const { call } = await startWithCall();
    const id = await addFault(call, { kind: 'status', status: 503, route: LIST });
    expect((await call('GET', '/v2/pods')).status).toBe(503);
    expect((await call('GET', '/v2/catalog/gpus')).status).toBe(200);
    expect(await firedOf(call, id)).toBe(1);
  });

  it('is at every method of a path', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    await addFault(call, { kind: 'status', status: 503, route: '* /v2/pods/{id}' });
    expect((await call('GET', `/v2/pods/${id}`)).status).toBe(503);
    expect((await call('DELETE', `/v2/pods/${id}`)).status).toBe(503);
    expect((await call('GET', '/v2/pods')).status).toBe(200);
  });

  it('is at one root field of GraphQL', async () => {
    const { call } = await startWithCall();
    await addFault(call, {
      kind: 'status',
      status: 500,
      body: { errors: [] },
      route: 'graphql:myself',
    });
    expect((await graphql(call, '{ myself { id } }')).status).toBe(500);
    expect((await graphql(call, '{ gpuTypes { id } }')).status).toBe(200);
  });

  it('is after those it lets pass, and as often as it says', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'status', status: 500, route: LIST, after: 1, times: 2 });
    const statuses: number[] = [];
    for (let asked = 0; asked < 4; asked += 1)
      statuses.push((await call('GET', '/v2/pods')).status);
    expect(statuses).toEqual([200, 500, 500, 200]);
  });

  it('is by chance, the same chance for the same seed', async () => {
    const runs: number[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const { call } = await startWithCall({ seed: 7 });
      await addFault(call, { kind: 'status', status: 500, route: LIST, probability: 0.5 });
      const statuses: number[] = [];
      for (let asked = 0; asked < 20; asked += 1) {
        statuses.push((await call('GET', '/v2/pods')).status);
      }
      runs.push(statuses);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(new Set(runs[0])).toEqual(new Set([200, 500]));
  });
});

describe('a client under a fault', () => {
  it('status: gets that status, body and headers', async () => {
    const { call } = await startWithCall();
    await addFault(call, {
      kind: 'status',
      status: 502,
      body: { why: 'x' },
      headers: { 'x-why': 'y' },
    });
    const answer = await call('GET', '/v2/pods');
    expect([answer.status, answer.body, answer.headers.get('x-why')]).toEqual([
      502,
      { why: 'x' },
      'y',
    ]);
  });

  it('malformed: gets text that is no JSON in a 200', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'malformed' });
    const { status, body } = await call('GET', '/v2/pods');
    expect([status, typeof body]).toEqual([200, 'string']);
  });

  it('body: gets that JSON in a 200', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'body', body: { pods: 'none' } });
    expect(await call('GET', '/v2/pods')).toMatchObject({ status: 200, body: { pods: 'none' } });
  });

  it('delay: gets the real answer, later', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'delay', ms: 60, times: 1 });
    const startedAt = performance.now();
    expect((await call('GET', '/v2/pods')).status).toBe(200);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(55);
  });

  it('hang: gets no answer, and nothing happened', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'hang', route: CREATE });
    expect(await isUnanswered(call, 'POST', '/v2/pods', podBody())).toBe(true);
    expect(await podRecords(call)).toEqual([]);
  });

  it('reset: loses the connection', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'reset', route: LIST });
    await expect(call('GET', '/v2/pods')).rejects.toThrow();
  });

  it('fail-after-effect: is told of a failure, and has its pod', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'fail-after-effect', route: CREATE });
    expect((await create(call)).status).toBe(500);
    expect(await podRecords(call)).toMatchObject([{ status: 'RUNNING' }]);
  });

  it('hang-after-effect: is told nothing, and has its pod', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'hang-after-effect', route: CREATE });
    expect(await isUnanswered(call, 'POST', '/v2/pods', podBody())).toBe(true);
    expect(await podRecords(call)).toHaveLength(1);
  });

  it('rate-limited: is told to wait', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'rate-limited', retryAfterSeconds: 7, route: LIST });
    const answer = await call('GET', '/v2/pods');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '7']);
  });

  it('unauthorized: is refused with a key that was right before', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'unauthorized', times: 1 });
    expect((await call('GET', '/v2/pods')).status).toBe(401);
    expect((await call('GET', '/v2/pods')).status).toBe(200);
  });

  it('insufficient-balance: cannot rent', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'insufficient-balance', route: CREATE });
    expect((await create(call)).status).toBe(402);
    expect(await podRecords(call)).toEqual([]);
  });

  it('no-capacity: is refused that GPU type, and given another', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'no-capacity', gpuTypeId: GPU });
    const refused = await create(call);
    expect([refused.status, refused.body]).toEqual([
      400,
      expect.objectContaining({ detail: expect.stringMatching(NO_CAPACITY) as string }),
    ]);
    expect((await create(call, { gpu: { id: 'NVIDIA L40S' } })).status).toBe(201);
  });

  it('no-capacity in one data centre: is placed in another', async () => {
    const { call } = await startWithCall();
    const pinned = { gpu: { id: 'NVIDIA A40' }, dataCenterIds: ['EU-SE-1'] };
    expect((await create(call, pinned)).status).toBe(201);
    await addFault(call, { kind: 'no-capacity', dataCenterId: 'EU-SE-1' });
    expect((await create(call, pinned)).status).toBe(400);
    expect((await createPod(call)).dataCenterId).not.toBe('EU-SE-1');
  });

  it('listing-lag: finds its pod by id at once, and in the list later', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    await addFault(call, { kind: 'listing-lag', ms: 3_000 });
    const { id } = await createPod(call);
    expect((await readPod(call, id)).id).toBe(id);
    expect((await call('GET', '/v2/pods')).body).toMatchObject({ pods: [] });
    clock.advance(3_000);
    expect((await call('GET', '/v2/pods')).body).toMatchObject({ pods: [{ id }] });
  });

  it('early-404: finds its pod in the list at once, and by id later', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    await addFault(call, { kind: 'early-404', ms: 3_000 });
    const { id } = await createPod(call);
    expect((await call('GET', `/v2/pods/${id}`)).status).toBe(404);
    expect((await call('GET', '/v2/pods')).body).toMatchObject({ pods: [{ id }] });
    clock.advance(3_000);
    expect((await call('GET', `/v2/pods/${id}`)).status).toBe(200);
  });

  it('graphql-gone: finds GraphQL at its end, and REST as ever', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'graphql-gone' });
    const answer = await call('POST', '/graphql', { body: { query: '{ gpuTypes { id } }' } });
    expect(answer.status).toBe(410);
    expect((await call('GET', '/v2/pods')).status).toBe(200);
  });
});
