/** The pods of the emulated account: renting, ending, what they cost and what they log. */
import { findGpuType } from '../catalogue/gpu-types.ts';
import type { GpuType } from '../catalogue/gpu-types.ts';
import type { Stock } from '../catalogue/stock.ts';
import type { Containers, DiskEnd } from '../containers/containers.ts';
import { NO_CAPACITY, Problem } from '../http/problem.ts';
import { createBoots } from './boots.ts';
import { newPod, priceOf } from './new-pod.ts';
import type { PodWish } from './new-pod.ts';
import type { PodFile } from './pod-file.ts';
import { createPodLog } from './pod-log.ts';
import type { PodLog } from './pod-log.ts';
import { actionsOf, chargedSpans, commandOf, statusOf, usdAccrued } from './pod.ts';
import type { BootTimes, Pod, PodAction } from './pod.ts';

const MAX_LIVING_PODS = 1_000;
/** Ended pods that are remembered. */
const MAX_ENDED_PODS = 5_000;
const FIRST_CREDIT_USD = 100;

export interface PodsDeps {
  readonly now: () => number;
  readonly stock: Stock;
  readonly boot: BootTimes;
  readonly file: PodFile | null;
  readonly containers: Containers;
  readonly grace: Grace;
  /** Pods with a command that run at a time. */
  readonly maxProcesses: number;
  /** Why the next pod never gets to run; null: it does. */
  readonly nextBootFailure: () => string | null;
  /** Data centres and GPUs that a fault has emptied; told when that kept a pod from its place. */
  readonly isEmptied: (gpuTypeId: string, dataCenterId: string) => boolean;
  readonly onEmptied: () => void;
}

/** Between SIGTERM and SIGKILL. */
export interface Grace {
  readonly stopMs: number;
  /** When a spot pod is taken back. */
  readonly reclaimMs: number;
}

/** How a pod that is taken away looks afterwards. */
export type LossMode = 'exit' | 'vanish';

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
  reclaim(id: string | null, mode: LossMode): void;
  /** Its host dies: no process gets a signal that it could answer. Null id: every pod. */
  loseHost(id: string | null, mode: LossMode): void;
  logOf(id: string): PodLog;
  balanceUsd(): number;
  spendUsdPerHour(): number;
  /** Starts the containers of pods that an earlier emulator left running. */
  resume(): void;
  /** Nothing boots any more. */
  close(): void;
}

export function createPods(deps: PodsDeps): Pods {
  const { now, boot } = deps;
  const pods = new Map((deps.file?.read() ?? []).map((pod) => [pod.id, pod]));
  const logs = new Map<string, PodLog>();
  const boots = createBoots({ boot, containers: deps.containers, logOf });

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
    requireRoom(spec);
    const usdPerHour = priceOf(gpu, wish);
    // Credit for one hour is needed.
    if (balanceUsd() < usdPerHour) throw new Problem(402, 'Insufficient balance.');
    const dataCenterId = place(gpu, wish);
    const bootFailure = deps.nextBootFailure();
    const pod = newPod(wish, { gpu, dataCenterId, usdPerHour, createdAt: now(), bootFailure });
    boots.begin(save(pod));
    return pod;
  }

  /** Each command is a process here. @throws {Problem} 400 where there are too many */
  function requireRoom(spec: Pod['spec']): void {
    const runs = (pod: Pod): boolean => pod.stoppedAt === null && commandOf(pod.spec).length > 0;
    if (commandOf(spec).length > 0 && living().filter(runs).length >= deps.maxProcesses) {
      throw new Problem(400, NO_CAPACITY);
    }
  }

  function place(gpu: GpuType, { spec, dataCenterIds, cuda }: PodWish): string {
    const { gpuCount, cloud } = spec;
    const places = deps.stock.find(gpu, { gpuCount, cloud, cuda, dataCenterIds });
    const free = places.find(({ dataCenter }) => !deps.isEmptied(gpu.id, dataCenter.id));
    if (free !== places[0]) deps.onEmptied();
    if (free === undefined) throw new Problem(400, NO_CAPACITY);
    return free.dataCenter.id;
  }

  function act(id: string, action: PodAction): Pod {
    const pod = find(id);
    if (pod === undefined) throw new Problem(404, 'pod not found');
    const status = statusOf(pod, now(), boot);
    if (!actionsOf(status).includes(action)) {
      throw new Problem(409, `action '${action}' is not valid while the pod is ${status}`);
    }
    if (action === 'start') requireRoom(pod.spec);
    return change(pod, action, deps.grace.stopMs);
  }

  function change(pod: Pod, action: PodAction, graceMs: number): Pod {
    const changed = save(after(pod, action));
    boots.cancel(pod.id);
    void deps.containers.end(pod, graceMs, DISK_AFTER[action]);
    if (action === 'start' || action === 'restart') boots.begin(changed);
    return changed;
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

  function lose(victims: readonly Pod[], mode: LossMode, graceMs: number): void {
    for (const pod of victims) change(pod, mode === 'exit' ? 'stop' : 'terminate', graceMs);
  }

  function chosen(id: string | null): readonly Pod[] {
    return living().filter((pod) => id === null || pod.id === id);
  }

  function reclaim(id: string | null, mode: LossMode): void {
    const victims = chosen(id).filter((pod) => pod.spec.isSpot);
    lose(victims, mode, deps.grace.reclaimMs);
  }

  function loseHost(id: string | null, mode: LossMode): void {
    lose(chosen(id), mode, 0);
  }

  function resume(): void {
    deps.containers.recover(living());
    for (const pod of living()) {
      if (pod.stoppedAt === null) boots.begin(pod, now() - pod.startedAt);
    }
  }

  return {
    rent,
    living,
    find,
    all: () => [...pods.values()],
    act,
    reclaim,
    loseHost,
    logOf,
    balanceUsd,
    spendUsdPerHour,
    resume,
    close: () => {
      boots.close();
    },
  };
}

/** What is left of a pod's disk: RunPod empties the container disk of one that is stopped. */
const DISK_AFTER: Readonly<Record<PodAction, DiskEnd>> = {
  start: 'kept',
  restart: 'kept',
  stop: 'wiped',
  terminate: 'removed',
};
