import type { Compression, DatasetFile } from '../dataset-file.ts';
import type { Effort } from './limits.ts';
import { unpackLz4 } from './lz4.ts';
import { ParquetFault, damaged } from './parquet-fault.ts';
import { unpackSnappy } from './snappy.ts';

const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'];
const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  GZIP: 'gzip',
  BROTLI: 'brotli',
  ZSTD: 'zstd',
};

/** @throws {ParquetFault} the codec is not known, or the bytes do not become exactly `size` */
export async function decompressPage(
  file: DatasetFile,
  codec: number,
  bytes: Uint8Array,
  size: number,
  effort: Effort,
): Promise<Uint8Array> {
  const unpacked = await unpack(file, codec, bytes, size, effort);
  if (unpacked?.length === size) return unpacked;
  throw damaged(`a page does not become the ${size} bytes that it says`);
}

async function unpack(
  file: DatasetFile,
  codec: number,
  bytes: Uint8Array,
  size: number,
  effort: Effort,
): Promise<Uint8Array | null> {
  const name = CODECS[codec] ?? String(codec);
  const compression = COMPRESSIONS[name];
  if (name === 'UNCOMPRESSED') return bytes;
  // A page of nothing but null may be of no bytes at all, which no codec takes.
  if (size === 0) return new Uint8Array();
  if (compression !== undefined) return file.decompress(compression, bytes, size);
  if (name === 'SNAPPY') return unpackSnappy(bytes, size, effort);
  if (name === 'LZ4_RAW') return unpackLz4(bytes, size, effort);
  throw new ParquetFault(
    `The Parquet file is compressed by ${name}, which cannot be read: write it with Snappy, ZSTD or GZIP.`,
  );
}
