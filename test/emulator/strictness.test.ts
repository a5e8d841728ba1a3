import { describe, expect, it } from 'vitest';
import { GPU, podBody, startWithCall } from './client.ts';
import type { Answer } from './client.ts';

const NO_CAPACITY =
  'There are no longer any instances available with the requested specifications. Please refresh and try again.';

function expectProblem(answer: Answer, status: number, detail?: string, errors?: string[]): void {
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body).toMatchObject({
    status,
    ...(detail !== undefined && { detail }),
    ...(errors && { errors }),
  });
}

describe('a client without a right key', () => {
  it('is told that the token is missing', async () => {
    const { call } = await startWithCall();
    expectProblem(await call('GET', '/v2/pods', { key: null }), 401, 'missing bearer token');
  });

  it('is refused where the emulator has one key only', async () => {
    const { call } = await startWithCall({ apiKey: 'right' });
    expectProblem(await call('GET', '/v2/pods', { key: 'wrong' }), 401);
    expect((await call('GET', '/v2/pods', { key: 'right' })).status).toBe(200);
  });
});

describe('a client with a wrong target', () => {
  it('gets 404 for an unknown path', async () => {
    const { call } = await startWithCall();
    expectProblem(await call('GET', '/v2/nothing'), 404);
  });

  it('gets 405 and the methods there are', async () => {
    const { call } = await startWithCall();
    const answer = await call('PUT', '/v2/pods');
    expectProblem(answer, 405);
    expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(['GET', 'POST']);
  });
});

describe('a client with wrong query parameters', () => {
  it.each([
    ['include without product', 'include=AVAILABILITY', 400],
    ['product without include', 'product=POD', 400],
    ['count without include', 'count=2', 400],
    ['cloud without include', 'cloud=SECURE', 400],
    ['an include that does not exist', 'include=PRICES&product=POD', 422],
    ['a count that is no number', 'include=AVAILABILITY&product=POD&count=two', 422],
    ['a count below one', 'include=AVAILABILITY&product=POD&count=0', 422],
    ['a cloud that does not exist', 'include=AVAILABILITY&product=POD&cloud=PRIVATE', 422],
  ])('is refused: %s', async (_what, query, status) => {
    const { call } = await startWithCall();
    expectProblem(await call('GET', `/v2/catalog/gpus?${query}`), status);
  });

  it('is served where it names parameters that do not exist: they are ignored', async () => {
    const { call } = await startWithCall();
    expect((await call('GET', '/v2/catalog/gpus?bogus=1')).status).toBe(200);
  });

  it('gets 422 for a page size beyond a thousand', async () => {
    const { call } = await startWithCall();
    expectProblem(await call('GET', '/v2/pods?limit=1001'), 422);
    expectProblem(await call('GET', '/v2/pods?limit=0'), 422);
  });
});

describe('a client that creates a pod with a wrong body', () => {
  const create = async (body: unknown): Promise<Answer> => {
    const { call } = await startWithCall();
    return call('POST', '/v2/pods', { body });
  };

  it('is told the fields that do not exist, in the words of the original', async () => {
    expectProblem(await create(podBody({ bogus: 1 })), 422, 'Request validation failed.', [
      "$: additional properties 'bogus' not allowed",
    ]);
  });

  it('is told every fault at once', async () => {
    const faults = ["$: missing property 'name'", '$.gpu.count: got string, want number'];
    const body = { image: 'i', gpu: { id: GPU, count: '1' } };
    expectProblem(await create(body), 422, undefined, faults);
  });

  it('is told that the image is missing', async () => {
    const body = { name: 'n', gpu: { id: GPU } };
    expectProblem(await create(body), 422, undefined, ["$: missing property 'image'"]);
  });

  it('is told which actions there are', async () => {
    const { call } = await startWithCall();
    const answer = await call('POST', '/v2/pods/any/action', { body: { action: 'explode' } });
    expectProblem(answer, 422, 'Request validation failed.', [
      "$.action: value must be one of 'start', 'stop', 'restart', 'terminate'",
    ]);
  });

  it('gets 400 for text that is not JSON', async () => {
    expectProblem(await create('{'), 400);
  });

  it('gets 413 for more than 102,400 bytes', async () => {
    expectProblem(await create(podBody({ args: 'x'.repeat(102_400) })), 413);
  });

  it.each([
    ['neither gpu nor cpu', { gpu: undefined }],
    ['both gpu and cpu', { cpu: { id: 'cpu5c', vcpuCount: 4 } }],
    ['a CPU pod', { gpu: undefined, cpu: { id: 'cpu5c', vcpuCount: 4 } }],
    ['a GPU type that does not exist', { gpu: { id: 'none' } }],
  ])('gets 400 for %s', async (_what, change) => {
    expectProblem(await create(podBody(change)), 400);
  });

  it.each([
    ['more GPUs than any machine has', { gpu: { id: GPU, count: 9 } }],
    ['a cloud that does not have the type', { gpu: { id: 'NVIDIA A40' }, cloud: 'COMMUNITY' }],
    ['a type that is sold out', { gpu: { id: 'Tesla V100-SXM2-32GB' }, cloud: 'COMMUNITY' }],
    ['a data centre that does not exist', { dataCenterIds: ['XX-NO-1'] }],
    ['a CUDA version that no machine has', { gpu: { id: GPU, minCudaVersion: '99.0' } }],
  ])('is told that there is no capacity for %s', async (_what, change) => {
    expectProblem(await create(podBody(change)), 400, NO_CAPACITY);
  });

  it('is refused more than fifty variables', async () => {
    const env = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`V${index}`, 'v']));
    expect((await create(podBody({ env }))).status).toBeOneOf([400, 422]);
  });
});

describe('a client that uses what RunPod added in 2026-09', () => {
  it('creates a pod by an exec-form command, with floors for the host', async () => {
    const { call } = await startWithCall();
    const body = podBody({
      cmd: ['python3', '-m', 'train'],
      entrypoint: ['/usr/bin/env'],
      gpu: { id: GPU, minCudaVersion: '12.8', minRamPerGpu: 16, minVcpuCountPerGpu: 4 },
    });
    expect((await call('POST', '/v2/pods', { body })).status).toBe(201);
  });
});
