import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactStore } from '../../src/artifacts/artifact-store.ts';

export interface FolderStore extends Pick<ArtifactStore, 'adopt'> {
  /** Everything that can be seen, by key. */
  contents(): Readonly<Record<string, Buffer>>;
}

/** A store that is no more than a folder: `adopt` is one rename. */
export function createFolderStore(folder: string): FolderStore {
  return {
    async adopt(key, path) {
      const target = join(folder, key);
      await mkdir(dirname(target), { recursive: true });
      await rename(path, target);
    },
    contents: () =>
      Object.fromEntries(
        readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((name) => statSync(join(folder, name)).isFile())
          .map((name) => [name, readFileSync(join(folder, name))]),
      ),
  };
}
