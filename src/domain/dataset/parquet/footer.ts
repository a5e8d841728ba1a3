/** What a Parquet file says of itself at its end: its columns, and where their chunks are. */
import type { DatasetFile } from '../dataset-file.ts';
import { ByteReader } from './byte-reader.ts';
import { MAX_FOOTER_BYTES, MAX_ROWS, MAX_ROW_GROUPS, MAX_SCHEMA_ELEMENTS } from './limits.ts';
import { ParquetFault, damaged } from './parquet-fault.ts';
import { BYTE_ARRAY, readSchema } from './schema.ts';
import type { Schema, SchemaElement } from './schema.ts';
import { readInt, readStruct, readStructField, readStructs, readText, skip } from './thrift.ts';
import type { Fields } from './thrift.ts';

export interface Chunk {
  readonly codec: number;
  readonly from: number;
  readonly to: number;
}

export interface RowGroup {
  readonly rowCount: number;
  /** By chunk index; only of leaves that are read. */
  readonly chunks: ReadonlyMap<number, Chunk>;
}

export interface Footer {
  readonly schema: Schema;
  readonly rowGroups: readonly RowGroup[];
}

export const MAGIC = 'PAR1';
export const ENCRYPTED_MAGIC = 'PARE';
export const NOT_PARQUET = new ParquetFault(
  'The file is not Parquet: it must begin and end with PAR1.',
);
export const ENCRYPTED = new ParquetFault(
  'The Parquet file is encrypted: no trainer could read it. Write it without encryption.',
);
const TAIL_BYTES = 8;
const REPETITIONS = ['required', 'optional', 'repeated'] as const;

/** @throws {ParquetFault} */
export async function readFooter(file: DatasetFile): Promise<Footer> {
  if (file.sizeBytes < MAGIC.length + TAIL_BYTES) throw NOT_PARQUET;
  const tailAt = file.sizeBytes - TAIL_BYTES;
  const tail = new ByteReader(await file.read(tailAt, TAIL_BYTES), 'it has no end');
  const length = tail.uint32();
  const magic = new TextDecoder().decode(tail.take(MAGIC.length));
  if (magic === ENCRYPTED_MAGIC) throw ENCRYPTED;
  if (magic !== MAGIC) throw damaged('it begins as Parquet but does not end so');
  if (length > tailAt - MAGIC.length) throw damaged('its footer is longer than the file');
  if (length > MAX_FOOTER_BYTES) throw tooMany('a footer', MAX_FOOTER_BYTES, 'bytes');
  const bytes = await file.read(tailAt - length, length);
  return parseFooter(new ByteReader(bytes, 'its footer cannot be read'), tailAt - length);
}

function parseFooter(reader: ByteReader, dataEnd: number): Footer {
  const rowGroups: RowGroup[] = [];
  let schema: Schema | undefined;
  let rowCount = 0;
  let summed = 0;
  let chunkBytes = 0;
  readStruct(reader, {
    2: (type) => {
      schema = readSchema(readElements(reader, type));
    },
    3: (type) => {
      rowCount = readInt(reader, type);
    },
    4: (type) => {
      // The columns come first in every file: without them nobody knows which chunks matter.
      if (schema === undefined) throw reader.fault();
      const wanted = wantedChunks(schema);
      const { chunkCount } = schema;
      readStructs(reader, type, () => {
        if (rowGroups.length >= MAX_ROW_GROUPS) throw tooMany('', MAX_ROW_GROUPS, 'row groups');
        const group = readRowGroup(reader, wanted, chunkCount, dataEnd);
        summed += group.rowCount;
        chunkBytes += bytesOf(group);
        // Each byte is read once: work on the file is bounded by its size, too.
        if (chunkBytes > dataEnd) throw damaged('its columns overlap');
        rowGroups.push(group);
      });
    },
  });
  if (schema === undefined) throw reader.fault();
  if (summed !== rowCount) throw damaged(`it says ${rowCount} rows, its row groups ${summed}`);
  if (rowCount > MAX_ROWS) throw tooMany('', MAX_ROWS, 'rows');
  return { schema, rowGroups };
}

function tooMany(what: string, limit: number, unit: string): ParquetFault {
  const of = what === '' ? '' : `${what} of `;
  return new ParquetFault(`The Parquet file has ${of}more than ${limit} ${unit}.`);
}

