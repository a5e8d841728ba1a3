/** Rules of the original that a client only meets at the edges. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { addFault, createPod, GPU, graphql, podBody, startWithCall } from './client.ts';

const STOCK = '/v2/catalog/gpus?include=AVAILABILITY&product=POD';
const listSchema = z.object({
  pods: z.array(z.looseObject({ id: z.string() })),
  pagination: z.object({ nextCursor: z.string().nullable() }),
});

describe('the fine points', () => {
  it('a lister whose cursor pod ended meanwhile repeats no pod', async () => {
    const { call } = await startWithCall();
    await createPod(call);
    const second = await createPod(call);
    const third = await createPod(call);
    const first = listSchema.parse((await call('GET', '/v2/pods?limit=2')).body);
    await call('DELETE', `/v2/pods/${second.id}`);
    const rest = await call('GET', `/v2/pods?cursor=${first.pagination.nextCursor ?? ''}`);
    expect(listSchema.parse(rest.body).pods.map(({ id }) => id)).toEqual([third.id]);
  });

  it('the key of a pod that ended is nobody’s, even where any key will do', async () => {
    const { call } = await startWithCall();
    const { id, env } = await createPod(call);
    await call('DELETE', `/v2/pods/${id}`);
    expect((await call('GET', '/v2/pods', { key: env.RUNPOD_API_KEY ?? '' })).status).not.toBe(200);
  });

  it('a bill of last year holds nothing of today', async () => {
    const { call } = await startWithCall();
    await createPod(call);
    const range = 'startTime=2025-01-01T00:00:00Z&endTime=2025-01-02T00:00:00Z';
    const { body } = await call('GET', `/v2/billing/pods?${range}`);
    expect(body).toMatchObject({ records: [], metadata: { totals: { totalAmount: 0 } } });
  });

  it.each([
    ['no-capacity', {}],
    ['listing-lag', { ms: 1 }],
    ['early-404', { ms: 1 }],
    ['sse-cut', { afterLines: 1 }],
    ['sse-duplicate', { every: 1 }],
    ['sse-drop', { every: 1 }],
    ['graphql-gone', {}],
  ])('%s is asked for a number of times', async (kind, fields) => {
    const { call } = await startWithCall();
    const body = { kind, ...fields, times: 1 };
    expect((await call('POST', '/__emulator/faults', { body })).status).toBe(201);
  });

  it('a fault at a misspelt route, which would never fire, is refused', async () => {
    const { call } = await startWithCall();
    const body = { kind: 'hang', route: 'GET /v2/pdos' };
    expect((await call('POST', '/__emulator/faults', { body })).status).toBe(400);
  });

  it('want of credit keeps nobody from reading', async () => {
    const { call } = await startWithCall();
    await addFault(call, { kind: 'insufficient-balance' });
    expect((await call('GET', '/v2/pods')).status).toBe(200);
  });

  it.each([
    ['both CUDA filters', `${STOCK}&minCudaVersion=12.0&cudaVersions=12.8`, 400],
    ['a bare major as CUDA floor', `${STOCK}&minCudaVersion=12`, 200],
    ['a region that does not exist', '/v2/catalog/datacenters?regions=MOON', 422],
    ['a cursor that was never given', '/v2/pods?cursor=never', 400],
  ])('a reader with %s is answered as the contract says', async (_what, target, status) => {
    const { call } = await startWithCall();
    expect((await call('GET', target)).status).toBe(status);
  });

  it('a type that is nowhere in the named countries is left out of the list', async () => {
    const { call } = await startWithCall();
    const { body } = await call('GET', `${STOCK}&countryCodes=JP`);
    const { gpus } = z
      .object({ gpus: z.array(z.looseObject({ availability: z.string() })) })
      .parse(body);
    expect(gpus.every(({ availability }) => availability !== 'NONE')).toBe(true);
  });

  it.each([
    [
      'both CUDA constraints',
      { gpu: { id: GPU, minCudaVersion: '12.0', allowedCudaVersions: ['12.8'] } },
    ],
    ['a host that does not exist', { gpu: { id: GPU, minRamPerGpu: 10_000 } }],
    [
      'both kinds of mounts',
      {
        mounts: {
          persistent: { size: 10, path: '/a' },
          network: [{ volumeId: 'v', path: '/b' }],
        },
      },
    ],
  ])('a create with %s is refused with 400', async (_what, change) => {
    const { call } = await startWithCall();
    expect((await call('POST', '/v2/pods', { body: podBody(change) })).status).toBe(400);
  });

  it('an input of null fails with the code of the original', async () => {
    const { call } = await startWithCall();
    const { errors } = await graphql(
      call,
      `{ gpuTypes(input: { id: "${GPU}" }) { lowestPrice(input: null) { stockStatus } } }`,
    );
    expect(errors?.[0]?.extensions?.code).toBe('INTERNAL_SERVER_ERROR');
  });
});
