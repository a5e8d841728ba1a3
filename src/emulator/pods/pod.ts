/** One pod: what is stored of it, and what follows from that and the time. Pure. */
import type { Cloud } from '../catalogue/gpu-types.ts';

export type PodStatus = 'PROVISIONING' | 'STARTING' | 'RUNNING' | 'EXITED' | 'TERMINATED';
export type PodAction = 'start' | 'stop' | 'restart' | 'terminate';

/** The part of a create request that comes back in reads. */
export interface PodSpec {
  readonly name: string;
  readonly image: string;
  readonly args: string;
  readonly cmd: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  readonly disk: number;
  readonly ports: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: object;
  readonly gpuId: string;
  readonly gpuCount: number;
  readonly cloud: Cloud;
  readonly isSpot: boolean;
}

/** Instants are epoch milliseconds. */
export interface Pod {
  readonly id: string;
  readonly spec: PodSpec;
  readonly dataCenterId: string;
  readonly cudaVersion: string | null;
  readonly usdPerHour: number;
  /** The pod's own key: it may end its own pod and nothing else. */
  readonly apiKey: string;
  readonly createdAt: number;
  /** When it was last told to run. */
  readonly startedAt: number;
  /** Null while it runs. */
  readonly stoppedAt: number | null;
  readonly terminatedAt: number | null;
  /** Why it never gets to run, as its system log says; null: it does. */
  readonly bootFailure: string | null;
  /** When it was charged before `startedAt`, oldest first. */
  readonly charged: readonly Span[];
}

/** Epoch milliseconds; `to` is exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** How long a pod takes to boot. RUNNING is said before there is a runtime, as was recorded. */
export interface BootTimes {
  readonly provisioningMs: number;
  readonly startingMs: number;
  readonly runtimeLagMs: number;
}

const HOUR_MS = 3_600_000;

export function statusOf(pod: Pod, now: number, boot: BootTimes): PodStatus {
  if (pod.terminatedAt !== null) return 'TERMINATED';
  if (pod.stoppedAt !== null) return 'EXITED';
  const age = now - pod.startedAt;
  if (age < boot.provisioningMs) return 'PROVISIONING';
  if (pod.bootFailure !== null) return 'STARTING';
  return age < boot.provisioningMs + boot.startingMs ? 'STARTING' : 'RUNNING';
}

/** What runs in the pod, in exec form; empty: nothing does. */
export function commandOf({ entrypoint, cmd }: PodSpec): readonly string[] {
  return [...(entrypoint ?? []), ...(cmd ?? [])];
}

/** Seconds since the container runs; null: it does not. */
export function uptimeOf(pod: Pod, now: number, boot: BootTimes): number | null {
  if (statusOf(pod, now, boot) !== 'RUNNING') return null;
  const bootMs = boot.provisioningMs + boot.startingMs + boot.runtimeLagMs;
  const ms = now - pod.startedAt - bootMs;
  return ms < 0 ? null : Math.floor(ms / 1_000);
}

/** Every span the pod was charged for until now; a stopped pod keeps nothing that costs here. */
export function chargedSpans(pod: Pod, now: number): readonly Span[] {
  const to = Math.max(pod.startedAt, pod.stoppedAt ?? pod.terminatedAt ?? now);
  return [...pod.charged, { from: pod.startedAt, to }];
}

/** What it cost within a range of time. */
export function usdAccrued(
  pod: Pod,
  now: number,
  within: Span = { from: 0, to: Infinity },
): number {
  const ms = chargedSpans(pod, now).reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, within.to) - Math.max(from, within.from)),
    0,
  );
  return (pod.usdPerHour * ms) / HOUR_MS;
}

export function actionsOf(status: PodStatus): readonly PodAction[] {
  switch (status) {
    case 'RUNNING':
      return ['stop', 'restart', 'terminate'];
    case 'EXITED':
      return ['start', 'terminate'];
    case 'PROVISIONING':
    case 'STARTING':
      return ['stop', 'terminate'];
    case 'TERMINATED':
      return [];
  }
}

/** The full pod of the contract of 2026-08-18. */
export function viewPod(pod: Pod, now: number, boot: BootTimes): object {
  const status = statusOf(pod, now, boot);
  const uptime = uptimeOf(pod, now, boot);
  const { spec } = pod;
  const ssh = { host: 'ssh.runpod.io', port: 22, username: `${pod.id}-emulated` };
  return {
    id: pod.id,
    name: spec.name,
    image: spec.image,
    args: spec.args,
    disk: spec.disk,
    ports: spec.ports,
    env: spec.env,
    registry: null,
    status,
    actions: actionsOf(status),
    mounts: spec.mounts,
    gpu: { id: spec.gpuId, count: spec.gpuCount },
    cloud: spec.cloud,
    dataCenterId: pod.dataCenterId,
    cudaVersion: pod.cudaVersion,
    ssh: {
      proxy: { ...ssh, command: `ssh ${ssh.username}@${ssh.host}` },
      direct: null,
    },
    template: null,
    // An EXITED pod was recorded with its cost (2026-08-20), whatever the contract says.
    cost: pod.usdPerHour,
    locked: false,
    globalNetworking: { enabled: false },
    runtime: uptime === null ? null : viewRuntime(spec, uptime),
    createdAt: new Date(pod.createdAt).toISOString(),
    startedAt: status === 'PROVISIONING' ? null : new Date(pod.startedAt).toISOString(),
  };
}

function viewRuntime(spec: PodSpec, uptime: number): object {
  return {
    uptime,
    gpus: Array.from({ length: spec.gpuCount }, () => ({ util: 0, memoryUtil: 0 })),
    cpu: { util: 0 },
    memory: { util: 0 },
    ports: spec.ports.map((port) => ({
      private: Number.parseInt(port, 10),
      public: null,
      type: port.endsWith('/http') ? 'http' : 'tcp',
      ip: null,
    })),
  };
}
