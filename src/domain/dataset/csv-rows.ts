/** CSV by RFC 4180 in UTF-8; the first record names the columns. */
import { CsvError, parse } from 'csv-parse';
import { COLUMN_SHAPES, firstTwice, shownNames } from './column-names.ts';
import { MAX_ROW_BYTES, TOO_LONG } from './row-reader.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { SHAPES } from './row-shape.ts';

const LINE_ENDS: readonly number[] = [0x0a, 0x0d];

export function createCsvRows(sink: RowSink): RowReader {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let header: readonly string[] | undefined;
  let number = 0;
  let isFirst = true;
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW_BYTES,
    // Called while the bytes are parsed; nothing is passed on, so nothing piles up in the stream.
    on_record: (record: readonly string[]) => {
      if (!sink.isStopped) take(record);
    },
  });
  parser.resume();
  // The callback of each write has it too.
  parser.on('error', () => undefined);

  function take(record: readonly string[]): void {
    if (header === undefined) {
      header = record;
      const fault = faultOfHeader(record);
      if (fault !== null) sink.stop(fault);
      return;
    }
    number += 1;
    if (record.length > header.length) sink.fault(number, 'has more columns than the header');
    else sink.row(number, toRow(header, record));
  }

  function fail(error: unknown): void {
    if (sink.isStopped) return;
    if (header === undefined) sink.stop(`The header ${reasonOf(error)}.`);
    else sink.fault(number + 1, reasonOf(error));
    sink.stop();
  }

  /** @returns whether the bytes so far are UTF-8 */
  function checkText(chunk: Uint8Array, isLast: boolean): boolean {
    try {
      const text = utf8.decode(chunk, { stream: !isLast });
      // Python would take an empty first line for a header without columns.
      if (isFirst && text !== '' && LINE_ENDS.includes(text.charCodeAt(0))) {
        sink.stop('The first line is empty: it must name the columns.');
      }
      if (text !== '') isFirst = false;
      return true;
    } catch {
      sink.fault(number + 1, 'or a later one is not UTF-8');
      sink.stop();
      return false;
    }
  }

  return {
    push: (chunk) =>
      new Promise((resolve) => {
        if (!checkText(chunk, false) || sink.isStopped) {
          resolve();
          return;
        }
        // A copy: the parser keeps the last bytes until it knows what follows them.
        parser.write(new Uint8Array(chunk), (error) => {
          if (error) fail(error);
          resolve();
        });
      }),
    end: () =>
      new Promise((resolve) => {
        if (sink.isStopped || !checkText(new Uint8Array(), true)) {
          resolve();
          return;
        }
        parser.on('error', (error) => {
          fail(error);
          resolve();
        });
        parser.on('end', resolve);
        parser.end();
      }),
  };
}

/** Why no row under this header could be read; null: rows can. */
function faultOfHeader(names: readonly string[]): string | null {
  const twice = firstTwice(names);
  if (twice !== null) return `The header names ${shownNames([twice])} twice.`;
  for (const { needed, isList } of COLUMN_SHAPES) {
    const given = needed.find((name) => names.includes(name));
    if (given === undefined) continue;
    if (isList) return `\`${given}\` is a list, which CSV cannot hold: upload JSONL or Parquet.`;
    const missing = needed.find((name) => !names.includes(name));
    return missing === undefined ? null : `The header has \`${given}\` but no \`${missing}\`.`;
  }
  return `The header names ${shownNames(names)}; expected ${SHAPES}.`;
}

/** Columns that a short record lacks are null, as in the trainer. */
function toRow(header: readonly string[], record: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(header.map((name, index) => [name, record[index] ?? null]));
}

function reasonOf(error: unknown): string {
  const code = error instanceof CsvError ? error.code : undefined;
  switch (code) {
    case 'CSV_MAX_RECORD_SIZE':
      return TOO_LONG;
    case 'CSV_QUOTE_NOT_CLOSED':
      return 'is not CSV: a quote is not closed';
    case 'INVALID_OPENING_QUOTE':
      return 'is not CSV: a quote in the middle of a value; quote the value and double its quotes';
    case 'CSV_INVALID_CLOSING_QUOTE':
      return 'is not CSV: text after a closing quote';
    default:
      return 'is not CSV';
  }
}
