/** The root fields: plain functions, as graphql-js calls those of a root value. */
import { GraphQLError } from 'graphql';
import { GPU_TYPES } from '../catalogue/gpu-types.ts';
import type { Cloud, GpuType } from '../catalogue/gpu-types.ts';
import { bestLevel } from '../catalogue/stock.ts';
import type { CudaFilter, Stock } from '../catalogue/stock.ts';
import { Problem } from '../http/problem.ts';
import { roundUsd } from '../../domain/price.ts';
import type { Caller } from '../access.ts';
import { statusOf } from '../pods/pod.ts';
import type { BootTimes, Pod } from '../pods/pod.ts';
import type { Pods } from '../pods/pods.ts';

export interface RootDeps {
  readonly stock: Stock;
  readonly pods: Pods;
  readonly now: () => number;
  readonly boot: BootTimes;
}

interface RentInput {
  readonly bidPerGpu?: number;
  readonly cloudType?: 'SECURE' | 'COMMUNITY' | 'ALL';
  readonly containerDiskInGb?: number;
  readonly dataCenterId?: string;
  readonly dockerArgs?: string;
  readonly env?: readonly { readonly key: string; readonly value: string }[];
  readonly gpuCount?: number;
  readonly gpuTypeId?: string;
  readonly imageName?: string;
  readonly minCudaVersion?: string;
  readonly name?: string;
  readonly networkVolumeId?: string;
  readonly ports?: string;
  readonly volumeMountPath?: string;
}

interface LowestPriceInput {
  readonly gpuCount: number;
  readonly secureCloud?: boolean | null;
  readonly dataCenterId?: string | null;
  readonly minCudaVersion?: string | null;
}

export function createRoot(deps: RootDeps): (caller: Caller) => object {
  const { pods } = deps;
  return (caller) => ({
    gpuTypes: ({ input }: { input?: { id?: string; ids?: string[] } }) =>
      listGpuTypes(deps, input ?? {}),
    myself: () =>
      caller.kind === 'account'
        ? {
            id: 'user_emulated',
            clientBalance: pods.balanceUsd(),
            currentSpendPerHr: pods.spendUsdPerHour(),
          }
        : null,
    podFindAndDeployOnDemand: ({ input }: { input?: RentInput }) =>
      rent(deps, caller, input ?? {}, undefined),
    podRentInterruptable: ({ input }: { input: RentInput }) =>
      rent(deps, caller, input, input.bidPerGpu ?? 0),
    podStop: ({ input }: { input: { podId: string } }) =>
      viewPod(act(deps, caller, input.podId, 'stop'), deps),
    podTerminate: ({ input }: { input: { podId: string } }) => {
      act(deps, caller, input.podId, 'terminate');
      return null;
    },
  });
}

function listGpuTypes({ stock }: RootDeps, { id, ids }: { id?: string; ids?: string[] }): object[] {
  const wanted = id === undefined ? ids : [id];
  const views = GPU_TYPES.map((gpu) => viewGpu(gpu, stock));
  // The original lists a placeholder too.
  const all = [...views, { id: 'unknown', displayName: 'unknown', lowestPrice: () => null }];
  return wanted === undefined ? all : all.filter((gpu) => wanted.includes(gpu.id));
}

function viewGpu(gpu: GpuType, stock: Stock) {
  const { SECURE: secure, COMMUNITY: community } = gpu.offers;
  return {
    id: gpu.id,
    displayName: gpu.name,
    manufacturer: gpu.manufacturer,
    memoryInGb: gpu.memoryGb,
    maxGpuCount: Math.max(secure.maxCount, community.maxCount),
    maxGpuCountSecureCloud: secure.maxCount,
    maxGpuCountCommunityCloud: community.maxCount,
    secureCloud: secure.maxCount > 0,
    communityCloud: community.maxCount > 0,
    securePrice: secure.usdPerHour,
    communityPrice: community.usdPerHour,
    lowestPrice: ({ input }: { input?: LowestPriceInput | null }) => lowestPrice(gpu, stock, input),
  };
}

