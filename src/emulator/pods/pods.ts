/** The pods of the emulated account: renting, ending, what they cost and what they log. */
import { randomBytes } from 'node:crypto';
import { findGpuType } from '../catalogue/gpu-types.ts';
import type { GpuType } from '../catalogue/gpu-types.ts';
import { matchingCudaVersions } from '../catalogue/stock.ts';
import type { CudaFilter, Stock } from '../catalogue/stock.ts';
import { roundUsd } from '../../domain/price.ts';
import { NO_CAPACITY, Problem } from '../http/problem.ts';
import type { PodFile } from './pod-file.ts';
import { createPodLog } from './pod-log.ts';
import type { PodLog } from './pod-log.ts';
import { actionsOf, chargedSpans, statusOf, usdAccrued } from './pod.ts';
import type { BootTimes, Pod, PodAction, PodSpec } from './pod.ts';

const MAX_LIVING_PODS = 1_000;
/** Ended pods that are remembered. */
const MAX_ENDED_PODS = 5_000;
const FIRST_CREDIT_USD = 100;

export interface PodWish {
  readonly spec: PodSpec;
  readonly dataCenterIds: readonly string[];
  readonly cuda: CudaFilter;
  /** The most that is paid per GPU, for spot pods. */
  readonly bidUsdPerGpu?: number;
}

export interface PodsDeps {
  readonly now: () => number;
  readonly stock: Stock;
  readonly boot: BootTimes;
  readonly file: PodFile | null;
  /** Data centres and GPUs that a fault has emptied; told when that kept a pod from its place. */
  readonly isEmptied: (gpuTypeId: string, dataCenterId: string) => boolean;
  readonly onEmptied: () => void;
}

export interface Pods {
  /** @throws {Problem} 400 without capacity, 402 without an hour's credit */
  rent(wish: PodWish): Pod;
  /** Living pods, oldest first. */
  readonly living: () => readonly Pod[];
  find(id: string): Pod | undefined;
  /** Every pod there ever was. */
  all(): readonly Pod[];
  /** @throws {Problem} 404, or 409 where its status forbids it */
  act(id: string, action: PodAction): Pod;
  /** A spot pod is taken back: it exits, or is gone. Null id: every spot pod. */
  reclaim(id: string | null, mode: 'exit' | 'vanish'): void;
  logOf(id: string): PodLog;
  balanceUsd(): number;
  spendUsdPerHour(): number;
  close(): void;
}

