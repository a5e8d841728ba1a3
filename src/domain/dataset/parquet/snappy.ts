/**
 * Snappy's raw format. Written here because it has to stop at the size that the page was said to
 * have, at any reference to before its start, and at any length that leads backwards.
 *
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
import { ByteReader } from './byte-reader.ts';
import type { Effort } from './limits.ts';
import { copyWithin } from './lz4.ts';

/** @throws {ParquetFault} it is not Snappy, or not of `size` bytes */
export async function unpackSnappy(
  packed: Uint8Array,
  size: number,
  effort: Effort,
): Promise<Uint8Array> {
  const reader = new ByteReader(packed, 'a page is not what Snappy writes');
  if (reader.varint() !== size) throw reader.fault();
  const output = new Uint8Array(size);
  let at = 0;
  while (reader.left > 0) {
    const tag = reader.byte();
    const kind = tag & 3;
    if (kind === 0) {
      const bytes = reader.take(literalLength(reader, tag >> 2));
      if (bytes.length > size - at) throw reader.fault();
      output.set(bytes, at);
      at += bytes.length;
    } else {
      const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const offset = kind === 1 ? (tag >> 5) * 256 + reader.byte() : little(reader, kind * 2 - 2);
      if (!copyWithin(output, at, offset, length)) throw reader.fault();
      at += length;
    }
    effort.step();
    if (effort.isTurnOver) await effort.rest();
  }
  if (at !== size) throw reader.fault();
  return output;
}

function literalLength(reader: ByteReader, length: number): number {
  return 1 + (length < 60 ? length : little(reader, length - 59));
}

function little(reader: ByteReader, bytes: number): number {
  let value = 0;
  for (let index = 0; index < bytes; index += 1) value += reader.byte() * 2 ** (8 * index);
  return value;
}
