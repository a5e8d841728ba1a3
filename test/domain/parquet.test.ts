import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createDatasetCheck } from '../../src/domain/dataset/dataset-check.ts';
import { createParquetRows } from '../../src/domain/dataset/parquet-rows.ts';
import { datasetFileOf } from '../support/dataset-file.ts';

/** As pyarrow wrote it: parquet/make.py. */
const fixture = (name: string) => readFileSync(new URL(`parquet/${name}.parquet`, import.meta.url));

async function check(bytes: Buffer) {
  const check = createDatasetCheck('parquet');
  for (const byte of bytes.subarray(0, 6)) await check.push(Buffer.from([byte]));
  await check.push(bytes.subarray(6));
  return check.end(await datasetFileOf(bytes));
}

async function rowsOf(bytes: Buffer): Promise<unknown[]> {
  const rows: unknown[] = [];
  const reader = createParquetRows({
    row: (_number, row) => rows.push(row),
    fault: (number, message) => rows.push(`${number} ${message}`),
    stop: (message) => rows.push(message),
    isStopped: false,
  });
  await reader.end(await datasetFileOf(bytes));
  return rows;
}

const TEXTS = ['one', 'Grüße, 世界 🚀', 'one', 'three'].map((text) => ({ text }));
const CHATS = [
  {
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Grüße, 世界 🚀' },
    ],
  },
  {
    messages: [
      { role: 'system', content: '' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ],
  },
  { messages: [{ role: 'user', content: 'Hi' }] },
];
const SHARED = {
  conversations: [
    { from: 'human', value: 'Hi' },
    { from: 'gpt', value: 'Hello' },
  ],
};

test.each<[string, unknown[]]>([
  ...['none', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4'].map((codec): [string, unknown[]] => [
    `text-${codec}`,
    TEXTS,
  ]),
  ['text-required', TEXTS],
  ['text-plain', TEXTS],
  ['text-delta-length', TEXTS],
  ['text-delta', [...TEXTS, { text: 'three and more' }]],
  ['text-categories', TEXTS],
  ['messages', CHATS],
  ['messages-v2', CHATS],
  ['messages-legacy', CHATS],
  ['messages-large', CHATS],
  ['messages-pages', CHATS],
  ['messages-groups', [...CHATS, ...CHATS, ...CHATS]],
  ['conversations', [SHARED, SHARED]],
  [
    'prompt-completion',
    [
      { prompt: 'a', completion: 'c' },
      { prompt: 'b', completion: 'd' },
    ],
  ],
  [
    'alpaca',
    [
      { instruction: 'a', input: 'x', output: 'd' },
      { instruction: 'b', input: '', output: 'e' },
      { instruction: 'c', output: 'f' },
    ],
  ],
  [
    'alpaca-null-input',
    [
      { instruction: 'a', output: 'c' },
      { instruction: 'b', output: 'd' },
    ],
  ],
])('%s.parquet has its rows, and is sound', async (name, rows) => {
  const bytes = fixture(name);
  expect(await rowsOf(bytes)).toEqual(rows);
  const sound = { kind: 'sound', format: 'parquet', rowCount: rows.length };
  expect(await check(bytes)).toEqual(sound);
});

test('rows that are wrong are told by their numbers in the file, over row groups', async () => {
  expect(await check(fixture('text-groups'))).toMatchObject({
    message: expect.stringMatching(/^Rows are wrong: row 5 has none of/) as string,
    rows: [{ row: 5, message: expect.stringContaining('none of') as string }, { row: 6 }],
  });
  const faulty = [2, 3, 4, 5].map((row) => ({ row }));
  expect(await check(fixture('messages-null-turn'))).toMatchObject({ rows: faulty });
  const oneShape = 'row 1 has `text`: all rows must be of one shape';
  expect(await check(fixture('mixed'))).toMatchObject({
    rows: [{ row: 2, message: expect.stringContaining(oneShape) as string }],
  });
});

test.each([
  ['empty', 'has 0 rows'],
  ['one', 'has 1 row;'],
  ['binary', 'The column `text` is binary; it must be text.'],
  ['numbers', 'The column `text` is INT64; it must be text.'],
  ['texts-as-messages', 'The column `messages` is text; it must be a list of turns'],
  ['parts', 'a list of entries with `content` of a list'],
  ['no-role', 'a list of entries with no `role`'],
  ['prompt-only', 'has the column `prompt` but no `completion`'],
  ['other', 'has the columns "name", "age"; expected text; messages'],
])('%s.parquet is refused as a whole', async (name, message) => {
  expect(await check(fixture(name))).toEqual({
    kind: 'faulty',
    message: expect.stringContaining(message) as string,
    rows: [],
  });
});

test.each([
  ['nothing', ''],
  ['another format', '{"text":"x"}\n{"text":"y"}\n'],
  ['only its beginning', 'PAR1'],
  ['its two ends', 'PAR1PAR1'],
])('a file with %s is not Parquet', async (_name, content) => {
  expect(await check(Buffer.from(content))).toMatchObject({
    message: 'The file is not Parquet: it must begin and end with PAR1.',
  });
});

test('a file that is not Parquet is hopeless from its first bytes on', async () => {
  const check = createDatasetCheck('parquet');
  await check.push(Buffer.from('PA'));
  expect(check.isHopeless).toBe(false);
  await check.push(Buffer.from('R2'));
  expect(check.isHopeless).toBe(true);
});

test('an encrypted file is refused as such', async () => {
  const encrypted = /encrypted/;
  for (const bytes of ['PARE', `PAR1${'x'.repeat(20)}PARE`]) {
    const report = await check(Buffer.from(bytes));
    expect(report).toMatchObject({ message: expect.stringMatching(encrypted) as string });
  }
});

test('a file that is cut off anywhere, or has one byte wrong, gets a verdict', async () => {
  for (const name of ['messages', 'text-snappy']) {
    const whole = fixture(name);
    for (let length = 4; length < whole.length; length += 11) {
      const report = await check(whole.subarray(0, length));
      expect(report, `${name} ${length}`).toMatchObject({ kind: 'faulty', rows: [] });
    }
    for (let at = 4; at < whole.length; at += 7) {
      const broken = Buffer.from(whole);
      broken[at] = 0xff - (broken[at] ?? 0);
      expect(['sound', 'faulty']).toContain((await check(broken)).kind);
    }
  }
});
