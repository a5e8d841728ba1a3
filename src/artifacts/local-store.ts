/** Artifacts in a folder of this machine: one file per key, nothing else is written. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../errors.ts';
import { asDiskFault, assertStorageKey } from './artifact-store.ts';
import type { ArtifactStore, ByteRange } from './artifact-store.ts';

const PLACE = 'The artifact folder';
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
/** Copies that are not complete: no key begins so, because a key with this name is refused. */
const INCOMING = '.incoming';
const STALE_COPY_MS = 24 * 3_600_000;
const READ_BLOCK_BYTES = 256 * 1_024;

/** The folder is made when it is first needed. */
export function createLocalStore(folder: string): ArtifactStore {
  const root = resolve(folder);
  let swept: Promise<void> | undefined;

  function pathOf(key: string): string {
    assertStorageKey(key);
    if (key.split('/')[0] === INCOMING) throw new TypeError(`not a storage key: ${key}`);
    return join(root, key);
  }

  /** Another file system: a rename cannot cross, so a complete copy is made beside the target. */
  async function bringOver(path: string, signal: AbortSignal | undefined): Promise<string> {
    const incoming = join(root, INCOMING);
    await makeFolders(root, incoming);
    await (swept ??= sweep(incoming));
    const copy = join(incoming, randomUUID());
    try {
      await copyFile(path, copy, constants.COPYFILE_EXCL);
      await syncFile(copy);
      signal?.throwIfAborted();
    } catch (error) {
      await unlinkIfThere(copy);
      throw error;
    }
    return copy;
  }

  async function moveIn(path: string, target: string, signal?: AbortSignal): Promise<void> {
    try {
      await rename(path, target);
    } catch (error) {
      if (codeOf(error) !== 'EXDEV') throw error;
      await rename(await bringOver(path, signal), target);
      await unlinkIfThere(path);
    }
    await syncFolder(dirname(target));
  }

  /** Null: nothing that we put there. A link is never followed, wherever in the path it is. */
  async function openFile(path: string): Promise<FileHandle | null> {
    try {
      const folder = dirname(path);
      const real = join(await realpath(root), folder.slice(root.length));
      if ((await realpath(folder)) !== real) return null;
      const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
      return null;
    } catch (error) {
      if (ABSENT.has(codeOf(error))) return null;
      throw asDiskFault(error, PLACE);
    }
  }

  async function* readRange(path: string, range: ByteRange, signal?: AbortSignal) {
    if (range.to < range.from) return;
    const handle = await openFile(path);
    if (handle === null) throw new AppError('NOT_FOUND', 'The file is not in the artifact folder.');
    const stream = handle.createReadStream({
      start: range.from,
      end: range.to,
      highWaterMark: READ_BLOCK_BYTES,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
    } catch (error) {
      throw asDiskFault(error, PLACE);
    } finally {
      // The reader may leave in the middle; the handle must not wait for the collector.
      stream.destroy();
      await handle.close();
    }
  }

  return {
    isLocal: true,
    async adopt(key, path, signal) {
      const target = pathOf(key);
      try {
        signal?.throwIfAborted();
        if (!(await lstat(path)).isFile()) throw new TypeError(`not a regular file: ${path}`);
        await makeFolders(root, dirname(target));
        await syncFile(path);
        await moveIn(path, target, signal);
      } catch (error) {
        throw asDiskFault(error, PLACE);
      }
    },
    async size(key) {
      const handle = await openFile(pathOf(key));
      if (handle === null) return null;
      try {
        return (await handle.stat()).size;
      } finally {
        await handle.close();
      }
    },
    read: (key, range, signal) => readRange(pathOf(key), range, signal),
    async remove(key) {
      const path = pathOf(key);
      try {
        await unlinkIfThere(path);
      } catch (error) {
        throw asDiskFault(error, PLACE);
      }
    },
    close: () => Promise.resolve(),
  };
}

const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** Every folder from `root` down to `folder`, each one's entry on disk before the next is used. */
async function makeFolders(root: string, folder: string): Promise<void> {
  if ((await mkdir(root, { recursive: true, mode: PRIVATE_FOLDER })) !== undefined) {
    await syncFolder(dirname(root));
  }
  let path = root;
  for (const name of folder.slice(root.length).split('/')) {
    if (name === '') continue;
    path = join(path, name);
    if (await makeFolder(path)) await syncFolder(dirname(path));
  }
}

/** @returns whether it is new */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: PRIVATE_FOLDER });
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    if (!(await lstat(path)).isDirectory()) {
      throw new TypeError(`not a folder: ${path}`, { cause: error });
    }
    return false;
  }
}

async function syncFile(path: string): Promise<void> {
  await chmod(path, PRIVATE_FILE);
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
}

/** Copies that a crash left behind. */
async function sweep(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > STALE_COPY_MS) await unlinkIfThere(path);
  }
}