export function createPods(deps: PodsDeps): Pods {
  const { now, boot } = deps;
  const pods = new Map((deps.file?.read() ?? []).map((pod) => [pod.id, pod]));
  const logs = new Map<string, PodLog>();
  const timers = new Set<NodeJS.Timeout>();

  function save(pod: Pod): Pod {
    pods.set(pod.id, pod);
    if (pod.terminatedAt !== null) logs.delete(pod.id);
    forgetEnded();
    deps.file?.write([...pods.values()]);
    return pod;
  }

  function forgetEnded(): void {
    if (pods.size <= MAX_LIVING_PODS + MAX_ENDED_PODS) return;
    for (const pod of pods.values()) {
      if (pod.terminatedAt === null) continue;
      pods.delete(pod.id);
      return;
    }
  }

  function living(): Pod[] {
    return [...pods.values()].filter((pod) => pod.terminatedAt === null);
  }

  function find(id: string): Pod | undefined {
    const pod = pods.get(id);
    return pod?.terminatedAt === null ? pod : undefined;
  }

  function logOf(id: string): PodLog {
    let log = logs.get(id);
    if (log === undefined) logs.set(id, (log = createPodLog(now)));
    return log;
  }

  function balanceUsd(): number {
    const at = now();
    return [...pods.values()].reduce((usd, pod) => usd - usdAccrued(pod, at), FIRST_CREDIT_USD);
  }

  function spendUsdPerHour(): number {
    return living()
      .filter((pod) => pod.stoppedAt === null)
      .reduce((usd, pod) => usd + pod.usdPerHour, 0);
  }

  function rent(wish: PodWish): Pod {
    const { spec } = wish;
    const gpu = findGpuType(spec.gpuId);
    if (gpu === undefined) throw new Problem(400, `unknown GPU type '${spec.gpuId}'`);
    if (living().length >= MAX_LIVING_PODS) throw new Problem(400, NO_CAPACITY);
    const usdPerHour = priceOf(gpu, wish);
    // Credit for one hour is needed.
    if (balanceUsd() < usdPerHour) throw new Problem(402, 'Insufficient balance.');
    const dataCenterId = place(gpu, wish);
    const pod = save(newPod(wish, gpu, dataCenterId, usdPerHour));
    narrateBoot(pod);
    return pod;
  }

  function place(gpu: GpuType, { spec, dataCenterIds, cuda }: PodWish): string {
    const { gpuCount, cloud } = spec;
    const places = deps.stock.find(gpu, { gpuCount, cloud, cuda, dataCenterIds });
    const free = places.find(({ dataCenter }) => !deps.isEmptied(gpu.id, dataCenter.id));
    if (free !== places[0]) deps.onEmptied();
    if (free === undefined) throw new Problem(400, NO_CAPACITY);
    return free.dataCenter.id;
  }

  function newPod(wish: PodWish, gpu: GpuType, dataCenterId: string, usdPerHour: number): Pod {
    const id = randomId();
    const apiKey = `pod_${randomBytes(16).toString('hex')}`;
    const createdAt = now();
    const injected = {
      RUNPOD_POD_ID: id,
      RUNPOD_API_KEY: apiKey,
      RUNPOD_DC_ID: dataCenterId,
      RUNPOD_GPU_COUNT: String(wish.spec.gpuCount),
    };
    return {
      id,
      spec: { ...wish.spec, env: { ...wish.spec.env, ...injected } },
      dataCenterId,
      cudaVersion: matchingCudaVersions(gpu, wish.cuda)?.at(-1) ?? null,
      usdPerHour,
      apiKey,
      createdAt,
      startedAt: createdAt,
      stoppedAt: null,
      terminatedAt: null,
      charged: [],
    };
  }

  function narrateBoot({ id, spec }: Pod): void {
    logOf(id).append('system', `create container ${spec.image}`);
    later(boot.provisioningMs, id, `${spec.image} Pulling from registry`);
    later(boot.provisioningMs + boot.startingMs, id, 'start container');
  }

  function later(ms: number, podId: string, line: string): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (find(podId) !== undefined) logOf(podId).append('system', line);
    }, ms);
    timer.unref();
    timers.add(timer);
  }

  function act(id: string, action: PodAction): Pod {
    const pod = find(id);
    if (pod === undefined) throw new Problem(404, 'pod not found');
    const status = statusOf(pod, now(), boot);
    if (!actionsOf(status).includes(action)) {
      throw new Problem(409, `action '${action}' is not valid while the pod is ${status}`);
    }
    return save(after(pod, action));
  }

  function after(pod: Pod, action: PodAction): Pod {
    const at = now();
    const stop = { ...pod, stoppedAt: pod.stoppedAt ?? at };
    switch (action) {
      case 'terminate':
        return { ...stop, terminatedAt: at };
      case 'stop':
        return stop;
      case 'start':
      case 'restart':
        return { ...pod, charged: chargedSpans(pod, at), startedAt: at, stoppedAt: null };
    }
  }

  function reclaim(id: string | null, mode: 'exit' | 'vanish'): void {
    const victims = living().filter((pod) => pod.spec.isSpot && (id === null || pod.id === id));
    for (const pod of victims) save(after(pod, mode === 'exit' ? 'stop' : 'terminate'));
  }

  function close(): void {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  }

  return {
    rent,
    living,
    find,
    all: () => [...pods.values()],
    act,
    reclaim,
    logOf,
    balanceUsd,
    spendUsdPerHour,
    close,
  };
}

/** On-demand pods cost the list price, spot pods what was bid, if that is enough. */
function priceOf(gpu: GpuType, { spec, bidUsdPerGpu }: PodWish): number {
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
