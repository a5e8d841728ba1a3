/**
 * A pod's folder: `home`, `tmp` and its working directory are the container disk, `workspace` is
 * where a volume would be mounted, and part of the container disk where there is none.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../pods/pod.ts';

const VOLUME = 'workspace';

export async function makeDisk(folder: string): Promise<void> {
  for (const name of ['home', 'tmp', VOLUME]) {
    await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  }
}

/** Empties the container disk; a volume stays. */
export async function wipeDisk(folder: string, { spec }: Pod): Promise<void> {
  const hasVolume = Object.keys(spec.mounts).length > 0;
  const names = await readdir(folder).catch(() => []);
  const wiped = names.filter((name) => !hasVolume || name !== VOLUME);
  await Promise.all(wiped.map((name) => removeFolder(join(folder, name))));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
