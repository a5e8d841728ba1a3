/**
 * One pod's container. Its command is run again whenever it exits, for ever, as RunPod does.
 *
 * - STARTING  what ran before ends, the folder is made, ports are found
 * - RUNNING   the command runs
 * - PAUSED    it exited; back to STARTING after a pause that doubles
 * - ENDED     every process of it is dead; final
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { commandOf } from '../pods/pod.ts';
import type { Pod } from '../pods/pod.ts';
import type { PodLog } from '../pods/pod-log.ts';
import { environmentOf, limited, withPython } from './container-command.ts';
import type { PortMap } from './container-command.ts';
import { runCommand } from './container-process.ts';
import type { ContainerProcess } from './container-process.ts';
import { makeDisk, wipeDisk } from './disk.ts';
import type { Guard } from './guard.ts';

const MAX_PAUSE_MS = 30_000;
/** One that ran this long begins with the first pause again. */
const STEADY_MS = 10_000;

export interface ContainerDeps {
  readonly pod: Pod;
  readonly log: PodLog;
  readonly folder: string;
  readonly guard: Guard;
  readonly restartMs: number;
  readonly python: string | null;
  readonly podEnvironment: Readonly<Record<string, string>>;
  /** The end of what ran on this disk before. */
  readonly before: Promise<void>;
  readonly openPorts: (pod: Pod) => Promise<PortMap>;
  readonly closePorts: (ports: PortMap) => void;
}

export interface Container {
  readonly log: PodLog;
  /** Of the command; null while none runs. */
  pid(): number | null;
  restarts(): number;
  /** Where a port of the pod is served on this machine; null while nothing runs. */
  portOf(port: number): number | null;
  /** Kills what runs, so that it starts again, on an empty container disk where it is wiped. */
  crash(wipesDisk: boolean): void;
  /** SIGTERM, then SIGKILL; resolves once nothing of it runs. A later call can shorten the grace. */
  end(graceMs: number): Promise<void>;
}

export function createContainer(deps: ContainerDeps): Container {
  const { pod, log, folder } = deps;
  const ending = new AbortController();
  const isEnding = (): boolean => ending.signal.aborted;
  let current: { readonly run: ContainerProcess; readonly ports: PortMap } | null = null;
  let restarts = 0;
  let pauseMs = deps.restartMs;
  let wipesDisk = false;

  async function live(): Promise<void> {
    await deps.before;
    while (!isEnding()) {
      await runOnce();
      if (isEnding()) return;
      await pause(pauseMs, undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
      restarts += 1;
    }
  }

  async function runOnce(): Promise<void> {
    if (wipesDisk) await wipeDisk(folder, pod);
    wipesDisk = false;
    await makeDisk(folder);
    const ports = await deps.openPorts(pod);
    try {
      if (!isEnding()) await runOn(ports);
    } finally {
      deps.closePorts(ports);
    }
  }

  async function runOn(ports: PortMap): Promise<void> {
    const startedAt = performance.now();
    log.append('system', 'start container');
    const bootId = randomBytes(12).toString('hex');
    const run = runCommand({
      command: limited(withPython(commandOf(pod.spec), deps.python), pod),
      environment: {
        ...environmentOf(pod, folder, ports, bootId),
        ...deps.podEnvironment,
      },
      folder,
      guard: deps.guard,
      say: (source, line) => {
        log.append(source, line);
      },
    });
    current = { run, ports };
    const words = await run.ended;
    current = null;
    if (performance.now() - startedAt >= STEADY_MS) pauseMs = deps.restartMs;
    const next = isEnding() ? '' : `; it restarts in ${pauseMs} ms`;
    log.append('system', `${words}${next}`);
  }

  const life = live().catch((error: unknown) => {
    log.append('system', `the emulator cannot run this container: ${String(error)}`);
  });

  return {
    log,
    pid: () => current?.run.pid ?? null,
    restarts: () => restarts,
    portOf: (port) => current?.ports.get(port) ?? null,
    crash(wipes) {
      wipesDisk ||= wipes;
      current?.run.stop(0);
    },
    end(graceMs) {
      ending.abort();
      current?.run.stop(graceMs);
      return life;
    },
  };
}
