import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { callerOf, createClock, GPU, startEmulator, startWithCall } from './client.ts';
import type { Call } from './client.ts';

const STOCK = 'include=AVAILABILITY&product=POD';
const RANK = ['NONE', 'LOW', 'MEDIUM', 'HIGH'];

const level = z.enum(['NONE', 'LOW', 'MEDIUM', 'HIGH']);
const gpuSchema = z.looseObject({
  id: z.string(),
  manufacturer: z.string(),
  secure: z.boolean(),
  community: z.boolean(),
  price: z.object({ secure: z.number(), community: z.number() }),
  maxCount: z.object({ secure: z.number(), community: z.number() }),
  availability: level.optional(),
  dataCenters: z
    .array(z.object({ id: z.string(), name: z.string(), availability: level }))
    .optional(),
  cudaVersions: z.array(z.object({ version: z.string(), available: z.boolean() })).optional(),
});
type Gpu = z.infer<typeof gpuSchema>;

async function listGpus(call: Call, query = ''): Promise<Gpu[]> {
  const { body } = await call('GET', `/v2/catalog/gpus?${query}`);
  return z.object({ gpus: z.array(gpuSchema) }).parse(body).gpus;
}

function byId(gpus: readonly Gpu[], id: string): Gpu {
  const found = gpus.find((gpu) => gpu.id === id);
  if (found === undefined) throw new Error(`no ${id}`);
  return found;
}

describe('a client that lists GPU types', () => {
  it('gets about forty of them, at the prices that were observed', async () => {
    const { call } = await startWithCall();
    const gpus = await listGpus(call);
    expect(gpus.length).toBeGreaterThanOrEqual(40);
    expect(new Set(gpus.map(({ id }) => id)).size).toBe(gpus.length);
    expect(byId(gpus, GPU).price).toEqual({ secure: 0.74, community: 0.34 });
    expect(byId(gpus, 'NVIDIA GeForce RTX 5090').price).toEqual({ secure: 0.99, community: 0.69 });
    expect(byId(gpus, 'NVIDIA B300 SXM6 AC').price.secure).toBe(7.39);
    expect(gpus.some(({ id }) => id === 'unknown')).toBe(false);
  });

  it('finds types of one cloud only, with a stale price kept for the other', async () => {
    const { call } = await startWithCall();
    const gpus = await listGpus(call);
    expect(byId(gpus, 'NVIDIA A40')).toMatchObject({ secure: true, community: false });
    expect(byId(gpus, 'NVIDIA GeForce RTX 4080')).toMatchObject({ secure: false, community: true });
    expect(byId(gpus, 'AMD Instinct MI300X OAM')).toMatchObject({
      manufacturer: 'AMD',
      community: false,
      price: { community: 0.5 },
      maxCount: { community: 0 },
    });
  });

  it('gets stock only when it asks for it', async () => {
    const { call } = await startWithCall();
    const [plain, stocked] = [await listGpus(call), await listGpus(call, STOCK)];
    expect(plain.every((gpu) => gpu.availability === undefined && !gpu.dataCenters)).toBe(true);
    expect(stocked.every((gpu) => gpu.availability !== undefined)).toBe(true);
  });

  it('finds the best of the data centres as the stock, and none named where there is none', async () => {
    const { call } = await startWithCall();
    const gpus = await listGpus(call, STOCK);
    for (const { availability = 'NONE', dataCenters } of gpus) {
      const ranks = (dataCenters ?? []).map((center) => RANK.indexOf(center.availability));
      expect(RANK.indexOf(availability)).toBe(Math.max(0, ...ranks));
      expect(dataCenters === undefined).toBe(availability === 'NONE');
    }
    expect(gpus.some(({ availability }) => availability === 'NONE')).toBe(true);
  });

  it('gets CUDA versions of NVIDIA types and none of AMD ones', async () => {
    const { call } = await startWithCall();
    const gpus = await listGpus(call, STOCK);
    expect(byId(gpus, GPU).cudaVersions).toContainEqual({ version: '12.8', available: true });
    expect(byId(gpus, 'AMD Instinct MI300X OAM').cudaVersions).toBeUndefined();
  });

  it('never finds more stock for a larger pod', async () => {
    const { call } = await startWithCall();
    const lists = await Promise.all(
      [1, 2, 4, 8].map((count) => listGpus(call, `${STOCK}&count=${count}`)),
    );
    for (const { id } of lists[0] ?? []) {
      const ranks = lists.map((gpus) => RANK.indexOf(byId(gpus, id).availability ?? 'NONE'));
      expect(ranks).toEqual(ranks.toSorted((a, b) => b - a));
    }
  });

  it('reads one type by its id, and 404 for one that does not exist', async () => {
    const { call } = await startWithCall();
    const one = await call('GET', `/v2/catalog/gpus/${encodeURIComponent(GPU)}?${STOCK}`);
    expect(one.body).toMatchObject({ id: GPU, name: 'RTX 4090' });
    expect((await call('GET', '/v2/catalog/gpus/none')).status).toBe(404);
  });
});

