/**
 * Thrift's compact protocol, as far as Parquet uses it. Only what is asked for is kept; everything
 * else is stepped over, so that time and memory are bounded by the bytes there are.
 *
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import type { ByteReader } from './byte-reader.ts';

const [TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT] = [
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12,
];
const MAX_DEPTH = 32;

/** What to do with a field, by its number; it must read the value, which is of this type. */
export type Fields = Readonly<Record<number, (type: number) => void>>;

export function readStruct(reader: ByteReader, fields: Fields): void {
  walkStruct(reader, fields, 0);
}

/** Of any width. */
export function readInt(reader: ByteReader, type: number): number {
  if (type === BYTE) return (reader.byte() << 24) >> 24;
  if (type !== I16 && type !== I32 && type !== I64) throw reader.fault();
  return reader.zigzag();
}

/** Of a field; it is in the type itself. */
export function readBool(reader: ByteReader, type: number): boolean {
  if (type !== TRUE && type !== FALSE) throw reader.fault();
  return type === TRUE;
}

export function readText(reader: ByteReader, type: number): string {
  if (type !== BINARY) throw reader.fault();
  return new TextDecoder().decode(reader.take(reader.varint()));
}

export function readStructField(reader: ByteReader, type: number, fields: Fields): void {
  if (type !== STRUCT) throw reader.fault();
  readStruct(reader, fields);
}

/** `readItem` is called for each struct in the list. @returns how many there are */
export function readStructs(reader: ByteReader, type: number, readItem: () => void): number {
  if (type !== LIST) throw reader.fault();
  const { count, itemType } = readListHead(reader);
  if (count > 0 && itemType !== STRUCT) throw reader.fault();
  for (let index = 0; index < count; index += 1) readItem();
  return count;
}

export function skip(reader: ByteReader, type: number, depth = 0): void {
  if (depth > MAX_DEPTH) throw reader.fault();
  switch (type) {
    case TRUE:
    case FALSE:
      return;
    case BYTE:
      reader.skip(1);
      return;
    case I16:
    case I32:
    case I64:
      reader.varint();
      return;
    case DOUBLE:
      reader.skip(8);
      return;
    case BINARY:
      reader.skip(reader.varint());
      return;
    case LIST:
    case SET: {
      const { count, itemType } = readListHead(reader);
      const isBool = itemType === TRUE || itemType === FALSE;
      for (let index = 0; index < count; index += 1) {
        skip(reader, isBool ? BYTE : itemType, depth + 1);
      }
      return;
    }
    case STRUCT:
      walkStruct(reader, {}, depth + 1);
      return;
    default:
      throw reader.fault();
  }
}

function walkStruct(reader: ByteReader, fields: Fields, depth: number): void {
  for (let id = 0; ;) {
    const head = reader.byte();
    if (head === 0) return;
    const [delta, type] = [head >> 4, head & 0x0f];
    id = delta === 0 ? reader.zigzag() : id + delta;
    const read = fields[id];
    if (read === undefined) skip(reader, type, depth);
    else read(type);
  }
}

/** Each item takes a byte at least. */
function readListHead(reader: ByteReader) {
  const head = reader.byte();
  const count = head >> 4 === 15 ? reader.varint() : head >> 4;
  if (count > reader.left) throw reader.fault();
  return { count, itemType: head & 0x0f };
}
