import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  createClock,
  createPod,
  GPU,
  graphql,
  podBody,
  podRecords,
  readPod,
  startWithCall,
} from './client.ts';
import type { Call } from './client.ts';

const HOUR_MS = 3_600_000;
const listSchema = z.object({
  pods: z.array(z.looseObject({ id: z.string() })),
  pagination: z.object({ nextCursor: z.string().nullable(), hasNextPage: z.boolean() }),
});

async function listPods(call: Call, query = '') {
  return listSchema.parse((await call('GET', `/v2/pods${query}`)).body);
}

function act(call: Call, id: string, action: string) {
  return call('POST', `/v2/pods/${id}/action`, { body: { action } });
}

describe("a pod's life", () => {
  it('goes from PROVISIONING to STARTING to RUNNING, and only then has a runtime', async () => {
    const clock = createClock();
    const { call } = await startWithCall({
      now: clock.now,
      provisioningMs: 1_000,
      startingMs: 2_000,
    });
    const created = await createPod(call);
    expect(created).toMatchObject({ status: 'PROVISIONING', runtime: null, startedAt: null });
    clock.advance(1_000);
    expect(await readPod(call, created.id)).toMatchObject({ status: 'STARTING', runtime: null });
    clock.advance(2_000);
    expect(await readPod(call, created.id)).toMatchObject({ status: 'RUNNING', runtime: null });
    clock.advance(10_000);
    expect(await readPod(call, created.id)).toMatchObject({
      status: 'RUNNING',
      runtime: { gpus: [{ util: 0, memoryUtil: 0 }] },
    });
  });

  it('echoes what was asked for, and what was injected into its environment', async () => {
    const { call } = await startWithCall();
    const pod = await createPod(call, {
      name: 'mine',
      env: { MODEL: 'm' },
      ports: ['8888/http'],
      disk: 30,
      gpu: { id: GPU, count: 2 },
      dataCenterIds: ['EU-RO-1'],
      mounts: { persistent: { size: 20, path: '/workspace' } },
    });
    expect(pod).toMatchObject({
      name: 'mine',
      disk: 30,
      ports: ['8888/http'],
      gpu: { id: GPU, count: 2 },
      dataCenterId: 'EU-RO-1',
      cost: 1.48,
      mounts: { persistent: { size: 20, path: '/workspace' } },
      env: { MODEL: 'm', RUNPOD_POD_ID: pod.id, RUNPOD_DC_ID: 'EU-RO-1', RUNPOD_GPU_COUNT: '2' },
    });
    expect(pod.env.RUNPOD_API_KEY).toBeTruthy();
  });

  it('allows each status its actions, and answers 409 to the others', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    expect(await readPod(call, id)).toMatchObject({ actions: ['stop', 'restart', 'terminate'] });
    expect((await act(call, id, 'start')).status).toBe(409);
    expect((await act(call, id, 'restart')).status).toBe(200);
    expect((await act(call, id, 'stop')).body).toMatchObject({
      status: 'EXITED',
      actions: ['start', 'terminate'],
      runtime: null,
    });
    expect((await act(call, id, 'stop')).status).toBe(409);
    expect((await act(call, id, 'restart')).status).toBe(409);
    expect((await act(call, id, 'start')).body).toMatchObject({ status: 'RUNNING' });
    expect((await act(call, id, 'terminate')).status).toBe(204);
    expect((await act(call, id, 'terminate')).status).toBe(404);
  });

  it('is over with DELETE: 204, then 404, and gone from the list', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    const deleted = await call('DELETE', `/v2/pods/${id}`);
    expect([deleted.status, deleted.body]).toEqual([204, undefined]);
    expect((await call('GET', `/v2/pods/${id}`)).status).toBe(404);
    expect((await call('DELETE', `/v2/pods/${id}`)).status).toBe(404);
    expect((await listPods(call)).pods).toEqual([]);
  });

  it('is stopped while it boots', async () => {
    const { call } = await startWithCall({ provisioningMs: 60_000 });
    const { id } = await createPod(call);
    expect((await act(call, id, 'restart')).status).toBe(409);
    expect((await act(call, id, 'stop')).body).toMatchObject({ status: 'EXITED' });
  });
});

describe('what a pod costs', () => {
  it('accrues by the clock from its creation to its termination', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    const { id } = await createPod(call);
    clock.advance(2 * HOUR_MS);
    const [running] = await podRecords(call);
    expect(running).toMatchObject({ id, name: 'a-pod', status: 'RUNNING', terminatedAt: null });
    expect(running?.usdAccrued).toBeCloseTo(1.48);
    await call('DELETE', `/v2/pods/${id}`);
    clock.advance(HOUR_MS);
    const [ended] = await podRecords(call);
    expect(ended).toMatchObject({ status: 'TERMINATED', terminatedAt: '2026-11-01T14:00:00.000Z' });
    expect(ended?.usdAccrued).toBeCloseTo(1.48);
  });

  it('is not charged for a GPU while it is stopped', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    const { id } = await createPod(call);
    clock.advance(HOUR_MS);
    await act(call, id, 'stop');
    clock.advance(HOUR_MS);
    await act(call, id, 'start');
    clock.advance(HOUR_MS);
    expect((await podRecords(call))[0]?.usdAccrued).toBeCloseTo(1.48);
  });

  it('lowers the balance, until no further pod is to be had', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    await createPod(call, { gpu: { id: GPU, count: 8 } });
    const query = '{ myself { clientBalance currentSpendPerHr } }';
    clock.advance(10 * HOUR_MS);
    const { data } = await graphql(call, query);
    expect(data?.myself).toEqual({
      clientBalance: expect.closeTo(40.8) as number,
      currentSpendPerHr: expect.closeTo(5.92) as number,
    });
    clock.advance(7 * HOUR_MS);
    const refused = await call('POST', '/v2/pods', { body: podBody() });
    expect(refused.status).toBe(402);
    expect(refused.body).toMatchObject({ title: 'Payment Required', status: 402 });
  });

  it('is told by the billing route, for one pod or all', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    const { id } = await createPod(call);
    await createPod(call);
    clock.advance(HOUR_MS);
    const { body } = await call('GET', `/v2/billing/pods?podId=${id}&bucketSize=day`);
    expect(body).toMatchObject({
      metadata: {
        uniquePodCount: 1,
        totals: { totalAmount: expect.closeTo(0.74) as number },
        query: { podId: id, bucketSize: 'day' },
      },
    });
    const all = await call('GET', '/v2/billing/pods');
    expect(all.body).toMatchObject({
      metadata: { totals: { totalAmount: expect.closeTo(1.48) as number } },
    });
  });

  it('is not asked for by range and by number of buckets at once', async () => {
    const { call } = await startWithCall();
    const query = 'lastN=1&startTime=2026-11-01T00:00:00Z';
    expect((await call('GET', `/v2/billing/pods?${query}`)).status).toBe(400);
  });
});

describe('a client that lists pods by page', () => {
  it('gets each pod once, and a cursor as long as there is more', async () => {
    const { call } = await startWithCall();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await createPod(call)).id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '?limit=2' : `?limit=2&cursor=${cursor}`;
      const page = await listPods(call, query);
      expect(page.pods.length).toBeLessThanOrEqual(2);
      expect(page.pagination.hasNextPage).toBe(page.pagination.nextCursor !== null);
      seen.push(...page.pods.map(({ id }) => id));
      cursor = page.pagination.nextCursor;
    }
    expect(seen).toEqual(ids);
  });
});
