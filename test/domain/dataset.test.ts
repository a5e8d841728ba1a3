import { expect, test } from 'vitest';
import { createDatasetCheck } from '../../src/domain/dataset/dataset-check.ts';
import { datasetFormatOf, podFileNameOf } from '../../src/domain/dataset/dataset-file-name.ts';
import type { DatasetFormat } from '../../src/domain/dataset/dataset-file-name.ts';
import { datasetFileOf } from '../support/dataset-file.ts';

/** The verdict must not depend on where the network cuts the bytes. */
const CUTS = [1, 2, 3, 7, 64, 1_000_000];

async function checkIn(format: DatasetFormat, content: string | Buffer, cut: number) {
  const bytes = Buffer.from(content);
  const check = createDatasetCheck(format);
  for (let at = 0; at < bytes.length; at += cut) {
    // The network reuses its memory: so does this.
    const chunk = Buffer.from(bytes.subarray(at, at + cut));
    await check.push(chunk);
    chunk.fill(0x21);
  }
  // These formats are read as they come, never again.
  return check.end(await datasetFileOf(new Uint8Array()));
}

async function check(format: DatasetFormat, content: string | Buffer) {
  const first = await checkIn(format, content, 1_000_000);
  for (const cut of CUTS) expect(await checkIn(format, content, cut)).toEqual(first);
  return first;
}

