import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createPod, GPU, graphql, podRecords, readPod, startWithCall } from './client.ts';
import type { Call } from './client.ts';

const ANONYMOUS = { key: null };
const priceSchema = z.object({
  minimumBidPrice: z.number().nullable(),
  uninterruptablePrice: z.number().nullable(),
  stockStatus: z.enum(['Low', 'Medium', 'High']).nullable(),
});
type Price = z.infer<typeof priceSchema> | null;

const PRICE = '{ minimumBidPrice uninterruptablePrice stockStatus }';

/** The answers of one request, by alias, for one GPU type. */
async function prices(
  call: Call,
  id: string,
  inputs: Readonly<Record<string, string>>,
): Promise<Record<string, Price>> {
  const fields = Object.entries(inputs).map(
    ([as, input]) => `${as}: lowestPrice(input: ${input}) ${PRICE}`,
  );
  const query = `{ gpuTypes(input: { id: "${id}" }) { ${fields.join(' ')} } }`;
  const { data } = await graphql(call, query, {}, ANONYMOUS);
  const [gpu] = z.array(z.record(z.string(), priceSchema.nullable())).parse(data?.gpuTypes);
  return gpu ?? {};
}

const RENT = `mutation ($input: PodRentInterruptableInput!) {
  podRentInterruptable(input: $input) { id name costPerHr desiredStatus podType gpuCount machine { dataCenterId } }
}`;
const rentedSchema = z.looseObject({ id: z.string(), costPerHr: z.number() });

function bid(change: object = {}): object {
  const input = {
    bidPerGpu: 0.4,
    gpuTypeId: GPU,
    gpuCount: 2,
    cloudType: 'SECURE',
    name: 'spot',
    imageName: 'i',
  };
  return { input: { ...input, ...change } };
}

describe('a client that asks GraphQL for GPU types', () => {
  it('needs no key, and finds the placeholder of the original among them', async () => {
    const { call } = await startWithCall({ apiKey: 'right' });
    const { data } = await graphql(call, '{ gpuTypes { id } }', {}, ANONYMOUS);
    const ids = z.array(z.object({ id: z.string() })).parse(data?.gpuTypes);
    expect(ids).toContainEqual({ id: GPU });
    expect(ids).toContainEqual({ id: 'unknown' });
  });

  it('prices many offers of the whole pod in one request, by alias', async () => {
    const { call } = await startWithCall();
    const { one, two, community } = await prices(call, GPU, {
      one: '{ gpuCount: 1, secureCloud: true }',
      two: '{ gpuCount: 2, secureCloud: true }',
      community: '{ gpuCount: 1, secureCloud: false }',
    });
    expect(one?.uninterruptablePrice).toBe(0.74);
    expect(two?.uninterruptablePrice).toBe(1.48);
    expect(two?.minimumBidPrice).toBe((one?.minimumBidPrice ?? 0) * 2);
    expect(one?.stockStatus).not.toBeNull();
    if (community?.stockStatus != null) expect(community.uninterruptablePrice).toBe(0.34);
  });

  it('gets nulls where nothing is in stock, and no bid where there is no spot', async () => {
    const { call } = await startWithCall();
    const nothing = { minimumBidPrice: null, uninterruptablePrice: null, stockStatus: null };
    const { gone } = await prices(call, 'Tesla V100-SXM2-32GB', {
      gone: '{ gpuCount: 1, secureCloud: false }',
    });
    expect(gone).toEqual(nothing);
    const { b200 } = await prices(call, 'NVIDIA B200', {
      b200: '{ gpuCount: 1, secureCloud: true }',
    });
    expect(b200).toMatchObject({ minimumBidPrice: null, uninterruptablePrice: 5.98 });
  });

  it('gets an error in a 200 for an input of null', async () => {
    const { call } = await startWithCall();
    const query = `{ gpuTypes(input: { id: "${GPU}" }) { lowestPrice(input: null) ${PRICE} } }`;
    const { status, errors, data } = await graphql(call, query);
    expect(status).toBe(200);
    expect(errors).toHaveLength(1);
    expect(data?.gpuTypes).toEqual([{ lowestPrice: null }]);
  });
});

