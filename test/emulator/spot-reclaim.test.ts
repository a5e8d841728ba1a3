import { describe, expect, it } from 'vitest';
import { addFault, createPod, GPU, graphql, podRecords, readPod, startWithCall } from './client.ts';
import type { Call } from './client.ts';

describe('the owner of a spot pod that is reclaimed', () => {
  async function rentSpot(call: Call): Promise<string> {
    const input = `{ bidPerGpu: 0.5, gpuTypeId: "${GPU}", cloudType: SECURE, name: "spot", imageName: "i" }`;
    await graphql(call, `mutation { podRentInterruptable(input: ${input}) { id } }`);
    const [spot] = (await podRecords(call)).filter(({ name }) => name === 'spot');
    return spot?.id ?? '';
  }

  it('finds it EXITED, and on-demand pods as they were', async () => {
    const { call } = await startWithCall();
    const kept = await createPod(call);
    const spot = await rentSpot(call);
    await addFault(call, { kind: 'spot-reclaim' });
    expect((await readPod(call, spot)).status).toBe('EXITED');
    expect((await readPod(call, kept.id)).status).toBe('RUNNING');
  });

  it('finds it gone, and no longer charged for', async () => {
    const { call } = await startWithCall();
    const spot = await rentSpot(call);
    await addFault(call, { kind: 'spot-reclaim', podId: spot, mode: 'vanish' });
    expect((await call('GET', `/v2/pods/${spot}`)).status).toBe(404);
    const { data } = await graphql(call, '{ myself { currentSpendPerHr } }');
    expect(data?.myself).toEqual({ currentSpendPerHr: 0 });
  });

  it('keeps another one', async () => {
    const { call } = await startWithCall();
    const spot = await rentSpot(call);
    await addFault(call, { kind: 'spot-reclaim', podId: 'another' });
    expect((await readPod(call, spot)).status).toBe('RUNNING');
  });
});
