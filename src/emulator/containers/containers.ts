/** The containers of an emulator's pods: real processes on this machine, and their folders. */
import { mkdtempSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../pods/pod.ts';
import type { PodLog } from '../pods/pod-log.ts';
import { createContainer } from './container.ts';
import type { Container } from './container.ts';
import type { PortMap } from './container-command.ts';
import { removeFolder, wipeDisk } from './disk.ts';
import { findFreePort } from './free-port.ts';
import { startGuard } from './guard.ts';
import type { Guard } from './guard.ts';
import { killMarked } from './process-tree.ts';

/** What becomes of a pod's folder when its container ends. */
export type DiskEnd =
  | 'kept'
  /** The container disk is emptied, a volume stays. */
  | 'wiped'
  | 'removed';

export interface ContainersDeps {
  /** Where pods have their folders over a restart; null: in a temporary folder. */
  readonly folder: string | null;
  readonly restartMs: number;
  /** Between SIGTERM and SIGKILL when the emulator closes. */
  readonly closeGraceMs: number;
  /** What a pod's `python3` is; null: this machine's. */
  readonly python: string | null;
  readonly podEnvironment: Readonly<Record<string, string>>;
}

export interface Containers {
  /** After what still ends of the same pod. Does nothing for a pod that has one. */
  start(pod: Pod, log: PodLog): void;
  /** Resolves once nothing of the pod runs and its disk is as it shall be. */
  end(pod: Pod, graceMs: number, disk: DiskEnd): Promise<void>;
  /** What runs, or still ends. */
  find(podId: string): Container | undefined;
  /** Ends what an emulator that died left of these pods, and removes folders of others. */
  recover(living: readonly Pod[]): void;
  /** Ends everything; folders stay where they are kept over a restart. */
  close(): Promise<void>;
}

interface Ending {
  readonly container: Container | undefined;
  readonly done: Promise<void>;
}

export function createContainers(deps: ContainersDeps): Containers {
  const running = new Map<string, Container>();
  const endings = new Map<string, Ending>();
  const takenPorts = new Set<number>();
  let isClosed = false;
  let place: { readonly folder: string; readonly guard: Guard } | null = null;
  let recovered: Promise<void> = Promise.resolve();

  /** Made for the first pod that runs something: most tests have none. */
  function givePlace(): { readonly folder: string; readonly guard: Guard } {
    if (place !== null) return place;
    const folder = deps.folder ?? mkdtempSync(join(tmpdir(), 'runpod-emulator-'));
    place = { folder, guard: startGuard(deps.folder === null ? folder : null) };
    return place;
  }

  function folderOf(podId: string): string | null {
    const folder = place?.folder ?? deps.folder;
    return folder === null ? null : join(folder, podId);
  }

  async function openPorts({ spec }: Pod): Promise<PortMap> {
    const ports = new Map<number, number>();
    for (const text of spec.ports.filter((port) => port.endsWith('/http'))) {
      const here = await findFreePort(takenPorts);
      takenPorts.add(here);
      ports.set(Number.parseInt(text, 10), here);
    }
    return ports;
  }

  function closePorts(ports: PortMap): void {
    for (const port of ports.values()) takenPorts.delete(port);
  }

  async function settleDisk(pod: Pod, disk: DiskEnd): Promise<void> {
    const folder = folderOf(pod.id);
    if (folder === null) return;
    if (disk === 'wiped') await wipeDisk(folder, pod);
    if (disk === 'removed') await removeFolder(folder);
  }

  async function endAfter(before: Ending | undefined, own: Promise<void> | undefined) {
    await before?.done;
    await own;
  }

  return {
    start(pod, log) {
      if (isClosed || running.has(pod.id)) return;
      const { folder, guard } = givePlace();
      const before = Promise.all([recovered, endings.get(pod.id)?.done]).then(() => undefined);
      const container = createContainer({
        pod,
        log,
        folder: join(folder, pod.id),
        guard,
        restartMs: deps.restartMs,
        python: deps.python,
        podEnvironment: deps.podEnvironment,
        before,
        openPorts,
        closePorts,
      });
      running.set(pod.id, container);
    },

    end(pod, graceMs, disk) {
      const before = endings.get(pod.id);
      const container = running.get(pod.id);
      running.delete(pod.id);
      // One that still ends has no more time than this.
      void before?.container?.end(graceMs);
      const done = endAfter(before, container?.end(graceMs))
        .then(() => settleDisk(pod, disk))
        // A folder that cannot be removed is no reason to fail; it is in a temporary place or ours.
        .catch(() => undefined)
        .then(() => {
          if (endings.get(pod.id)?.done === done) endings.delete(pod.id);
        });
      endings.set(pod.id, { container: container ?? before?.container, done });
      return done;
    },

    find: (podId) => running.get(podId) ?? endings.get(podId)?.container,

    recover(living) {
      if (deps.folder === null) return;
      recovered = recoverFolder(deps.folder, living);
    },

    async close() {
      isClosed = true;
      const { closeGraceMs } = deps;
      for (const { container } of endings.values()) void container?.end(closeGraceMs);
      await Promise.all([
        recovered,
        ...[...running.values()].map((container) => container.end(closeGraceMs)),
        ...[...endings.values()].map(({ done }) => done),
      ]);
      await place?.guard.close();
    },
  };
}

async function recoverFolder(folder: string, living: readonly Pod[]): Promise<void> {
  const known = new Set(living.map(({ id }) => id));
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.map((id) => killMarked(`RUNPOD_POD_ID=${id}`)));
  const left = names.filter((id) => !known.has(id));
  await Promise.all(left.map((id) => removeFolder(join(folder, id)).catch(() => undefined)));
}
