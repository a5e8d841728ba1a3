import type { FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, zstdDecompress } from 'node:zlib';
import type { Compression, DatasetFile } from '../domain/dataset/dataset-file.ts';

/** 64 MiB, as the largest page: a frame may not ask for more to be decompressed in. */
const MAX_WINDOW_LOG = 26;
const ZSTD = { params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } };

/** In one piece of memory, and in Node's thread pool. */
const limitedTo = (bytes: number) => ({
  maxOutputLength: bytes,
  chunkSize: Math.max(bytes, constants.Z_MIN_CHUNK),
});
const DECOMPRESS: Readonly<
  Record<Compression, (bytes: Uint8Array, most: number) => Promise<Uint8Array>>
> = {
  gzip: (bytes, most) => promisify(gunzip)(bytes, limitedTo(most)),
  brotli: (bytes, most) => promisify(brotliDecompress)(bytes, limitedTo(most)),
  zstd: (bytes, most) => promisify(zstdDecompress)(bytes, { ...ZSTD, ...limitedTo(most) }),
};

/**
 * A file that was received, by ranges. `handle` stays open as long as it is used.
 * @param checkWanted called now and then; throws once nobody wants to know any more
 */
export function openDatasetFile(
  handle: FileHandle,
  sizeBytes: number,
  checkWanted: () => void = () => undefined,
): DatasetFile {
  return {
    sizeBytes,
    async read(from, length) {
      // Memory of its own: a view of Node's pool would be more than was asked for.
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, from + done);
        if (bytesRead === 0) throw new Error(`a file of ${sizeBytes} bytes ends before that`);
        done += bytesRead;
      }
      return bytes;
    },
    async decompress(kind, bytes, mostBytes) {
      try {
        return await DECOMPRESS[kind](bytes, mostBytes);
      } catch {
        return null;
      }
    },
    async pause() {
      await nextTurn();
      checkWanted();
    },
  };
}
