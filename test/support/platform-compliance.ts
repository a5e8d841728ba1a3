/**
 * What every implementation of `Platform` must do, as checks that throw. Run against the real
 * implementations, and against wrong ones to see that each check really fails.
 */
import { expect } from 'vitest';
import { AppError } from '../../src/errors.ts';
import { offerKey } from '../../src/domain/gpu.ts';
import type { LaunchRequest, Platform, PlatformLogLine } from '../../src/datasources/platform.ts';
import { until } from './until.ts';

export interface ComplianceWorld {
  readonly platform: Platform;
  /** The same platform with a credential that is refused. */
  readonly refused: Platform;
  /** Writes into a pod's log, as its container would. */
  readonly writeLog: (podId: string, lines: readonly string[]) => Promise<unknown>;
}

export function launchRequest(name: string): LaunchRequest {
  return {
    name,
    image: 'runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
    gpuTypeId: 'NVIDIA GeForce RTX 4090',
    gpuCount: 1,
    cloud: 'SECURE',
    containerDiskGb: 20,
    minCudaVersion: '12.8',
    command: ['sleep', 'infinity'],
    env: { PURPOSE: 'test' },
    httpPorts: [8000],
  };
}

const SECURE = { gpuCount: 1, cloud: 'SECURE' } as const;
const PAIR = { gpuCount: 2, cloud: 'COMMUNITY' } as const;