function wantedChunks({ columns }: Schema): ReadonlySet<number> {
  const leaves = columns.flatMap((column) => {
    if (column.kind === 'text') return [column.leaf];
    return column.kind === 'turns' ? column.fields.map(({ leaf }) => leaf) : [];
  });
  return new Set(leaves.map(({ chunkIndex }) => chunkIndex));
}

function readElements(reader: ByteReader, type: number): SchemaElement[] {
  const elements: SchemaElement[] = [];
  readStructs(reader, type, () => {
    if (elements.length >= MAX_SCHEMA_ELEMENTS) throw tooMany('', MAX_SCHEMA_ELEMENTS, 'columns');
    elements.push(readElement(reader));
  });
  return elements;
}

function readElement(reader: ByteReader): SchemaElement {
  let [name, childCount, repetition] = ['', 0, 0];
  const seen: { type: number | null; meaning: SchemaElement['meaning'] } = {
    type: null,
    meaning: 'other',
  };
  const mean =
    (value: SchemaElement['meaning']) =>
    (type: number): void => {
      seen.meaning = value;
      skip(reader, type);
    };
  readStruct(reader, {
    1: (type) => (seen.type = readInt(reader, type)),
    3: (type) => (repetition = readInt(reader, type)),
    4: (type) => (name = readText(reader, type)),
    5: (type) => (childCount = readInt(reader, type)),
    // Converted type: UTF8, LIST, JSON.
    6: (type) => {
      const converted = readInt(reader, type);
      if (converted === 0 || converted === 19) seen.meaning = 'text';
      if (converted === 3) seen.meaning = 'list';
    },
    // Logical type, which says the same in newer files: STRING, LIST, UNKNOWN, JSON.
    10: (type) => {
      const meanings = { 1: mean('text'), 3: mean('list'), 11: mean('null'), 12: mean('text') };
      readStructField(reader, type, meanings);
    },
  });
  const { meaning } = seen;
  const type = childCount > 0 ? null : seen.type;
  return {
    name,
    type,
    repetition: REPETITIONS[repetition] ?? 'required',
    childCount,
    meaning: meaning === 'text' && type !== BYTE_ARRAY ? 'other' : meaning,
  };
}

function readRowGroup(
  reader: ByteReader,
  wanted: ReadonlySet<number>,
  chunkCount: number,
  dataEnd: number,
): RowGroup {
  const chunks = new Map<number, Chunk>();
  let rowCount = 0;
  readStruct(reader, {
    1: (type) => {
      let index = 0;
      const count = readStructs(reader, type, () => {
        if (wanted.has(index)) chunks.set(index, readChunk(reader));
        else readStruct(reader, REFUSE_ENCRYPTED);
        index += 1;
      });
      if (count !== chunkCount) throw reader.fault();
    },
    3: (type) => {
      rowCount = readInt(reader, type);
    },
  });
  if (rowCount < 0 || chunks.size !== wanted.size) throw reader.fault();
  // Without rows its chunks are nowhere.
  const isOutside = ({ from, to }: Chunk) => from < MAGIC.length || to < from || to > dataEnd;
  if (rowCount > 0 && [...chunks.values()].some(isOutside)) {
    throw damaged('a column lies outside the file');
  }
  return { rowCount, chunks };
}

function bytesOf({ rowCount, chunks }: RowGroup): number {
  if (rowCount === 0) return 0;
  return [...chunks.values()].reduce((sum, { from, to }) => sum + to - from, 0);
}

function refuseEncrypted(): void {
  throw ENCRYPTED;
}

const REFUSE_ENCRYPTED: Fields = { 8: refuseEncrypted, 9: refuseEncrypted };

function readChunk(reader: ByteReader): Chunk {
  let [codec, size, dataAt, dictionaryAt] = [-1, -1, -1, 0];
  readStruct(reader, {
    ...REFUSE_ENCRYPTED,
    1: (type) => {
      if (readText(reader, type) === '') return;
      throw new ParquetFault('The Parquet file keeps its columns in other files.');
    },
    3: (type) => {
      readStructField(reader, type, {
        4: (inner) => (codec = readInt(reader, inner)),
        7: (inner) => (size = readInt(reader, inner)),
        9: (inner) => (dataAt = readInt(reader, inner)),
        11: (inner) => (dictionaryAt = readInt(reader, inner)),
      });
    },
  });
  // Some writers give no dictionary as one at 0.
  const from = dictionaryAt > 0 ? Math.min(dictionaryAt, dataAt) : dataAt;
  return { codec, from, to: from + size };
}
