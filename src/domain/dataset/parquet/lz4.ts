/** One block of LZ4, as Parquet's codec LZ4_RAW has it. */
import { ByteReader } from './byte-reader.ts';
import type { Effort } from './limits.ts';

/** @throws {ParquetFault} it is not LZ4, or not of `size` bytes */
export async function unpackLz4(
  packed: Uint8Array,
  size: number,
  effort: Effort,
): Promise<Uint8Array> {
  const reader = new ByteReader(packed, 'a page is not what LZ4 writes');
  const output = new Uint8Array(size);
  let at = 0;
  while (reader.left > 0) {
    const token = reader.byte();
    const bytes = reader.take(longLength(reader, token >> 4));
    if (bytes.length > size - at) throw reader.fault();
    output.set(bytes, at);
    at += bytes.length;
    effort.step();
    if (effort.isTurnOver) await effort.rest();
    // The last sequence has no reference.
    if (reader.left === 0) break;
    const offset = reader.byte() + reader.byte() * 256;
    const length = longLength(reader, token & 15) + 4;
    if (!copyWithin(output, at, offset, length)) throw reader.fault();
    at += length;
  }
  if (at !== size) throw reader.fault();
  return output;
}

function longLength(reader: ByteReader, short: number): number {
  let length = short;
  for (let byte = short === 15 ? 255 : 0; byte === 255;) {
    byte = reader.byte();
    length += byte;
  }
  return length;
}

/**
 * Repeats what stands `offset` bytes before `at`; it may overlap what it makes.
 * @returns false: there is no such place, or no room
 */
export function copyWithin(
  output: Uint8Array,
  at: number,
  offset: number,
  length: number,
): boolean {
  if (offset < 1 || offset > at || length > output.length - at) return false;
  for (let done = 0; done < length;) {
    // What was copied can be copied again: few steps even for a long run of one byte.
    const step = Math.min(offset + done, length - done);
    output.copyWithin(at + done, at - offset, at - offset + step);
    done += step;
  }
  return true;
}
