/**
 * Byte arrays out of a page, one at a time and as views of it: a page holds no more memory than it
 * was allowed to have.
 *
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import { ByteReader } from './byte-reader.ts';
import { HybridNumbers, PackedBits } from './levels.ts';
import { MAX_PAGE_BYTES, MAX_PAGE_VALUES } from './limits.ts';
import type { Effort } from './limits.ts';
import { ParquetFault } from './parquet-fault.ts';

export interface Values {
  /** @throws {ParquetFault} there are no more */
  next(): Uint8Array;
}

/** The values of a dictionary page. */
export class Dictionary {
  private readonly bytes: Uint8Array;
  private readonly starts: Uint32Array;

  private constructor(bytes: Uint8Array, starts: Uint32Array) {
    this.bytes = bytes;
    this.starts = starts;
  }

  /** @throws {ParquetFault} it has fewer values than `count` */
  static async read(bytes: Uint8Array, count: number, effort: Effort): Promise<Dictionary> {
    const reader = new ByteReader(bytes, SHORT);
    // Each value has its length before it.
    if (count * 4 > bytes.length) throw reader.fault();
    const starts = new Uint32Array(count);
    for (let index = 0; index < count; index += 1) {
      starts[index] = reader.at;
      reader.skip(reader.uint32());
      effort.step();
      if (effort.isTurnOver) await effort.rest();
    }
    return new Dictionary(bytes, starts);
  }

  at(index: number): Uint8Array {
    const start = this.starts[index];
    const reader = new ByteReader(this.bytes, 'a value is not in its dictionary');
    if (start === undefined) throw reader.fault();
    reader.at = start;
    return reader.take(reader.uint32());
  }
}

/** @param count how many values there are, nulls not counted, at most */
export async function openValues(
  encoding: number,
  bytes: Uint8Array,
  dictionary: Dictionary | null,
  count: number,
  effort: Effort,
): Promise<Values> {
  const reader = new ByteReader(bytes, SHORT);
  switch (encoding) {
    case 0:
      return { next: () => reader.take(reader.uint32()) };
    case 2:
    case 8:
      return openIndexes(reader, dictionary);
    case 6:
      return openLengths(reader, count, effort);
    case 7:
      return openPrefixes(reader, count, effort);
    default:
      throw new ParquetFault(
        `The Parquet file has text in the encoding ${ENCODINGS[encoding] ?? encoding}, which cannot be read.`,
      );
  }
}

const SHORT = 'a page has fewer values than it says';
const ENCODINGS: Readonly<Record<number, string>> = {
  3: 'RLE',
  4: 'BIT_PACKED',
  5: 'DELTA_BINARY_PACKED',
  9: 'BYTE_STREAM_SPLIT',
};

function openIndexes(reader: ByteReader, dictionary: Dictionary | null): Values {
  // A page of nothing but null may have no width, and no dictionary.
  let indexes: HybridNumbers | undefined;
  return {
    next() {
      if (dictionary === null) throw reader.fault();
      if (indexes === undefined) {
        const width = reader.byte();
        indexes = new HybridNumbers(reader.take(reader.left), width);
      }
      return dictionary.at(indexes.next());
    },
  };
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
async function openLengths(reader: ByteReader, count: number, effort: Effort): Promise<Values> {
  const lengths = await readDeltas(reader, count, effort);
  let index = 0;
  return {
    next() {
      const length = lengths[index] ?? -1;
      index += 1;
      return reader.take(length);
    },
  };
}

/** DELTA_BYTE_ARRAY: each value begins as the one before it. */
async function openPrefixes(reader: ByteReader, count: number, effort: Effort): Promise<Values> {
  const prefixes = await readDeltas(reader, count, effort);
  const suffixes = await openLengths(reader, count, effort);
  let index = 0;
  let value: Uint8Array = new Uint8Array();
  return {
    next() {
      const suffix = suffixes.next();
      const prefix = prefixes[index] ?? -1;
      index += 1;
      if (prefix > value.length || prefix + suffix.length > MAX_PAGE_BYTES) throw reader.fault();
      if (prefix === 0) {
        value = suffix;
      } else if (suffix.length > 0 || prefix < value.length) {
        const next = new Uint8Array(prefix + suffix.length);
        next.set(value.subarray(0, prefix));
        next.set(suffix, prefix);
        value = next;
      }
      return value;
    },
  };
}

/** DELTA_BINARY_PACKED, for lengths: none is negative, none longer than a page. */
async function readDeltas(reader: ByteReader, most: number, effort: Effort): Promise<Int32Array> {
  const [blockSize, miniBlocks, count] = [reader.varint(), reader.varint(), reader.varint()];
  const perMiniBlock = blockSize / miniBlocks;
  const isSound = Number.isSafeInteger(perMiniBlock) && perMiniBlock > 0 && perMiniBlock % 8 === 0;
  if (!isSound || count > most || count > MAX_PAGE_VALUES) throw reader.fault();
  const values = new Int32Array(count);
  let value = reader.zigzag();
  const put = (index: number) => {
    if (value < 0 || value > MAX_PAGE_BYTES) throw reader.fault();
    values[index] = value;
  };
  if (count > 0) put(0);
  for (let filled = 1; filled < count;) {
    const least = reader.zigzag();
    for (const width of reader.take(miniBlocks)) {
      if (filled >= count) break;
      if (width > 32) throw reader.fault();
      const bits = new PackedBits(reader.take((perMiniBlock * width) / 8), width);
      const end = Math.min(filled + perMiniBlock, count);
      for (; filled < end; filled += 1) {
        value += least + bits.next();
        put(filled);
        effort.step();
        if (effort.isTurnOver) await effort.rest();
      }
    }
  }
  return values;
}