const TURNS = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello, "you"\\ [{ \\\\" \\' },
];
const SHAPES: readonly object[] = [
  { text: 'Grüße, 世界 🚀' },
  { messages: TURNS },
  { conversations: [{ from: 'human', value: 'Hi' }] },
  { prompt: 'a', completion: 'b' },
  { instruction: 'a', input: 'b', output: 'c' },
  { instruction: 'a', input: null, output: 'c' },
  { instruction: 'a', output: 'c', extra: { nested: [1, [2, {}]] } },
];

test.each(SHAPES.map((row) => [JSON.stringify(row), row]))(
  'a JSONL and a JSON file of %s are sound',
  async (_name, row) => {
    const rows = [row, row, row];
    const jsonl = rows.map((it) => JSON.stringify(it)).join('\n');
    const sound = { kind: 'sound', rowCount: 3 };
    expect(await check('jsonl', jsonl)).toMatchObject(sound);
    expect(await check('jsonl', `\uFEFF${jsonl.replaceAll('\n', '\r\n')}\r\n\n`)).toMatchObject(
      sound,
    );
    for (const text of [
      JSON.stringify(rows),
      `\uFEFF${JSON.stringify(rows, null, 2)}\n`,
      JSON.stringify({ version: 1, note: ['x'], data: rows, more: {} }),
      JSON.stringify({ rows }, null, 1),
      JSON.stringify({ train: rows }),
    ]) {
      expect(await check('json', text)).toMatchObject(sound);
    }
  },
);

test.each([
  ['text\nHello\n"a ""b"", c\nd"\n'],
  ['\uFEFFtext,id\r\nHello,1\r\nWorld,2\r\n\r\n'],
  ['id,prompt,completion\n1,a,b\n2,c,d'],
  ['instruction,input,output\na,,b\na,i,b'],
  ['instruction,output\ra,b\rc,d\r'],
])('a CSV file %j is sound', async (content) => {
  expect(await check('csv', content)).toEqual({ kind: 'sound', format: 'csv', rowCount: 2 });
});

test.each([
  [{}, 'has none of'],
  [[], 'is not an object'],
  [7, 'is not an object'],
  [null, 'is not an object'],
  [{ text: 1 }, '`text` must be text'],
  [{ text: ' \n\u0085' }, 'is empty'],
  [{ messages: [] }, '`messages` must be a list that is not empty'],
  [{ messages: [TURNS[0], { role: 'user' }] }, '`messages` turn 2 needs `role` and `content`'],
  [{ conversations: 'x' }, '`conversations` must be a list'],
  [{ prompt: 'a' }, '`completion` must be text'],
  [{ completion: 'a' }, '`prompt` must be text'],
  [{ instruction: 'a', input: 3, output: 'b' }, '`input` must be text'],
  [{ output: 'b' }, '`instruction` must be text'],
  [{ messages: TURNS }, 'has `messages`, but row 1 has `text`: all rows must be of one shape'],
  [{ instruction: 'a', output: 'b' }, 'has `prompt` and `completion`, but row 1 has `text`'],
])('a row %j is refused by its number', async (row, message) => {
  const good = JSON.stringify({ text: 'x' });
  const rows = [{ row: 2, message: expect.stringContaining(message) as string }];
  const jsonl = `${good}\n${JSON.stringify(row)}\n${good}\n`;
  expect(await check('jsonl', jsonl)).toMatchObject({ kind: 'faulty', rows });
  const json = `[${good},${JSON.stringify(row)},${good}]`;
  expect(await check('json', json)).toMatchObject({ kind: 'faulty', rows });
});

test('a JSONL file with several faults names each by its line, blank lines counted, up to 20', async () => {
  const lines = ['{"text":"x"}', '', '{"text":', '{"text":"x"} x', '\t', '{"no":1}'];
  const report = await check('jsonl', lines.join('\n'));
  expect(report).toMatchObject({
    kind: 'faulty',
    rows: [
      { row: 3, message: expect.stringContaining('is not JSON') as string },
      { row: 4, message: expect.stringContaining('is not JSON') as string },
      { row: 6, message: expect.stringContaining('has none of') as string },
    ],
  });
  const many = await check('jsonl', '{}\n'.repeat(50));
  expect(many.kind === 'faulty' && many.rows).toHaveLength(20);
});

test('bytes that are not UTF-8 are refused', async () => {
  const bad = Buffer.concat([Buffer.from('{"text":"'), Buffer.from([0xff]), Buffer.from('"}\n')]);
  const jsonl = Buffer.concat([Buffer.from('{"text":"x"}\n'), bad]);
  expect(await check('jsonl', jsonl)).toMatchObject({
    rows: [{ row: 2, message: 'is not UTF-8' }],
  });
  const json = Buffer.concat([Buffer.from('[{"text":"x"},'), bad, Buffer.from(']')]);
  expect(await check('json', json)).toMatchObject({ rows: [{ row: 2, message: 'is not UTF-8' }] });
  const csv = Buffer.concat([Buffer.from('text\nx\n'), Buffer.from([0xc3, 0x28, 0x0a])]);
  for (const cut of CUTS) {
    const report = await checkIn('csv', csv, cut);
    expect(report).toMatchObject({ rows: [{ message: 'or a later one is not UTF-8' }] });
  }
  const torn = Buffer.from('text\nx\ny\nGr\u00fc').subarray(0, -1);
  expect(await checkIn('csv', torn, 3)).toMatchObject({ kind: 'faulty' });
});

test.each([
  ['', 'must be a list of rows'],
  [' \n', 'must be a list of rows'],
  ['"text"', 'must be a list of rows'],
  ['{"other":[{"text":"x"}]}', 'must be a list of rows'],
  ['{"data":{"text":"x"}}', 'must be a list of rows'],
  ['{"data":[{"text":"x"}],"rows":[]}', 'one such list'],
  ['{"data":[{"text":"x"}],"r\\u006fws":[]}', 'one such list'],
  ['{"data":[{"text":"x"}] 7}', 'not JSON after its list'],
  ['{"data":[{"text":"x"}],7}', 'is not JSON'],
  ['[{"text":"x"},{"text":"y"}', 'ends in the middle'],
  ['[{"text":"x"}}', 'brackets do not match'],
  ['[{"text":"x"}] []', 'goes on after its end'],
])('a JSON file %j is refused as a whole', async (content, message) => {
  expect(await check('json', content)).toMatchObject({
    kind: 'faulty',
    message: expect.stringContaining(message) as string,
  });
});

test.each([
  ['[{"text":"x"},]', 2],
  ['[,{"text":"x"}]', 1],
  ['[{"text":"x"},{"text":"y" "z"},{"text":"x"}]', 2],
  ["[{'text':'x'}]", 1],
  ['[{"text":"a\tb"}]', 1],
])('a JSON file %j is refused at its row', async (content, row) => {
  expect(await check('json', content)).toMatchObject({
    rows: [{ row, message: expect.stringContaining('is not JSON') as string }],
  });
});

test.each([
  ['', '0 rows'],
  ['text\n', '0 rows'],
  ['text\nx\n', '1 row'],
  ['\ntext\nx\ny\n', 'first line is empty'],
  ['name,age\nx,1\n', 'The header names "name", "age"; expected text'],
  ['messages\n[]\n', 'upload JSONL or Parquet'],
  ['prompt,answer\na,b\n', '`prompt` but no `completion`'],
  ['text,text\na,b\n', 'twice'],
])('a CSV file %j is refused as a whole', async (content, message) => {
  expect(await check('csv', content)).toMatchObject({
    kind: 'faulty',
    message: expect.stringContaining(message) as string,
  });
});

test.each([
  ['text\nx\n"open', 2, 'a quote is not closed'],
  ['text\nx\na "b" c\n', 2, 'a quote in the middle'],
  ['text\nx\n"a" b\n', 2, 'text after a closing quote'],
  ['text,id\nx,1\ny,2,3\nz,1\n', 2, 'more columns than the header'],
  ['prompt,completion\na,b\nc\n', 2, '`completion` must be text'],
  ['text,id\nx,1\n,2\n', 2, 'is empty'],
])('a CSV file %j is refused at its record', async (content, row, message) => {
  expect(await check('csv', content)).toMatchObject({
    rows: [{ row, message: expect.stringContaining(message) as string }],
  });
});

test('a row over 8 MiB is refused, and the rows after it are still looked at in JSONL', async () => {
  const long = 'x'.repeat(8 * 1_024 * 1_024 + 100);
  const TOO_LONG = 'is longer than 8 MiB';
  const jsonl = `{"text":"a"}\n{"text":"${long}"}\n{}\n`;
  expect(await checkIn('jsonl', jsonl, 65_536)).toMatchObject({
    rows: [{ row: 2, message: TOO_LONG }, { row: 3 }],
  });
  const json = `[{"text":"a"},{"text":"${long}"},{}]`;
  expect(await checkIn('json', json, 65_536)).toMatchObject({
    rows: [{ row: 2, message: TOO_LONG }],
  });
  expect(await checkIn('json', json, json.length)).toMatchObject({ kind: 'faulty' });
  const csv = `text\na\n"${long}"\n`;
  expect(await checkIn('csv', csv, 65_536)).toMatchObject({
    rows: [{ row: 2, message: TOO_LONG }],
  });
});

test('rows nested so deep that the trainer would give up are refused', async () => {
  const deep = `{"text":"x","more":${'['.repeat(600)}${']'.repeat(600)}}`;
  expect(await check('jsonl', `${deep}\n${deep}`)).toMatchObject({
    rows: [{ row: 1, message: expect.stringContaining('nested') as string }, { row: 2 }],
  });
});

test('file names say the format, and become names that a pod takes', () => {
  expect(datasetFormatOf('Meine Daten.JSONL')).toBe('jsonl');
  expect(datasetFormatOf('train-00000-of-00001.parquet')).toBe('parquet');
  for (const name of [
    'a.txt',
    '.csv',
    '../a.csv',
    'a/b.csv',
    'a\\b.csv',
    'a\n.csv',
    '',
    'csv',
    `${'x'.repeat(200)}.csv`,
  ]) {
    expect(datasetFormatOf(name), name).toBeNull();
  }
  expect(podFileNameOf('train.jsonl')).toBe('train.jsonl');
  expect(podFileNameOf('_Größe & Co. (1).CSV')).toBe('Gr_e_Co._1_.csv');
  expect(podFileNameOf('数据.json')).toBe('dataset.json');
  expect(podFileNameOf('a b.Parquet')).toBe('a_b.parquet');
  expect(podFileNameOf(`${'x'.repeat(190)}.csv`)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
});
