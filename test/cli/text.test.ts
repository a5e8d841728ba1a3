import { expect, test } from 'vitest';
import { createOutput } from '../../src/cli/output.ts';
import { safeJson, safeText } from '../../src/cli/safe-text.ts';
import { printTable } from '../../src/cli/table.ts';
import { cutTo, widthOf } from '../../src/cli/text-width.ts';

function createTerminal(columns: number, env: Readonly<Record<string, string>> = {}) {
  let text = '';
  const stdout = {
    isTTY: true,
    columns,
    write(chunk: string, done: () => void) {
      text += chunk;
      done();
    },
  };
  return { output: createOutput({ stdout, stderr: stdout, isJson: false, env }), text: () => text };
}

test('text cannot move the cursor, set the clipboard, ring or turn its direction', () => {
  expect(safeText('\x1b[2J\x1b]52;c;cm0gLXJm\x07\b\r\n\u009b1A\u202egpj.exe\u2028')).toBe(
    '\\x1b[2J\\x1b]52;c;cm0gLXJm\\x07\\x08\\r\\n\\x9b1A\\u202egpj.exe\\u2028',
  );
});

test('colours of a trainer are dropped, and ordinary text of any language stays', () => {
  expect(safeText('\x1b[1;31mloss\x1b[0m\t2.5 – größer, 損失, 👩‍💻')).toBe(
    'loss\t2.5 – größer, 損失, 👩‍💻',
  );
});

test('half a surrogate pair is shown and not printed', () => {
  expect(safeText('a\ud800b')).toBe('a\\ud800b');
});

test('JSON is printed harmlessly and means what it meant', () => {
  const value = { text: '\x1b[2J\u009b1A\u202e\ud800"', '\u2028': 1 };
  expect(safeJson(value)).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(safeJson(value))).toEqual(value);
});

test('columns are counted as terminals show them', () => {
  expect([widthOf('abc'), widthOf('損失'), widthOf('é'), widthOf('👩‍💻')]).toEqual([3, 4, 1, 2]);
  expect([cutTo('abcdef', 4), cutTo('損失損失', 4), cutTo('abc', 0)]).toEqual(['abc…', '損…', '']);
});

test('a table is aligned, and on a terminal no line is longer than it', async () => {
  const { output, text } = createTerminal(40, { NO_COLOR: '1' });
  const rows = [
    { name: `a${'b'.repeat(90)}`, price: '$1.00' },
    { name: 'x\x1b[2J\ny', price: '$10.00' },
  ];
  await printTable(
    output,
    [
      { title: 'NAME', cell: ({ name }: (typeof rows)[0]) => name },
      { title: 'PRICE', side: 'right', cell: ({ price }: (typeof rows)[0]) => price },
    ],
    rows,
  );
  const lines = text().split('\n').slice(0, -1);
  expect(lines).toHaveLength(3);
  expect(lines.map(widthOf)).toEqual([40, 40, 40]);
  expect(lines[2]).toMatch(/^x\\x1b\[2J\\ny +\$10\.00$/);
});

test('colours are for terminals, and NO_COLOR switches them off', async () => {
  const span = { text: 'FAILED', style: 'red' } as const;
  const plain = createTerminal(80, { NO_COLOR: '1' });
  await plain.output.line(span);
  expect(plain.text()).toBe('FAILED\n');
  const coloured = createTerminal(80);
  await coloured.output.line(span);
  expect(coloured.text()).toBe('\x1b[31mFAILED\x1b[39m\n');
});

test('lines go above the bar, which is drawn anew below them', async () => {
  const { output, text } = createTerminal(20, { NO_COLOR: '1' });
  await output.status('bar'.repeat(20));
  await output.line('line');
  await output.status(null);
  expect(text()).toBe('\r\x1b[2Kbarbarbarbarbarbar…\r\x1b[2Kline\nbarbarbarbarbarbar…\r\x1b[2K');
});

test('on a narrow terminal what is typed into the next command is cut last', async () => {
  const { output, text } = createTerminal(24, { NO_COLOR: '1' });
  await printTable(
    output,
    [
      { title: 'ID', isKey: true, cell: () => '2lzrzynllo3wbdk5' },
      { title: 'NAME', cell: () => 'a rather long name' },
    ],
    [null],
  );
  expect(text()).toMatch(/^2lzrzynllo3wbdk5 {2}a rat…$/m);
});

test('a terminal that does not know its size counts as one of 80 columns', async () => {
  const { output, text } = createTerminal(0);
  expect(output.columns).toBe(80);
  await output.status('bar');
  expect(text()).toContain('bar');
});
