/**
 * The machines that pods run on: what happens to a pod happens here, and is noted in its log.
 * Containers are not run yet: their output comes from {@link Host.appendLog}.
 */
import type { Placement, Pod, PodSpec } from './pod.ts';
import { newPod, restartPod, startPod, stopPod, terminatePod } from './pod-changes.ts';
import type { Hiding } from './pod-changes.ts';
import type { LogSource } from './pod-log.ts';
import type { PodLogs } from './pod-logs.ts';
import type { Pods } from './pods.ts';

export interface Host {
  /** Null: the emulator holds as many live pods as it can. */
  create(spec: PodSpec, placement: Placement, hiding: Hiding): Pod | null;
  start(pod: Pod): Pod;
  stop(pod: Pod): Pod;
  restart(pod: Pod): Pod;
  terminate(pod: Pod): void;
  /** False: there is no such live pod. */
  appendLog(podId: string, source: LogSource, line: string): boolean;
}

export interface HostDeps {
  readonly now: () => number;
  readonly pods: Pods;
  readonly logs: PodLogs;
}

export function createHost({ now, pods, logs }: HostDeps): Host {
  return {
    create(spec, placement, hiding) {
      const pod = newPod(spec, placement, hiding, now());
      return pods.add(pod) ? pod : null;
    },
    start: (pod) => pods.change(pod, startPod),
    stop(pod) {
      logs.append(pod, 'system', 'stop container');
      return pods.change(pod, stopPod);
    },
    restart(pod) {
      logs.append(pod, 'system', 'restart container');
      return pods.change(pod, restartPod);
    },
    terminate(pod) {
      logs.append(pod, 'system', 'remove container');
      pods.change(pod, terminatePod);
      logs.drop(pod.id);
    },
    appendLog(podId, source, line) {
      const pod = pods.findLive(podId);
      if (pod === undefined) return false;
      logs.append(pod, source, line);
      return true;
    },
  };
}
