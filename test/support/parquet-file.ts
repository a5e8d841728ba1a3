/**
 * Parquet files byte by byte, so that they can be wrong in one place: what no library would write.
 *
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 */
type Value = number | bigint | boolean | string | Nested;
type Nested =
  | { readonly list: readonly Struct[] }
  | { readonly struct: Struct }
  | { readonly raw: Buffer; readonly type: number };
/** By field number, ascending. */
export type Struct = readonly (readonly [id: number, value: Value])[];

export const CODEC = {
  NONE: 0,
  SNAPPY: 1,
  GZIP: 2,
  LZO: 3,
  BROTLI: 4,
  LZ4: 5,
  ZSTD: 6,
  LZ4_RAW: 7,
};

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let left = BigInt(value);
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(left)]);
}

/** Thrift's compact protocol; numbers are I32, bigints I64. */
export function thrift(struct: Struct): Buffer {
  const parts: Buffer[] = [];
  let last = 0;
  for (const [id, value] of struct) {
    const [type, body] = encode(value);
    parts.push(Buffer.from([((id - last) << 4) | type]), body);
    last = id;
  }
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function encode(value: Value): [type: number, body: Buffer] {
  if (typeof value === 'object') return encodeNested(value);
  if (typeof value === 'boolean') return [value ? 1 : 2, Buffer.alloc(0)];
  if (typeof value === 'string') {
    return [8, Buffer.concat([varint(Buffer.byteLength(value)), Buffer.from(value)])];
  }
  const wide = BigInt(value);
  return [typeof value === 'number' ? 5 : 6, varint(wide < 0n ? -wide * 2n - 1n : wide * 2n)];
}

function encodeNested(value: Nested): [type: number, body: Buffer] {
  if ('raw' in value) return [value.type, value.raw];
  if ('struct' in value) return [12, thrift(value.struct)];
  const head = Buffer.concat([Buffer.from([0xfc]), varint(value.list.length)]);
  return [9, Buffer.concat([head, ...value.list.map(thrift)])];
}

/** Of required text: the values alone. */
export function textPage(
  values: readonly string[],
  { packed, header = {} }: PageOptions = {},
): Buffer {
  const body = Buffer.concat(values.map(plain));
  const stored = packed === undefined ? body : packed(body);
  const { size = body.length, count = values.length, encoding = 0 } = header;
  const { stored: storedBytes = stored.length, levels = 3 } = header;
  const data: Struct = [
    [1, count],
    [2, encoding],
    [3, levels],
    [4, levels],
  ];
  const head: Struct = [
    [1, 0],
    [2, size],
    [3, storedBytes],
    [5, { struct: data }],
  ];
  return Buffer.concat([thrift(head), stored]);
}

export function dictionaryPage(values: readonly string[]): Buffer {
  const body = Buffer.concat(values.map(plain));
  const dictionary: Struct = [
    [1, values.length],
    [2, 0],
  ];
  const head: Struct = [
    [1, 2],
    [2, body.length],
    [3, body.length],
    [7, { struct: dictionary }],
  ];
  return Buffer.concat([thrift(head), body]);
}

interface PageOptions {
  readonly packed?: (body: Buffer) => Buffer;
  /** What the header says instead of the truth. */
  readonly header?: Partial<Record<'size' | 'stored' | 'count' | 'encoding' | 'levels', number>>;
}

/** One value as PLAIN has it. */
export function plain(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
}

export interface Shape {
  readonly rows: number | bigint;
  readonly pageBytes: number;
  readonly codec?: number;
  /** Elements of the schema; else one column of required text. */
  readonly schema?: readonly Struct[];
  readonly rowGroups?: readonly Struct[];
}

export const TEXT_SCHEMA: readonly Struct[] = [
  [
    [4, 'schema'],
    [5, 1],
  ],
  [
    [1, 6],
    [3, 0],
    [4, 'text'],
    [6, 0],
  ],
];

/** A row group of one column whose pages begin at `from`. */
export function rowGroup(rows: number | bigint, from: number, bytes: number, codec = 0): Struct {
  const column: Struct = [
    [1, 6],
    [2, { raw: Buffer.from([0x15, 0]), type: 9 }],
    [3, { raw: Buffer.from([0x18, 4, ...Buffer.from('text')]), type: 9 }],
    [4, codec],
    [5, BigInt(rows)],
    [6, BigInt(bytes)],
    [7, BigInt(bytes)],
    [9, BigInt(from)],
  ];
  return [
    [
      1,
      {
        list: [
          [
            [2, BigInt(from)],
            [3, { struct: column }],
          ],
        ],
      },
    ],
    [2, BigInt(bytes)],
    [3, BigInt(rows)],
  ];
}

/** What follows the pages: footer, its length, magic. */
export function footerOf({ rows, pageBytes, codec, schema, rowGroups }: Shape): Buffer {
  const groups = rowGroups ?? [rowGroup(rows, 4, pageBytes, codec)];
  return endedBy(
    thrift([
      [1, 1],
      [2, { list: schema ?? TEXT_SCHEMA }],
      [3, BigInt(rows)],
      [4, { list: groups }],
    ]),
  );
}

export function endedBy(footer: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([footer, length, Buffer.from('PAR1')]);
}

/** One row group of these pages. */
export function parquetFile(pages: readonly Buffer[], shape: Omit<Shape, 'pageBytes'>): Buffer {
  const data = Buffer.concat(pages);
  const footer = footerOf({ ...shape, pageBytes: data.length });
  return Buffer.concat([Buffer.from('PAR1'), data, footer]);
}
