/**
 * What is free where. Nothing is stored: the number of free GPUs follows from the seed, the GPU
 * type, the data centre, the cloud and the minute, and the level from that number and the pod's
 * size, so that a larger pod is never easier to place than a smaller one.
 *
 * A type with `usuallyFree` 2 or more is never sold out in its home data centre for one GPU; the
 * RTX 4090 in EU-RO-1 has room for eight. Tests and demos may rely on that.
 */
import { unitHash } from '../random.ts';
import { DATA_CENTERS } from './data-centers.ts';
import type { DataCenter } from './data-centers.ts';
import { isOffered } from './gpu-types.ts';
import type { Cloud, GpuType } from './gpu-types.ts';

export type Level = 'NONE' | 'LOW' | 'MEDIUM' | 'HIGH';

/** The CUDA versions a host may have. */
export type CudaFilter =
  | { readonly kind: 'any' }
  | { readonly kind: 'exactly'; readonly versions: readonly string[] }
  | { readonly kind: 'at-least'; readonly version: string };

/** A pod somebody looks for. Absent lists restrict nothing. */
export interface Wish {
  readonly gpuCount: number;
  readonly cloud: Cloud;
  readonly cuda: CudaFilter;
  readonly countryCodes?: readonly string[] | undefined;
  readonly dataCenterIds?: readonly string[] | undefined;
}

export interface LocalStock {
  readonly dataCenter: DataCenter;
  readonly level: Level;
}

export interface Stock {
  /** Where the wish can be placed now, most stock first; empty: nowhere. */
  find(gpu: GpuType, wish: Wish): readonly LocalStock[];
}

const MINUTE_MS = 60_000;
/** Share of the data centres other than its home that have a GPU type. */
const SPREAD = 0.35;
const RANK: Readonly<Record<Level, number>> = { NONE: 0, LOW: 1, MEDIUM: 2, HIGH: 3 };

export function createStock({ seed, now }: { seed: number; now: () => number }): Stock {
  function freeGpus(gpu: GpuType, dataCenterId: string, cloud: Cloud): number {
    const hasType =
      dataCenterId === gpu.homeId || unitHash(seed, gpu.id, dataCenterId, 'has') < SPREAD;
    if (!hasType) return 0;
    const minute = Math.floor(now() / MINUTE_MS);
    const swing = 0.5 + unitHash(seed, gpu.id, dataCenterId, cloud, minute);
    return Math.floor(gpu.usuallyFree * swing);
  }

  return {
    find(gpu, wish) {
      if (!isOffered(gpu, wish.cloud, wish.gpuCount)) return [];
      if (matchingCudaVersions(gpu, wish.cuda) === null) return [];
      return DATA_CENTERS.filter((dataCenter) => isWished(dataCenter, wish))
        .map((dataCenter) => ({
          dataCenter,
          level: levelOf(freeGpus(gpu, dataCenter.id, wish.cloud), wish.gpuCount),
        }))
        .filter(({ level }) => level !== 'NONE')
        .sort((a, b) => RANK[b.level] - RANK[a.level]);
    },
  };
}

/** The best level of these places. */
export function bestLevel(places: readonly LocalStock[]): Level {
  return places[0]?.level ?? 'NONE';
}

/**
 * The versions of this type that pass. Null: none does. A host that reports no version passes only
 * where none is asked for.
 */
export function matchingCudaVersions(gpu: GpuType, filter: CudaFilter): readonly string[] | null {
  if (filter.kind === 'any') return gpu.cudaVersions;
  const versions = gpu.cudaVersions.filter((version) =>
    filter.kind === 'exactly'
      ? filter.versions.includes(version)
      : compareVersions(version, filter.version) >= 0,
  );
  return versions.length === 0 ? null : versions;
}

function isWished(dataCenter: DataCenter, wish: Wish): boolean {
  return (
    isListed(wish.countryCodes, dataCenter.country) && isListed(wish.dataCenterIds, dataCenter.id)
  );
}

function isListed(list: readonly string[] | undefined, value: string): boolean {
  return list === undefined || list.length === 0 || list.includes(value);
}

function levelOf(free: number, gpuCount: number): Level {
  if (free < gpuCount) return 'NONE';
  if (free < 4 * gpuCount) return 'LOW';
  return free < 12 * gpuCount ? 'MEDIUM' : 'HIGH';
}

/** Numerically: 12.11 is above 12.2, and a bare 12 is 12.0. */
function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}
