/** A GPU type as REST v2 shows it (schema `GpuType` of the contract of 2026-08-18). */
import { isOffered } from './gpu-types.ts';
import type { GpuType } from './gpu-types.ts';
import { bestLevel, matchingCudaVersions } from './stock.ts';
import type { Stock, Wish } from './stock.ts';

export function viewGpuType(gpu: GpuType): object {
  const { SECURE: secure, COMMUNITY: community } = gpu.offers;
  return {
    id: gpu.id,
    name: gpu.name,
    pool: gpu.pool,
    manufacturer: gpu.manufacturer,
    memory: gpu.memoryGb,
    secure: secure.maxCount > 0,
    community: community.maxCount > 0,
    price: { secure: secure.usdPerHour, community: community.usdPerHour },
    maxCount: { secure: secure.maxCount, community: community.maxCount },
  };
}

/** The fields that `include=AVAILABILITY` adds. */
export function viewAvailability(gpu: GpuType, wish: Wish, stock: Stock): object {
  const places = stock.find(gpu, wish);
  const versions = isOffered(gpu, wish.cloud, wish.gpuCount)
    ? (matchingCudaVersions(gpu, wish.cuda) ?? [])
    : [];
  return {
    availability: bestLevel(places),
    ...(places.length > 0 && {
      dataCenters: places.map(({ dataCenter, level }) => ({
        id: dataCenter.id,
        name: dataCenter.name,
        availability: level,
      })),
    }),
    ...(versions.length > 0 && {
      cudaVersions: versions.map((version) => ({ version, available: places.length > 0 })),
    }),
  };
}
