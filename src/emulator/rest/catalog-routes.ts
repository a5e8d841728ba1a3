import { z } from 'zod';
import { DATA_CENTERS, REGIONS } from '../catalogue/data-centers.ts';
import type { DataCenter } from '../catalogue/data-centers.ts';
import { findGpuType, GPU_TYPES } from '../catalogue/gpu-types.ts';
import type { GpuType } from '../catalogue/gpu-types.ts';
import { viewAvailability, viewGpuType } from '../catalogue/gpu-view.ts';
import type { CudaFilter, Stock, Wish } from '../catalogue/stock.ts';
import { jsonAnswer } from '../http/answer.ts';
import type { Incoming } from '../http/incoming.ts';
import { Problem } from '../http/problem.ts';
import { parseQuery, queryInteger, queryList } from '../http/validation.ts';
import type { RestRoute } from './rest-route.ts';

const cudaVersion = z.string().regex(/^\d+(\.\d+)?$/);
const gpuQuerySchema = z.object({
  include: queryList(z.enum(['AVAILABILITY'])).optional(),
  product: queryList(z.enum(['POD', 'CLUSTER', 'SERVERLESS'])).optional(),
  count: queryInteger(1, 1_000).optional(),
  cloud: z.enum(['SECURE', 'COMMUNITY']).optional(),
  countryCodes: queryList(z.string().regex(/^[A-Z]{2}$/)).optional(),
  cudaVersions: queryList(cudaVersion).optional(),
  minCudaVersion: cudaVersion.optional(),
});
type GpuQuery = z.infer<typeof gpuQuerySchema>;

const centerQuerySchema = z.object({
  include: queryList(z.enum(['GPU_AVAILABILITY', 'CPU_AVAILABILITY'])).optional(),
  regions: queryList(z.enum(REGIONS)).optional(),
  networkVolumeTypes: queryList(z.enum(['STANDARD', 'HIGH_PERFORMANCE'])).optional(),
  compliance: queryList(z.string()).optional(),
  globalNetwork: z.enum(['true', 'false']).optional(),
});

/** Parameters that mean nothing, and are refused, without `include=AVAILABILITY`. */
const AVAILABILITY_ONLY = [
  'product',
  'count',
  'cloud',
  'countryCodes',
  'cudaVersions',
  'minCudaVersion',
] as const;

export function catalogRoutes(stock: Stock): readonly RestRoute[] {
  return [
    {
      method: 'GET',
      path: '/v2/catalog/gpus',
      answer: ({ query }) => {
        const wanted = readGpuQuery(query);
        const gpus = GPU_TYPES.filter((gpu) => isIn(gpu, wanted, stock));
        return jsonAnswer(200, { gpus: gpus.map(gpuView(wanted, stock)) });
      },
    },
    {
      method: 'GET',
      path: '/v2/catalog/gpus/{id}',
      answer: ({ query }, { id = '' }) => {
        const gpu = findGpuType(id);
        if (gpu === undefined) throw new Problem(404, 'GPU type not found');
        return jsonAnswer(200, gpuView(readGpuQuery(query), stock)(gpu));
      },
    },
    {
      method: 'GET',
      path: '/v2/catalog/datacenters',
      answer: ({ query }) => jsonAnswer(200, { dataCenters: listCenters(query, stock) }),
    },
    {
      method: 'GET',
      path: '/v2/catalog/datacenters/{id}',
      answer: ({ query }, { id }) => {
        const center = listCenters(query, stock).find((each) => each.id === id);
        if (center === undefined) throw new Problem(404, 'data center not found');
        return jsonAnswer(200, center);
      },
    },
  ];
}

function readGpuQuery(query: Incoming['query']): GpuQuery {
  const wanted = parseQuery(gpuQuerySchema, query);
  if (wanted.include !== undefined && wanted.product === undefined) {
    throw new Problem(400, 'product is required with include=AVAILABILITY');
  }
  if (wanted.cudaVersions !== undefined && wanted.minCudaVersion !== undefined) {
    throw new Problem(400, 'cudaVersions and minCudaVersion are mutually exclusive');
  }
  const stray = AVAILABILITY_ONLY.find((name) => wanted[name] !== undefined);
  if (wanted.include === undefined && stray !== undefined) {
    throw new Problem(400, `${stray} is valid only with include=AVAILABILITY`);
  }
  return wanted;
}

/** Types that are nowhere in the named countries drop out of the list. */
function isIn(gpu: GpuType, wanted: GpuQuery, stock: Stock): boolean {
  return wanted.countryCodes === undefined || stock.find(gpu, toWish(wanted)).length > 0;
}

function toWish(wanted: GpuQuery): Wish {
  return {
    gpuCount: wanted.count ?? 1,
    cloud: wanted.cloud ?? 'SECURE',
    cuda: cudaFilter(wanted),
    countryCodes: wanted.countryCodes,
  };
}

function gpuView(wanted: GpuQuery, stock: Stock): (gpu: GpuType) => object {
  if (wanted.include === undefined) return viewGpuType;
  const wish = toWish(wanted);
  return (gpu) => ({ ...viewGpuType(gpu), ...viewAvailability(gpu, wish, stock) });
}

function cudaFilter({ cudaVersions, minCudaVersion }: GpuQuery): CudaFilter {
  if (cudaVersions !== undefined) return { kind: 'exactly', versions: cudaVersions };
  if (minCudaVersion !== undefined) return { kind: 'at-least', version: minCudaVersion };
  return { kind: 'any' };
}

type CenterView = Omit<DataCenter, 'country'> & { readonly gpuAvailability?: readonly object[] };

function listCenters(query: URLSearchParams, stock: Stock): CenterView[] {
  const wanted = parseQuery(centerQuerySchema, query);
  const withGpus = wanted.include?.includes('GPU_AVAILABILITY') ?? false;
  return DATA_CENTERS.filter(
    (center) =>
      (wanted.regions?.includes(center.region) ?? true) &&
      hasAll(center.networkVolumeTypes, wanted.networkVolumeTypes) &&
      hasAll(center.compliance, wanted.compliance) &&
      (wanted.globalNetwork === undefined ||
        center.globalNetwork === (wanted.globalNetwork === 'true')),
  ).map((center) => viewCenter(center, withGpus ? gpusIn(center, stock) : []));
}

function hasAll(has: readonly string[], wanted: readonly string[] | undefined): boolean {
  return (wanted ?? []).every((item) => has.includes(item));
}

function viewCenter(center: DataCenter, gpus: readonly object[]): CenterView {
  const { id, name, region, networkVolumeTypes, compliance, globalNetwork } = center;
  return {
    id,
    name,
    region,
    networkVolumeTypes,
    compliance,
    globalNetwork,
    ...(gpus.length > 0 && { gpuAvailability: gpus }),
  };
}

function gpusIn(center: DataCenter, stock: Stock): object[] {
  const wish: Wish = {
    gpuCount: 1,
    cloud: 'SECURE',
    cuda: { kind: 'any' },
    dataCenterIds: [center.id],
  };
  return GPU_TYPES.flatMap((gpu) => {
    const [place] = stock.find(gpu, wish);
    return place === undefined ? [] : [{ id: gpu.id, name: gpu.name, availability: place.level }];
  });
}
