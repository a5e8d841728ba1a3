import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkSafetensors } from '../../src/artifacts/safetensors.ts';
import { makeFolder } from '../support/folder.ts';

interface Parts {
  readonly header: string | Buffer;
  readonly data: number;
  /** What the first 8 bytes say; omitted: the truth. */
  readonly length?: bigint;
}

function check({ header, data, length = BigInt(Buffer.byteLength(header)) }: Parts) {
  const path = join(makeFolder(), 'a.safetensors');
  const first = Buffer.alloc(8);
  first.writeBigUInt64LE(length);
  writeFileSync(path, Buffer.concat([first, Buffer.from(header as string), Buffer.alloc(data)]));
  return checkSafetensors(path);
}

const tensor = (begin: unknown, end: unknown, more: object = {}) => ({
  dtype: 'U8',
  shape: [Number(end) - Number(begin)],
  data_offsets: [begin, end],
  ...more,
});
const headerOf = (header: object) => ({ header: JSON.stringify(header), data: 10 });

test.each<[string, Parts]>([
  ['two tensors', headerOf({ b: tensor(4, 10), a: tensor(0, 4) })],
  [
    'padding and metadata',
    {
      header: `${JSON.stringify({ __metadata__: { format: 'pt' }, a: tensor(0, 10) })}   `,
      data: 10,
    },
  ],
  [
    'a scalar and an empty tensor',
    headerOf({
      a: { dtype: 'F64', shape: [], data_offsets: [0, 8] },
      b: { dtype: 'F32', shape: [0, 5], data_offsets: [8, 8] },
      c: { dtype: 'BF16', shape: [1], data_offsets: [8, 10] },
    }),
  ],
  ['half bytes', headerOf({ a: { dtype: 'F4', shape: [4, 5], data_offsets: [0, 10] } })],
  ['nothing in it', { header: '{}', data: 0 }],
])('a file with %s is sound', async (_what, parts) => {
  expect(await check(parts)).toBeNull();
});

test.each<[string, Parts, RegExp]>([
  ['a header longer than the file', { header: '{}', data: 0, length: 3n }, /longer than the file/],
  ['a header of 2^64 - 1 bytes', { header: '{}', data: 0, length: 2n ** 64n - 1n }, /longer than/],
  ['no JSON', { header: '{"a":', data: 0 }, /not a JSON object/],
  ['a list', { header: '[]', data: 0 }, /not a JSON object/],
  ['a space before the JSON', { header: ' {}', data: 0 }, /not a JSON object/],
  ['an empty header', { header: '', data: 10 }, /not a JSON object/],
  [
    'bytes that are not UTF-8',
    { header: Buffer.from('7b22ff223a317d', 'hex'), data: 0 },
    /not a JSON/,
  ],
  ['a number for a tensor', headerOf({ a: 1 }), /"a" has no dtype/],
  ['an unknown dtype', headerOf({ a: tensor(0, 10, { dtype: 'X9' }) }), /dtype that is not known/],
  ['a shape that is text', headerOf({ a: tensor(0, 10, { shape: '10' }) }), /no shape/],
  ['a shape below 0', headerOf({ a: tensor(0, 10, { shape: [-10, -1] }) }), /no shape/],
  [
    'three offsets',
    headerOf({ a: tensor(0, 10, { data_offsets: [0, 5, 10] }) }),
    /no data_offsets/,
  ],
  ['offsets below 0', headerOf({ a: tensor(-5, 5) }), /no data_offsets/],
  ['offsets that are no whole numbers', headerOf({ a: tensor(0.5, 10.5) }), /no data_offsets/],
  ['an end before its begin', headerOf({ a: tensor(8, 2, { shape: [6] }) }), /ends before/],
  ['more members', headerOf({ a: tensor(0, 10, { x: 1 }) }), /more than the format/],
  ['a shape of another size', headerOf({ a: tensor(0, 10, { shape: [11] }) }), /another size/],
  [
    'a shape beyond all numbers',
    headerOf({ a: tensor(0, 10, { shape: [2 ** 52, 2 ** 52] }) }),
    /another size/,
  ],
  [
    'half a byte',
    headerOf({ a: { dtype: 'F4', shape: [19], data_offsets: [0, 10] } }),
    /another size/,
  ],
  ['an overlap', headerOf({ a: tensor(0, 6), b: tensor(5, 10) }), /overlap/],
  ['two tensors in one place', headerOf({ a: tensor(0, 10), b: tensor(0, 10) }), /overlap/],
  ['a hole', headerOf({ a: tensor(0, 4), b: tensor(5, 10) }), /hole/],
  ['a hole at the start', headerOf({ a: tensor(1, 10) }), /hole/],
  ['a tensor beyond the end', headerOf({ a: tensor(0, 11) }), /beyond its end/],
  ['data after the last tensor', headerOf({ a: tensor(0, 9) }), /goes on after/],
  ['metadata that is no text', headerOf({ __metadata__: { a: 1 }, a: tensor(0, 10) }), /metadata/],
  ['metadata that is a list', headerOf({ __metadata__: ['a'], a: tensor(0, 10) }), /metadata/],
])('a file with %s is not', async (_what, parts, reason) => {
  expect(await check(parts)).toMatch(reason);
});

test('a file too short for a header, and one with a header of 17 MiB, are not', async () => {
  const path = join(makeFolder(), 'a.safetensors');
  writeFileSync(path, 'short');
  expect(await checkSafetensors(path)).toMatch(/too short/);
  expect(await check({ header: Buffer.alloc(17 * 1024 * 1024, ' '), data: 0 })).toMatch(/too long/);
});