describe('stock', () => {
  it('is the same for the same seed and minute, and another for another of either', async () => {
    const clock = createClock();
    const [a, b, c] = await Promise.all(
      [1, 1, 2].map((seed) => startEmulator({ seed, now: clock.now })),
    );
    if (!a || !b || !c) throw new Error('no emulator');
    const first = await listGpus(callerOf(a), STOCK);
    expect(await listGpus(callerOf(b), STOCK)).toEqual(first);
    expect(await listGpus(callerOf(c), STOCK)).not.toEqual(first);
    clock.advance(60_000);
    expect(await listGpus(callerOf(a), STOCK)).not.toEqual(first);
  });

  it('always has an RTX 4090 in EU-RO-1, up to eight in one pod', async () => {
    const clock = createClock();
    const { call } = await startWithCall({ now: clock.now });
    for (let minute = 0; minute < 30; minute += 1) {
      const gpu = byId(await listGpus(call, `${STOCK}&count=8`), GPU);
      expect(gpu.dataCenters?.map(({ id }) => id)).toContain('EU-RO-1');
      clock.advance(60_000);
    }
  });
});

describe('a client that lists data centres', () => {
  const centersSchema = z.object({
    dataCenters: z.array(z.looseObject({ id: z.string(), region: z.string() })),
  });

  async function listCenters(call: Call, query: string) {
    const { body } = await call('GET', `/v2/catalog/datacenters?${query}`);
    return centersSchema.parse(body).dataCenters;
  }

  it('gets about ten, and what is in stock where only when it asks', async () => {
    const { call } = await startWithCall();
    const plain = await listCenters(call, '');
    expect(plain.length).toBeGreaterThanOrEqual(10);
    expect(plain.some((center) => 'gpuAvailability' in center)).toBe(false);
    const [stocked] = await listCenters(call, 'include=GPU_AVAILABILITY');
    expect(stocked).toMatchObject({ id: 'EU-RO-1' });
    expect(stocked?.gpuAvailability).toContainEqual(expect.objectContaining({ id: GPU }));
  });

  it('narrows by region with OR, by everything else with AND', async () => {
    const { call } = await startWithCall();
    const regions = await listCenters(call, 'regions=ASIA,OCEANIA');
    expect(new Set(regions.map(({ region }) => region))).toEqual(new Set(['ASIA', 'OCEANIA']));
    const volumes = await listCenters(call, 'networkVolumeTypes=STANDARD,HIGH_PERFORMANCE');
    expect(volumes.map(({ id }) => id)).toEqual(['US-KS-2']);
    const both = await listCenters(call, 'regions=EUROPE&compliance=GDPR,HIPAA&globalNetwork=true');
    expect(both.map(({ id }) => id)).toEqual(['EU-NL-1']);
  });
});
