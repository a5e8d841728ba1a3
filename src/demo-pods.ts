/** The demo's look behind the scenes: the emulator's pods, which a client cannot see. */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const podsSchema = z.array(
  z.object({
    terminatedAt: z.string().nullable(),
    usdAccrued: z.number(),
    pid: z.number().nullable(),
  }),
);

export interface PodWatch {
  /** Notes which processes the pods are now. */
  look(): Promise<void>;
  /** Waits until every pod is terminated. @returns what they cost, in USD */
  end(): Promise<number>;
  /** Processes that pods were and that still run. */
  processesLeft(): readonly number[];
}

const LOOK_MS = 50;

export function createPodWatch(emulatorUrl: string, signal: AbortSignal): PodWatch {
  const pids = new Set<number>();

  async function readPods() {
    const response = await fetch(`${emulatorUrl}/__emulator/pods`, { signal });
    const pods = podsSchema.parse(await response.json());
    for (const { pid } of pods) if (pid !== null) pids.add(pid);
    return pods;
  }

  return {
    async look() {
      await readPods();
    },
    async end() {
      for (;;) {
        const pods = await readPods();
        if (pods.every(({ terminatedAt }) => terminatedAt !== null)) {
          return pods.reduce((sum, { usdAccrued }) => sum + usdAccrued, 0);
        }
        await pause(LOOK_MS, undefined, { signal });
      }
    },
    processesLeft: () => [...pids].filter(isRunning),
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
