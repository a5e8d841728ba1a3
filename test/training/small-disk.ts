/** A disk that is really full: a file system of its own, of a size that a test chooses. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const MIB = 1024 ** 2;

export type SmallDisk =
  | { readonly kind: 'mounted'; readonly fill: (leaveBytes: number) => void }
  /** Not everybody may mount. */
  | { readonly kind: 'refused'; readonly reason: string };

/** In memory, below this folder until the test ends. */
export function mountSmallDisk(folder: string, sizeBytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  const size = `size=${Math.floor(sizeBytes / MIB)}m`;
  const { status, stderr, error } = spawnSync(
    'mount',
    ['-t', 'tmpfs', '-o', size, 'tmpfs', folder],
    { encoding: 'utf8' },
  );
  if (status !== 0) return { kind: 'refused', reason: error?.message ?? stderr.trim() };
  onTestFinished(() => {
    // Lazily: whatever still has a file open in it holds nobody up.
    spawnSync('umount', ['--lazy', folder]);
  });
  return {
    kind: 'mounted',
    fill: (leaveBytes) => {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(join(folder, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
    },
  };
}
