import { zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createDatasetCheck } from '../../src/domain/dataset/dataset-check.ts';
import { Effort, MAX_WORK_BYTES } from '../../src/domain/dataset/parquet/limits.ts';
import { datasetFileOf } from '../support/dataset-file.ts';
import {
  CODEC,
  dictionaryPage,
  TEXT_SCHEMA,
  endedBy,
  footerOf,
  parquetFile,
  plain,
  rowGroup,
  textPage,
  thrift,
  varint,
} from '../support/parquet-file.ts';
import type { Struct } from '../support/parquet-file.ts';

const MIB = 1_024 * 1_024;
const TWO = ['a', 'b'];

async function check(bytes: Buffer) {
  const check = createDatasetCheck('parquet');
  await check.push(bytes);
  return check.end(await datasetFileOf(bytes));
}

async function expectRefusal(bytes: Buffer, message: string | RegExp) {
  const report = await check(bytes);
  expect(report).toMatchObject({ kind: 'faulty' });
  expect(report.kind === 'faulty' && report.message).toMatch(message);
}

const withFooter = (footer: Buffer) => Buffer.concat([Buffer.from('PAR1'), endedBy(footer)]);
const packedBy = (bytes: readonly number[]) => ({ packed: () => Buffer.from(bytes) });

test('the files of these tests are Parquet but for what is wrong in them', async () => {
  const sound = { kind: 'sound', format: 'parquet', rowCount: 4 };
  expect(await check(parquetFile([textPage(TWO), textPage(TWO)], { rows: 4 }))).toEqual(sound);
});

test('levels that are not there may be of any encoding, as Spark and Trino write', async () => {
  const page = textPage(TWO, { header: { levels: 4 } });
  const sound = { kind: 'sound', format: 'parquet', rowCount: 2 };
  expect(await check(parquetFile([page], { rows: 2 }))).toEqual(sound);
});

test('runs of no values end the check', async () => {
  for (const empty of [0, 1]) {
    const indexes = Buffer.concat([Buffer.from([0]), Buffer.alloc(MIB, empty), varint(4)]);
    const header = { encoding: 8, size: indexes.length, count: 2 };
    const page = textPage([], { packed: () => indexes, header });
    const file = parquetFile([dictionaryPage(['a']), page], { rows: 2 });
    await expectRefusal(file, 'a run of values ends too early');
  }
});

test('a check that nobody waits for any more ends', async () => {
  const values = Array.from({ length: 10_000 }, () => 'a');
  const bytes = parquetFile([textPage(values)], { rows: values.length });
  const check = createDatasetCheck('parquet');
  await check.push(bytes);
  const file = await datasetFileOf(bytes);
  const pause = () => Promise.reject(new Error('nobody waits'));
  await expect(check.end({ ...file, pause })).rejects.toThrow('nobody waits');
});

test('row groups that share their bytes are refused', async () => {
  const page = textPage(TWO);
  const rowGroups = Array.from({ length: 3 }, () => rowGroup(2, 4, page.length));
  await expectRefusal(parquetFile([page], { rows: 6, rowGroups }), 'its columns overlap');
});

test('a page that becomes more than it says is not decompressed', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(256 * MIB));
  const page = textPage(TWO, { packed: () => bomb });
  await expectRefusal(
    parquetFile([page], { rows: 2, codec: CODEC.ZSTD }),
    'a page does not become',
  );
});

test.each([
  ['bytes', { size: 2 ** 31 - 1 }, 'larger than 64 MiB'],
  ['values', { count: 2 ** 31 - 1 }, 'larger than 16777216 values'],
  ['fewer bytes than none', { size: -1 }, 'cannot be read'],
  ['fewer values than none', { count: -5 }, 'cannot be read'],
])('a page that says that it has too many %s is not read', async (_name, header, message) => {
  await expectRefusal(parquetFile([textPage(TWO, { header })], { rows: 2 }), message);
});

