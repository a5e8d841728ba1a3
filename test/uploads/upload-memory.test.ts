import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { footerOf, textPage } from '../support/parquet-file.ts';
import { put, startUploads } from './start-uploads.ts';

const MIB = 1_024 * 1_024;
const FILE_BYTES = 200 * MIB;

function* repeated(block: Buffer): Generator<Buffer> {
  for (let size = 0; size < FILE_BYTES; size += block.length) yield block;
}

const LINE = `{"messages":[{"role":"user","content":"${'a'.repeat(500)}"},{"role":"assistant","content":"${'b'.repeat(500)}"}]}`;

/** One row group, as pandas writes a table of up to a million rows. */
const PAGE = textPage(Array.from({ length: 1_000 }, () => 'a'.repeat(1_000)));
const PAGES = Math.ceil(FILE_BYTES / PAGE.length);
const FOOTER = footerOf({ rows: PAGES * 1_000, pageBytes: PAGES * PAGE.length });
const block = (row: string) => Buffer.from(row.repeat(64));

test.each<[string, string, Buffer, string | Buffer]>([
  ['train.jsonl', '', block(`${LINE}\n`), ''],
  ['train.json', `[${LINE}`, block(`,\n${LINE}`), ']'],
  ['train.csv', 'prompt,completion\n', block(`"${'a'.repeat(500)}","${'b'.repeat(500)}"\n`), ''],
  ['train.parquet', 'PAR1', PAGE, FOOTER],
])(
  '200 MiB of %s never fill the memory',
  async (fileName, head, rows, tail) => {
    const { announce } = await startUploads();
    const { url } = await announce(fileName);
    const body = function* () {
      yield Buffer.from(head);
      yield* repeated(rows);
      yield Buffer.from(tail);
    };
    const before = process.memoryUsage().rss;
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    const answer = await put(url, Readable.from(body(), { objectMode: true }));
    clearInterval(timer);
    expect(answer.status).toBe(201);
    expect(answer.body.sizeBytes).toBeGreaterThan(FILE_BYTES);
    const grownMiB = Math.round((most - before) / MIB);
    expect(grownMiB).toBeLessThan(120);
  },
  60_000,
);