export const complianceChecks: Readonly<Record<string, (world: ComplianceWorld) => Promise<void>>> =
  {
    'verifies a good credential and names a refused one': async ({ platform, refused }) => {
      await platform.verify();
      await expect(refused.verify()).rejects.toMatchObject({ code: 'PLATFORM_UNAUTHORIZED' });
    },

    'lists every GPU once, with whole-pod prices that grow with the count': async ({
      platform,
    }) => {
      const one = await platform.catalogue(SECURE);
      const two = await platform.catalogue({ ...SECURE, gpuCount: 2 });
      expect(one.length).toBeGreaterThan(0);
      expect(new Set(one.map(({ id }) => id)).size).toBe(one.length);
      for (const { id, onDemandUsdPerHour } of one) {
        if (onDemandUsdPerHour === null) continue;
        const pair = two.find((gpu) => gpu.id === id)?.onDemandUsdPerHour;
        expect(pair).toBeCloseTo(2 * onDemandUsdPerHour, 3);
      }
    },

    'answers spot prices for exactly the offers that were asked for, or none': async ({
      platform,
    }) => {
      const prices = await platform.spotPrices([SECURE, PAIR]);
      if (prices === null) return;
      expect([...prices.keys()].sort()).toEqual([SECURE, PAIR].map(offerKey).sort());
      for (const byId of prices.values()) {
        for (const usd of byId.values()) expect(usd).toBeGreaterThan(0);
      }
    },

    'shows a launched pod in the list and by id, under its name, until it is terminated': async ({
      platform,
    }) => {
      const pod = await platform.launch(launchRequest('compliance-life'));
      expect(pod.name).toBe('compliance-life');
      const listed = await until('the pod is listed', async () =>
        (await platform.listPods()).find(({ id }) => id === pod.id),
      );
      expect(listed.name).toBe('compliance-life');
      await until('the pod is ready', async () => (await platform.observe(pod.id))?.isReady);
      await platform.terminate(pod.id);
      await until('the pod is gone', async () => (await platform.observe(pod.id)) === null);
      expect((await platform.listPods()).some(({ id }) => id === pod.id)).toBe(false);
    },

    'counts the end of a pod that is already gone as a success': async ({ platform }) => {
      const pod = await platform.launch(launchRequest('compliance-twice'));
      await platform.terminate(pod.id);
      await platform.terminate(pod.id);
      expect(await platform.observe('never-was')).toBeNull();
    },

    'names a lack of capacity': async ({ platform }) => {
      const attempt = platform.launch({ ...launchRequest('compliance-none'), gpuCount: 64 });
      await expect(attempt).rejects.toMatchObject({ code: 'PLATFORM_NO_CAPACITY' });
    },

    'rents a spot pod at its bid, and shows it in the list like any other': async ({
      platform,
    }) => {
      const bid = await lowestBid(platform);
      if (bid === null) return;
      const request = { ...launchRequest('compliance-spot'), spotUsdPerHour: bid };
      const pod = await platform.launch(request);
      expect(pod).toMatchObject({ name: 'compliance-spot', usdPerHour: bid });
      const listed = await until('the spot pod is listed', async () =>
        (await platform.listPods()).find(({ id }) => id === pod.id),
      );
      expect(listed).toMatchObject({ name: 'compliance-spot', usdPerHour: bid });
      await platform.terminate(pod.id);
    },

    'rents no spot pod below the lowest bid': async ({ platform }) => {
      if ((await lowestBid(platform)) === null) return;
      const request = { ...launchRequest('compliance-low'), spotUsdPerHour: 0.0001 };
      await expect(platform.launch(request)).rejects.toMatchObject({
        code: 'PLATFORM_NO_CAPACITY',
      });
    },

    'addresses each port of each pod apart, without a slash at the end': async ({ platform }) => {
      const { id } = await platform.launch(launchRequest('compliance-proxy'));
      const urls = [
        platform.proxyUrl(id, 8000),
        platform.proxyUrl(id, 8001),
        platform.proxyUrl('another', 8000),
      ];
      expect(new Set(urls.map((url) => new URL(url).href)).size).toBe(3);
      expect(urls.filter((url) => url.endsWith('/'))).toEqual([]);
      await platform.terminate(id);
    },

    'tells a pod where to end itself': async ({ platform }) => {
      const { restUrl, graphqlUrl } = platform.selfTermination;
      const { id } = await platform.launch({
        ...launchRequest('compliance-end'),
        env: { AGENT_REST_URL: restUrl, AGENT_GRAPHQL_URL: graphqlUrl },
      });
      expect([URL.canParse(restUrl), URL.canParse(graphqlUrl)]).toEqual([true, true]);
      await platform.terminate(id);
    },

    'bills a pod of its own, and nothing for one that never was': async ({ platform }) => {
      const since = Date.now();
      const pod = await platform.launch(launchRequest('compliance-bill'));
      const usd = await until('the pod is billed', () => platform.billedUsd(pod.id, since));
      expect(usd).toBeLessThan(pod.usdPerHour);
      expect(await platform.billedUsd('never-was', since)).toBeNull();
      await platform.terminate(pod.id);
    },

    'streams a log and goes on behind any line': async ({ platform, writeLog }) => {
      const pod = await platform.launch(launchRequest('compliance-log'));
      await writeLog(pod.id, ['one', 'two', 'three']);
      const lines = await take(platform, pod.id, 3);
      expect(lines.map(({ text }) => text)).toEqual(['one', 'two', 'three']);
      const rest = await take(platform, pod.id, 2, lines[0]?.eventId);
      expect(rest.map(({ text }) => text)).toEqual(['two', 'three']);
      await platform.terminate(pod.id);
    },

    'throws nothing but named errors': async ({ refused }) => {
      const error = await refused.catalogue(SECURE).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
    },
  };

/** What the least is for the pod of `launchRequest`; null: there are no spot pods. */
async function lowestBid(platform: Platform): Promise<number | null> {
  const prices = await platform.spotPrices([SECURE]);
  return prices?.get(offerKey(SECURE))?.get(launchRequest('').gpuTypeId) ?? null;
}

async function take(platform: Platform, podId: string, count: number, after?: string) {
  const reading = new AbortController();
  const lines: PlatformLogLine[] = [];
  const options = { source: 'container', signal: reading.signal, ...(after && { after }) } as const;
  for await (const line of platform.logs(podId, options)) {
    lines.push(line);
    if (lines.length === count) break;
  }
  reading.abort();
  return lines;
}
