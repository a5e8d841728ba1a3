import type { ByteReader } from './byte-reader.ts';
import { MAX_PAGE_BYTES, MAX_PAGE_VALUES } from './limits.ts';
import { ParquetFault } from './parquet-fault.ts';
import { readBool, readInt, readStruct, readStructField } from './thrift.ts';

export interface PageHeader {
  /** `other`: an index, to be stepped over. */
  readonly kind: 'data' | 'data-v2' | 'dictionary' | 'other';
  readonly storedBytes: number;
  /** Decompressed. */
  readonly sizeBytes: number;
  readonly valueCount: number;
  readonly encoding: number;
  /** Of the levels of a version 1 page; writers name any where there are none. */
  readonly levelEncodings: { readonly repetition: number; readonly definition: number };
  /** Only of `data-v2`, whose levels stand before the values and are not compressed. */
  readonly repetitionBytes: number;
  readonly definitionBytes: number;
  readonly isCompressed: boolean;
}

const KINDS = ['data', 'other', 'dictionary', 'data-v2'] as const;
/** Of levels: the only encoding that is written. */
export const RLE = 3;

/** @throws {ParquetFault} it is none, or over the limits */
export function readPageHeader(reader: ByteReader, column: string): PageHeader {
  let [kind, sizeBytes, storedBytes, valueCount] = [-1, -1, -1, 0];
  let [encoding, repetitionBytes, definitionBytes] = [-1, 0, 0];
  const levelEncodings = { repetition: RLE, definition: RLE };
  let isCompressed = true;
  const take = (set: (value: number) => void) => (type: number) => {
    set(readInt(reader, type));
  };
  const counted = {
    1: take((value) => (valueCount = value)),
    2: take((value) => (encoding = value)),
  };
  readStruct(reader, {
    1: take((value) => (kind = value)),
    2: take((value) => (sizeBytes = value)),
    3: take((value) => (storedBytes = value)),
    5: (type) => {
      readStructField(reader, type, {
        ...counted,
        3: take((value) => (levelEncodings.definition = value)),
        4: take((value) => (levelEncodings.repetition = value)),
      });
    },
    7: (type) => {
      readStructField(reader, type, counted);
    },
    8: (type) => {
      readStructField(reader, type, {
        1: counted[1],
        4: counted[2],
        5: take((value) => (definitionBytes = value)),
        6: take((value) => (repetitionBytes = value)),
        7: (inner) => (isCompressed = readBool(reader, inner)),
      });
    },
  });
  const named = KINDS[kind];
  if (named === undefined || Math.min(sizeBytes, storedBytes, valueCount) < 0) {
    throw reader.fault();
  }
  const levelBytes = definitionBytes + repetitionBytes;
  if (Math.min(definitionBytes, repetitionBytes) < 0) throw reader.fault();
  if (levelBytes > Math.min(sizeBytes, storedBytes)) throw reader.fault();
  if (Math.max(sizeBytes, storedBytes) > MAX_PAGE_BYTES) throw tooLarge(column, 'bytes');
  if (valueCount > MAX_PAGE_VALUES) throw tooLarge(column, 'values');
  return {
    kind: named,
    storedBytes,
    sizeBytes,
    valueCount,
    encoding,
    levelEncodings,
    repetitionBytes,
    definitionBytes,
    isCompressed,
  };
}

function tooLarge(column: string, unit: 'bytes' | 'values'): ParquetFault {
  const limit = unit === 'bytes' ? `${MAX_PAGE_BYTES / 1_024 / 1_024} MiB` : MAX_PAGE_VALUES;
  return new ParquetFault(
    `A page of the column \`${column}\` is larger than ${limit}${unit === 'bytes' ? '' : ' values'}: write the file with fewer rows in a row group (row_group_size=100).`,
  );
}
