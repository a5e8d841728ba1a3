import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { put, startUploads } from './start-uploads.ts';

const MIB = 1_024 * 1_024;
const FILE_BYTES = 200 * MIB;

function* repeated(block: Buffer): Generator<Buffer> {
  for (let size = 0; size < FILE_BYTES; size += block.length) yield block;
}

const LINE = `{"messages":[{"role":"user","content":"${'a'.repeat(500)}"},{"role":"assistant","content":"${'b'.repeat(500)}"}]}`;

test.each([
  ['train.jsonl', '', `${LINE}\n`, ''],
  ['train.json', `[${LINE}`, `,\n${LINE}`, ']'],
  ['train.csv', 'prompt,completion\n', `"${'a'.repeat(500)}","${'b'.repeat(500)}"\n`, ''],
])(
  '200 MiB of %s never fill the memory',
  async (fileName, head, row, tail) => {
    const { announce } = await startUploads();
    const { url } = await announce(fileName);
    const block = Buffer.from(row.repeat(64));
    const body = function* () {
      yield Buffer.from(head);
      yield* repeated(block);
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