test('a page says no more than what it has', async () => {
  const page = textPage(TWO, { header: { count: 1_000 } });
  await expectRefusal(parquetFile([page], { rows: 1_000 }), 'fewer values than it says');
  const long = textPage(TWO, { packed: () => Buffer.from([0xff, 0xff, 0xff, 0x7f, 0x61]) });
  await expectRefusal(parquetFile([long], { rows: 2 }), 'a page does not become');
  await expectRefusal(parquetFile([textPage(TWO)], { rows: 3 }), 'ends before row 3');
  await expectRefusal(parquetFile([textPage([...TWO, 'c'])], { rows: 2 }), 'more values than');
});

test.each([
  ['a literal whose length leads backwards', [10, 0xfc, 0xfa, 0xff, 0xff, 0xff, 0, 0]],
  ['a reference before the start', [10, 0x00, 0x61, 0x15, 0x05]],
  ['a reference to nothing', [10, 0x00, 0x61, 0x15, 0x00]],
  ['a literal beyond what it says', [10, 0x28, ...Buffer.from('abcdefghijk')]],
  ['a reference beyond what it says', [10, 0x00, 0x61, 0xfe, 0x01, 0x00]],
  ['less than it says', [10, 0x00, 0x61]],
  ['another size', [1, 0x00, 0x61]],
])('Snappy with %s is refused', async (_name, bytes) => {
  const file = parquetFile([textPage(TWO, packedBy(bytes))], { rows: 2, codec: CODEC.SNAPPY });
  await expectRefusal(file, 'a page is not what Snappy writes');
});

test.each([
  ['a reference before the start', [0x15, 0x61, 0x02, 0x00]],
  ['a literal beyond what it says', [0xb0, ...Buffer.from('abcdefghijk')]],
  ['a length without an end', [0xff, ...Buffer.alloc(40, 0xff)]],
  ['less than it says', [0x10, 0x61]],
])('LZ4 with %s is refused', async (_name, bytes) => {
  const file = parquetFile([textPage(TWO, packedBy(bytes))], { rows: 2, codec: CODEC.LZ4_RAW });
  await expectRefusal(file, 'a page is not what LZ4 writes');
});

test('a page that goes beyond its column is refused', async () => {
  const page = textPage(TWO, { header: { stored: MIB } });
  await expectRefusal(
    parquetFile([page], { rows: 2 }),
    'a page of the column `text` cannot be read',
  );
});

/** `messages`, where each of its two columns says by itself where rows begin. */
function turnsFile(role: readonly Run[], content: readonly Run[], rows: number): Buffer {
  const [roles, contents] = [turnsPage(role), turnsPage(content)];
  const groups = [
    rowGroup(rows, 4, roles.length),
    rowGroup(rows, 4 + roles.length, contents.length),
  ];
  const columns = groups
    .flatMap((group) => group[0]?.[1] as { list: Struct[] })
    .flatMap(({ list }) => list);
  const rowGroups: Struct[] = [
    [
      [1, { list: columns }],
      [3, BigInt(rows)],
    ],
  ];
  return parquetFile([roles, contents], { rows, rowGroups, schema: TURNS_SCHEMA });
}

const TURNS_SCHEMA: readonly Struct[] = [
  [
    [4, 'schema'],
    [5, 1],
  ],
  [
    [3, 2],
    [4, 'messages'],
    [5, 2],
  ],
  ...['role', 'content'].map((name): Struct => [
    [1, 6],
    [3, 1],
    [4, name],
    [6, 0],
  ]),
];

/** So many entries, all empty text, at this repetition and definition level (2: there). */
type Run = readonly [count: number, repetition: number, definition: number];

