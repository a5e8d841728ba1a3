/** A pod as it begins: what it costs, what is injected. */
import { randomBytes } from 'node:crypto';
import { roundUsd } from '../../domain/price.ts';
import type { GpuType } from '../catalogue/gpu-types.ts';
import { matchingCudaVersions } from '../catalogue/stock.ts';
import type { CudaFilter } from '../catalogue/stock.ts';
import { NO_CAPACITY, Problem } from '../http/problem.ts';
import type { Pod, PodSpec } from './pod.ts';

export interface PodWish {
  readonly spec: PodSpec;
  readonly dataCenterIds: readonly string[];
  readonly cuda: CudaFilter;
  /** The most that is paid per GPU, for spot pods. */
  readonly bidUsdPerGpu?: number;
}

interface Placement {
  readonly gpu: GpuType;
  readonly dataCenterId: string;
  readonly usdPerHour: number;
  readonly createdAt: number;
  readonly bootFailure: string | null;
}

export function newPod({ spec, cuda }: PodWish, placement: Placement): Pod {
  const { gpu, dataCenterId, usdPerHour, createdAt, bootFailure } = placement;
  const id = randomId();
  const apiKey = `pod_${randomBytes(16).toString('hex')}`;
  const injected = {
    RUNPOD_POD_ID: id,
    RUNPOD_API_KEY: apiKey,
    RUNPOD_DC_ID: dataCenterId,
    RUNPOD_GPU_COUNT: String(spec.gpuCount),
  };
  return {
    id,
    spec: { ...spec, env: { ...spec.env, ...injected } },
    dataCenterId,
    cudaVersion: matchingCudaVersions(gpu, cuda)?.at(-1) ?? null,
    usdPerHour,
    apiKey,
    createdAt,
    startedAt: createdAt,
    stoppedAt: null,
    terminatedAt: null,
    bootFailure,
    charged: [],
  };
}

/** On-demand pods cost the list price, spot pods what was bid, if that is enough. @throws {Problem} */
export function priceOf(gpu: GpuType, { spec, bidUsdPerGpu }: PodWish): number {
  const list = gpu.offers[spec.cloud].usdPerHour;
  if (bidUsdPerGpu === undefined) return roundUsd(list * spec.gpuCount);
  const bid = roundUsd(bidUsdPerGpu * spec.gpuCount);
  const lowest = gpu.spotShare === null ? Infinity : list * gpu.spotShare * spec.gpuCount;
  // Rounded as the lowest bid is told, so that bidding just that is enough.
  if (bid < roundUsd(lowest)) throw new Problem(400, NO_CAPACITY);
  return bid;
}

/** Fourteen lower-case letters and digits, as RunPod's. */
function randomId(): string {
  return [...randomBytes(14)].map((byte) => (byte % 36).toString(36)).join('');
}