/** Of the whole pod. Nothing to place: every member is null, as was recorded. */
function lowestPrice(gpu: GpuType, stock: Stock, input: LowestPriceInput | null | undefined) {
  if (input == null)
    throw new GraphQLError('Something went wrong. Please try again later or contact support.', {
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
  const cloud: Cloud = input.secureCloud === false ? 'COMMUNITY' : 'SECURE';
  const places = stock.find(gpu, {
    gpuCount: input.gpuCount,
    cloud,
    cuda: cudaOf(input.minCudaVersion),
    dataCenterIds: input.dataCenterId == null ? [] : [input.dataCenterId],
  });
  if (places.length === 0) {
    return { minimumBidPrice: null, uninterruptablePrice: null, stockStatus: null };
  }
  const usd = gpu.offers[cloud].usdPerHour * input.gpuCount;
  return {
    minimumBidPrice: gpu.spotShare === null ? null : roundUsd(usd * gpu.spotShare),
    uninterruptablePrice: roundUsd(usd),
    stockStatus: STOCK_WORDS[bestLevel(places)],
  };
}

const STOCK_WORDS = { NONE: null, LOW: 'Low', MEDIUM: 'Medium', HIGH: 'High' } as const;

function cudaOf(minimum: string | null | undefined): CudaFilter {
  return minimum == null ? { kind: 'any' } : { kind: 'at-least', version: minimum };
}

function rent(
  deps: RootDeps,
  caller: Caller,
  input: RentInput,
  bidUsdPerGpu: number | undefined,
): object {
  if (caller.kind !== 'account') throw new GraphQLError('Unauthorized');
  const { gpuTypeId, imageName, networkVolumeId, volumeMountPath = '/workspace' } = input;
  if (gpuTypeId === undefined || imageName === undefined) {
    throw new GraphQLError('gpuTypeId and imageName are required');
  }
  const pod = translated(() =>
    deps.pods.rent({
      spec: {
        name: input.name ?? 'pod',
        image: imageName,
        args: input.dockerArgs ?? '',
        ...containerCommand(input.dockerArgs),
        disk: input.containerDiskInGb ?? 20,
        ports: input.ports?.split(',').map((port) => port.trim()) ?? [],
        env: Object.fromEntries((input.env ?? []).map(({ key, value }) => [key, value])),
        mounts: networkVolumeId
          ? { network: [{ volumeId: networkVolumeId, path: volumeMountPath }] }
          : {},
        gpuId: gpuTypeId,
        gpuCount: input.gpuCount ?? 1,
        cloud: input.cloudType === 'COMMUNITY' ? 'COMMUNITY' : 'SECURE',
        isSpot: bidUsdPerGpu !== undefined,
      },
      dataCenterIds: input.dataCenterId === undefined ? [] : [input.dataCenterId],
      cuda: cudaOf(input.minCudaVersion),
      ...(bidUsdPerGpu !== undefined && { bidUsdPerGpu }),
    }),
  );
  return viewPod(pod, deps);
}

/** `dockerArgs` may be a JSON object with `entrypoint` and `cmd`: the exec form. */
function containerCommand(args: string | undefined): {
  cmd: readonly string[] | null;
  entrypoint: readonly string[] | null;
} {
  const none = { cmd: null, entrypoint: null };
  if (!args?.trimStart().startsWith('{')) return none;
  try {
    const parsed = JSON.parse(args) as Readonly<Record<string, unknown>>;
    return { entrypoint: stringsOf(parsed.entrypoint), cmd: stringsOf(parsed.cmd) };
  } catch {
    return none;
  }
}

function stringsOf(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null;
}

/** The account may act on every pod, a pod's own key on that pod. */
function act(deps: RootDeps, caller: Caller, podId: string, action: 'stop' | 'terminate'): Pod {
  if (caller.kind === 'pod' ? caller.podId !== podId : caller.kind !== 'account') {
    throw new GraphQLError('Unauthorized');
  }
  if (deps.pods.find(podId) === undefined) throw new GraphQLError(`pod not found to ${action}`);
  return translated(() => deps.pods.act(podId, action));
}

function translated<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Problem) throw new GraphQLError(error.message);
    throw error;
  }
}

function viewPod(pod: Pod, { now, boot }: RootDeps): object {
  return {
    id: pod.id,
    name: pod.spec.name,
    desiredStatus: statusOf(pod, now(), boot) === 'EXITED' ? 'EXITED' : 'RUNNING',
    costPerHr: pod.usdPerHour,
    gpuCount: pod.spec.gpuCount,
    imageName: pod.spec.image,
    machineId: `machine-${pod.dataCenterId.toLowerCase()}`,
    podType: pod.spec.isSpot ? 'INTERRUPTABLE' : 'RESERVED',
    machine: {
      gpuDisplayName: GPU_TYPES.find(({ id }) => id === pod.spec.gpuId)?.name ?? null,
      dataCenterId: pod.dataCenterId,
    },
  };
}