function turnsPage(runs: readonly Run[]): Buffer {
  const levels = [1, 2].map((at) => {
    const bytes = Buffer.concat(
      runs.flatMap((run) => [varint(run[0] * 2), Buffer.from([run[at] ?? 0])]),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([length, bytes]);
  });
  const count = runs.reduce((sum, [of]) => sum + of, 0);
  const body = Buffer.concat([...levels, Buffer.alloc(count * 4)]);
  return textPage([], { packed: () => body, header: { size: body.length, count } });
}

const ROWS: readonly Run[] = [
  [1, 0, 2],
  [2, 1, 2],
  [1, 0, 2],
];

test('turns are put together of columns that agree, and refused where they do not', async () => {
  expect(await check(turnsFile(ROWS, ROWS, 2))).toMatchObject({ kind: 'sound', rowCount: 2 });
  const fewer: readonly Run[] = [
    [1, 0, 2],
    [1, 1, 2],
    [1, 0, 2],
  ];
  await expectRefusal(turnsFile(ROWS, fewer, 2), 'the fields of `messages` do not match');
  await expectRefusal(turnsFile([[3, 1, 2]], ROWS, 2), 'begins inside a row');
  await expectRefusal(turnsFile([[2, 0, 3]], [[2, 0, 2]], 2), 'a level is too high');
  await expectRefusal(turnsFile(ROWS, ROWS, 3), 'ends before row 3');
  await expectRefusal(turnsFile(ROWS, ROWS, 1), 'more values than there are rows');
});

test('a row of more turns than fit in memory is refused by its number', async () => {
  const many: readonly Run[] = [
    [2, 0, 2],
    [600_000, 1, 2],
    [1, 0, 2],
  ];
  expect(await check(turnsFile(many, many, 3))).toMatchObject({
    rows: [{ row: 2, message: 'is longer than 8 MiB' }],
  });
});

test('a run that says billions costs what is asked of it', async () => {
  const run = Buffer.concat([Buffer.from([1]), varint(2 ** 32), Buffer.from([1])]);
  const header = { encoding: 8, size: run.length };
  const page = textPage(TWO, { packed: () => run, header });
  const pages = [dictionaryPage(TWO), page];
  expect(await check(parquetFile(pages, { rows: 2 }))).toMatchObject({ rowCount: 2 });
  const outside = Buffer.concat([Buffer.from([8]), varint(2 ** 32), Buffer.from([9])]);
  const wrong = textPage(TWO, { packed: () => outside, header });
  const message = 'a value is not in its dictionary';
  await expectRefusal(parquetFile([dictionaryPage(TWO), wrong], { rows: 2 }), message);
  const wide = textPage(TWO, {
    packed: () => Buffer.from([40, 4, 0]),
    header: { ...header, size: 3 },
  });
  await expectRefusal(parquetFile([dictionaryPage(TWO), wide], { rows: 2 }), 'a run of values');
  // Groups of no bits, of which there seem to be fewer than none.
  const empty = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  const zeros = textPage(TWO, { packed: () => empty, header: { encoding: 8, size: 6 } });
  expect(await check(parquetFile([dictionaryPage(TWO), zeros], { rows: 2 }))).toMatchObject({
    rowCount: 2,
  });
});

test('lengths that say more than there are values are not made', async () => {
  // DELTA_LENGTH_BYTE_ARRAY in blocks of nothing, and of more lengths than the page has values.
  for (const head of [
    [0, 0, 2, 2],
    [128, 4, 2 ** 31, 2],
    [128, 0, 2, 2],
    [7, 4, 2, 2],
  ]) {
    const body = Buffer.concat(head.map(varint));
    const page = textPage(TWO, {
      packed: () => body,
      header: { encoding: 6, size: body.length },
    });
    await expectRefusal(parquetFile([page], { rows: 2 }), 'fewer values than it says');
  }
});

test.each([
  [CODEC.LZO, 'compressed by LZO, which cannot be read'],
  [CODEC.LZ4, 'compressed by LZ4, which cannot be read'],
  [99, 'compressed by 99, which cannot be read'],
])('codec %i is refused', async (codec, message) => {
  await expectRefusal(parquetFile([textPage(TWO)], { rows: 2, codec }), message);
});

test('an encoding that text never has is refused', async () => {
  const page = textPage(TWO, { header: { encoding: 9 } });
  await expectRefusal(parquetFile([page], { rows: 2 }), 'encoding BYTE_STREAM_SPLIT');
});

test('a row over 8 MiB is refused by its number', async () => {
  const page = textPage(['a', 'x'.repeat(8 * MIB + 1), 'c']);
  expect(await check(parquetFile([page], { rows: 3 }))).toMatchObject({
    rows: [{ row: 2, message: 'is longer than 8 MiB' }],
  });
});

test('text that is not UTF-8 is refused by its row', async () => {
  const body = Buffer.concat([plain('a'), plain('?'), plain('c')]);
  body[9] = 0xff;
  const page = textPage(['a', 'b', 'c'], { packed: () => body });
  expect(await check(parquetFile([page], { rows: 3 }))).toMatchObject({
    rows: [{ row: 2, message: 'is not UTF-8' }],
  });
});

test('a footer longer than the file, or than a footer is, is not read', async () => {
  const lying = Buffer.from(parquetFile([textPage(TWO)], { rows: 2 }));
  lying.writeUInt32LE(2 ** 31, lying.length - 8);
  await expectRefusal(lying, 'its footer is longer than the file');
  await expectRefusal(withFooter(Buffer.alloc(16 * MIB + 1)), 'a footer of more than');
});

test('too many rows, row groups and columns are refused', async () => {
  const pages = [textPage(TWO)];
  await expectRefusal(parquetFile(pages, { rows: 2n ** 62n }), 'more than 20000000 rows');
  const empty = rowGroup(0, 4, 0);
  const rowGroups = Array.from({ length: 50_001 }, () => empty);
  await expectRefusal(parquetFile(pages, { rows: 0, rowGroups }), 'more than 50000 row groups');
  const schema = [...TEXT_SCHEMA, ...Array.from({ length: 10_000 }, () => TEXT_SCHEMA[1] ?? [])];
  await expectRefusal(parquetFile(pages, { rows: 2, schema }), 'more than 10000 columns');
});

test('rows that the row groups do not have are refused', async () => {
  const page = textPage(TWO);
  const rowGroups = [rowGroup(2, 4, page.length)];
  await expectRefusal(parquetFile([page], { rows: 3, rowGroups }), 'says 3 rows');
});

test('columns outside of the file are refused', async () => {
  for (const [from, bytes] of [
    [4, 2 ** 40],
    [2 ** 40, 4],
    [0, 10],
    [-10, 10],
  ] as const) {
    const rowGroups = [rowGroup(2, from, bytes)];
    await expectRefusal(
      parquetFile([textPage(TWO)], { rows: 2, rowGroups }),
      'a column lies outside the file',
    );
  }
});

test('columns nested without end are refused', async () => {
  const group = (name: string, children: number): Struct => [
    [3, 1],
    [4, name],
    [5, children],
  ];
  const nested = Array.from({ length: 5_000 }, (_, depth) => group(`x${depth}`, 1));
  await expectRefusal(
    parquetFile([], { rows: 0, schema: [...nested, ...TEXT_SCHEMA.slice(1)], rowGroups: [] }),
    'nested more than 50 deep',
  );
  const endless = [group('schema', 2 ** 31 - 1)];
  await expectRefusal(parquetFile([], { rows: 0, schema: endless, rowGroups: [] }), 'schema ends');
});

test('a footer without an end, or nested without end, is refused', async () => {
  const broken = 'its footer cannot be read';
  await expectRefusal(withFooter(Buffer.alloc(MIB, 0xff)), broken);
  // Structs in structs, and lists in lists.
  await expectRefusal(withFooter(Buffer.alloc(MIB, 0x1c)), broken);
  await expectRefusal(withFooter(Buffer.alloc(MIB, 0x19)), broken);
  await expectRefusal(withFooter(Buffer.from([0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f])), broken);
  await expectRefusal(withFooter(thrift([[1, 1]])), broken);
  await expectRefusal(
    Buffer.concat([Buffer.from('PAR1junk'), footerOf({ rows: 2, pageBytes: 4 })]),
    'cannot be read',
  );
});

test('others get their turn while a file is checked', async () => {
  const page = textPage(Array.from({ length: 20_000 }, (_, index) => `row ${index}`));
  const bytes = parquetFile([page, page], { rows: 40_000 });
  const file = await datasetFileOf(bytes);
  let pauses = 0;
  const check = createDatasetCheck('parquet');
  await check.push(bytes);
  const report = await check.end({ ...file, pause: () => Promise.resolve(void (pauses += 1)) });
  expect(report).toMatchObject({ kind: 'sound', rowCount: 40_000 });
  expect(pauses).toBeGreaterThan(5);
});

test('the work on one file has an end, whatever it is made of', () => {
  const effort = new Effort(() => Promise.resolve());
  effort.spend(MAX_WORK_BYTES);
  expect(() => {
    effort.spendRow();
  }).toThrow('becomes more than 64 GiB');
});
