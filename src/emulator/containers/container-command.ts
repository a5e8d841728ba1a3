/** What a pod's command is started with: its environment and its limits. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Pod } from '../pods/pod.ts';

/** Of one process tree; a mark by which every process of it is found. */
export const BOOT_MARK = 'EMULATOR_BOOT_ID';

const GIB = 1024 ** 3;
const MEMORY_BYTES = 8 * GIB;
const OPEN_FILES = 4_096;

// Not a setting of ours: where this machine has its programs, as an image has its own.
// eslint-disable-next-line no-restricted-properties
const PATH = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';

/** Every pod shares this machine: each port of a pod is another one here. */
export type PortMap = ReadonlyMap<number, number>;

/**
 * The environment of a pod's processes, and nothing of the emulator's own: what the pod was created
 * with, what RunPod injects, and what has to differ because there is no real container: the
 * folders, and where the agent listens. `EMULATOR_PORT_n` is where port n is to be served.
 */
export function environmentOf(
  { spec }: Pod,
  folder: string,
  ports: PortMap,
  bootId: string,
): Record<string, string> {
  const agentPort = ports.get(8_000);
  return {
    PATH,
    AGENT_DIR: join(folder, 'workspace', 'agent'),
    ...spec.env,
    HOME: join(folder, 'home'),
    TMPDIR: join(folder, 'tmp'),
    AGENT_HOST: '127.0.0.1',
    ...(agentPort !== undefined && { AGENT_PORT: String(agentPort) }),
    ...Object.fromEntries([...ports].map(([port, here]) => [`EMULATOR_PORT_${port}`, `${here}`])),
    [BOOT_MARK]: bootId,
  };
}

/**
 * The command behind `prlimit`, where this machine has it: files no larger than the container disk,
 * 8 GiB of memory and 4,096 open files per process, no core dumps. Elsewhere it runs without limits.
 */
export function limited(command: readonly string[], { spec }: Pod): readonly string[] {
  if (!hasPrlimit()) return command;
  const limits = [
    '--core=0',
    `--nofile=${OPEN_FILES}`,
    `--data=${MEMORY_BYTES}`,
    `--fsize=${spec.disk * GIB}`,
  ];
  return ['prlimit', ...limits, '--', ...command];
}

/** An image has a Python of its own, with what is installed in it; here `python` stands for that. */
export function withPython(command: readonly string[], python: string | null): readonly string[] {
  return python !== null && command[0] === 'python3' ? [python, ...command.slice(1)] : command;
}

let isThere: boolean | undefined;

function hasPrlimit(): boolean {
  return (isThere ??= PATH.split(':').some((folder) => isExecutable(join(folder, 'prlimit'))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