describe('a client that asks GraphQL wrongly', () => {
  it('gets 400 for a field that does not exist', async () => {
    const { call } = await startWithCall();
    const { status, errors, data } = await graphql(call, '{ myself { clientBalance2 } }');
    expect([status, data]).toEqual([400, undefined]);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining(
        'Cannot query field "clientBalance2" on type "User"',
      ) as string,
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
    });
  });

  it('gets 401 for a key that is not right', async () => {
    const { call } = await startWithCall({ apiKey: 'right' });
    const answer = await call('POST', '/graphql', {
      key: 'wrong',
      body: { query: '{ myself { id } }' },
    });
    expect(answer.status).toBe(401);
  });

  it('learns nothing of an account without a key', async () => {
    const { call } = await startWithCall();
    const { data } = await graphql(call, '{ myself { id clientBalance } }', {}, ANONYMOUS);
    expect(data?.myself ?? null).toBeNull();
  });

  it('gets the balance with one', async () => {
    const { call } = await startWithCall();
    const { data } = await graphql(call, '{ myself { id clientBalance currentSpendPerHr } }');
    expect(data?.myself).toMatchObject({ clientBalance: 100, currentSpendPerHr: 0 });
  });
});

describe('a client that rents by GraphQL', () => {
  it('gets a spot pod at what it bid, which REST shows too', async () => {
    const { call } = await startWithCall();
    const { data } = await graphql(call, RENT, bid());
    expect(data?.podRentInterruptable).toMatchObject({
      name: 'spot',
      costPerHr: 0.8,
      podType: 'INTERRUPTABLE',
      desiredStatus: 'RUNNING',
      gpuCount: 2,
    });
    const { id } = rentedSchema.parse(data?.podRentInterruptable);
    expect(await readPod(call, id)).toMatchObject({ name: 'spot', cost: 0.8 });
  });

  it('is refused in a 200 for too low a bid, and where there is no spot', async () => {
    const { call } = await startWithCall();
    for (const change of [{ bidPerGpu: 0.01 }, { gpuTypeId: 'NVIDIA B200', bidPerGpu: 9 }]) {
      const { status, errors, data } = await graphql(call, RENT, bid(change));
      expect(status).toBe(200);
      expect(errors?.[0]?.message).toMatch(/no longer any instances available/);
      expect(data?.podRentInterruptable).toBeNull();
    }
  });

  it('rents on demand at the list price', async () => {
    const { call } = await startWithCall();
    const { data } = await graphql(
      call,
      `mutation { podFindAndDeployOnDemand(input: { gpuTypeId: "${GPU}", imageName: "i", cloudType: SECURE, env: [{ key: "A", value: "b" }] }) { id costPerHr } }`,
    );
    const { id, costPerHr } = rentedSchema.parse(data?.podFindAndDeployOnDemand);
    expect(costPerHr).toBe(0.74);
    expect((await readPod(call, id)).env).toMatchObject({ A: 'b' });
  });

  it('stops a pod and ends it', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    const stop = 'mutation ($id: String!) { podStop(input: { podId: $id }) { id desiredStatus } }';
    const end = 'mutation ($id: String!) { podTerminate(input: { podId: $id }) }';
    const stopped = await graphql(call, stop, { id });
    expect(stopped.data?.podStop).toEqual({ id, desiredStatus: 'EXITED' });
    expect((await graphql(call, end, { id })).data).toEqual({ podTerminate: null });
    const again = await graphql(call, end, { id });
    expect([again.status, again.errors?.[0]?.message]).toEqual([200, 'pod not found to terminate']);
  });
});

describe('a pod with its own key', () => {
  const END = 'mutation ($id: String!) { podTerminate(input: { podId: $id }) }';

  it('ends itself by GraphQL', async () => {
    const { call } = await startWithCall({ apiKey: 'test-key' });
    const { id, env } = await createPod(call);
    const { data } = await graphql(call, END, { id }, { key: env.RUNPOD_API_KEY ?? '' });
    expect(data).toEqual({ podTerminate: null });
    expect(await podRecords(call)).toMatchObject([{ id, status: 'TERMINATED' }]);
  });

  it('ends no other, and is refused by REST', async () => {
    const { call } = await startWithCall();
    const { env } = await createPod(call);
    const other = await createPod(call);
    const key = env.RUNPOD_API_KEY ?? '';
    const { errors } = await graphql(call, END, { id: other.id }, { key });
    expect(errors).toHaveLength(1);
    expect((await readPod(call, other.id)).status).toBe('RUNNING');
    expect((await call('DELETE', `/v2/pods/${other.id}`, { key })).status).toBe(403);
  });
});
