/** Keeps pods in one JSON file, so that they outlive the process as they do at RunPod. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Pod } from './pod.ts';

const podSchema = z.object({
  id: z.string(),
  spec: z.object({
    name: z.string(),
    image: z.string(),
    args: z.string(),
    cmd: z.array(z.string()).nullable(),
    entrypoint: z.array(z.string()).nullable(),
    disk: z.number(),
    ports: z.array(z.string()),
    env: z.record(z.string(), z.string()),
    mounts: z.looseObject({}),
    gpuId: z.string(),
    gpuCount: z.number(),
    cloud: z.enum(['SECURE', 'COMMUNITY']),
    isSpot: z.boolean(),
  }),
  dataCenterId: z.string(),
  cudaVersion: z.string().nullable(),
  usdPerHour: z.number(),
  apiKey: z.string(),
  createdAt: z.number(),
  startedAt: z.number(),
  stoppedAt: z.number().nullable(),
  terminatedAt: z.number().nullable(),
  // Files of before there were boot failures have none.
  bootFailure: z.string().nullable().default(null),
  charged: z.array(z.object({ from: z.number(), to: z.number() })),
});
const fileSchema = z.object({ version: z.literal(1), pods: z.array(podSchema) });

export interface PodFile {
  /** @throws {Error} that names the file, if what is there is not ours */
  read(): readonly Pod[];
  write(pods: readonly Pod[]): void;
}

export function openPodFile(folder: string): PodFile {
  const path = join(folder, 'pods.json');
  return {
    read() {
      const text = readIfThere(path);
      if (text === null) return [];
      try {
        return fileSchema.parse(JSON.parse(text)).pods;
      } catch (cause) {
        throw new Error(
          `${path} is not a file of the emulator: move it away to start without its pods.`,
          { cause },
        );
      }
    },
    write(pods) {
      mkdirSync(folder, { recursive: true });
      // Renaming is atomic: a crash leaves the old file or the new one.
      const draft = `${path}.${process.pid}.tmp`;
      writeFileSync(draft, JSON.stringify({ version: 1, pods }), { mode: 0o600 });
      renameSync(draft, path);
    },
  };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
