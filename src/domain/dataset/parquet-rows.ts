/**
 * Parquet: its columns are read side by side, a page of each at a time. While its bytes come only the
 * first four can be judged; the rest waits for the footer, which comes last.
 */
import { COLUMN_SHAPES, firstTwice, shownNames } from './column-names.ts';
import type { DatasetFile } from './dataset-file.ts';
import { ENCRYPTED, ENCRYPTED_MAGIC, MAGIC, NOT_PARQUET, readFooter } from './parquet/footer.ts';
import type { RowGroup } from './parquet/footer.ts';
import { Effort } from './parquet/limits.ts';
import { ParquetFault } from './parquet/parquet-fault.ts';
import { createColumnReader } from './parquet/column-reader.ts';
import type { Column, Schema } from './parquet/schema.ts';
import { SHAPES } from './row-shape.ts';
import type { RowReader, RowSink } from './row-reader.ts';

export function createParquetRows(sink: RowSink): RowReader {
  let head = '';

  return {
    push(chunk) {
      if (head.length === MAGIC.length) return;
      head += String.fromCharCode(...chunk.subarray(0, MAGIC.length - head.length));
      if (head === ENCRYPTED_MAGIC) sink.stop(ENCRYPTED.message);
      else if (!MAGIC.startsWith(head.slice(0, 3)) || (head.length === 4 && head !== MAGIC))
        sink.stop(NOT_PARQUET.message);
    },
    async end(file) {
      try {
        await readRows(file, sink);
      } catch (error) {
        if (!(error instanceof ParquetFault)) throw error;
        sink.stop(error.message);
      }
    },
  };
}

async function readRows(file: DatasetFile, sink: RowSink): Promise<void> {
  const { schema, rowGroups } = await readFooter(file);
  const fault = faultOfColumns(schema);
  if (fault !== null) throw new ParquetFault(fault);
  const effort = new Effort(() => file.pause());
  let number = 0;
  for (const group of rowGroups) {
    number = await readGroup(file, schema.columns, group, effort, sink, number);
    if (sink.isStopped) return;
  }
}

/** @returns the number of its last row */
async function readGroup(
  file: DatasetFile,
  columns: readonly Column[],
  group: RowGroup,
  effort: Effort,
  sink: RowSink,
  before: number,
): Promise<number> {
  const readers = columns.map((column) => createColumnReader(file, column, group, effort));
  let number = before;
  for (const end = before + group.rowCount; number < end;) {
    number += 1;
    effort.spendRow();
    if (effort.isTurnOver) await effort.rest();
    const row: Record<string, unknown> = {};
    let fault: string | null = null;
    for (const reader of readers) {
      const got = await reader.next(number);
      if (got.kind === 'fault') fault ??= got.message;
      // A column that this row lacks is null there.
      else if (got.value !== null) row[reader.name] = got.value;
    }
    if (fault === null) sink.row(number, row);
    else sink.fault(number, fault);
    if (sink.isStopped) return number;
  }
  for (const reader of readers) reader.end();
  return number;
}

/** Why no row of these columns could be read; null: rows can. */
function faultOfColumns({ columns, names }: Schema): string | null {
  const twice = firstTwice(names);
  if (twice !== null) return `The Parquet file has two columns ${shownNames([twice])}.`;
  const has = (name: string) => columns.some((column) => column.name === name);
  const [shape, ...others] = COLUMN_SHAPES.filter(({ needed }) => needed.some(has));
  if (shape === undefined) {
    return `The Parquet file has the columns ${shownNames(names)}; expected ${SHAPES}.`;
  }
  for (const column of columns) {
    const isOfShape = [...shape.needed, ...shape.optional].includes(column.name);
    if (column.kind === 'wrong' && isOfShape) {
      return `The column \`${column.name}\` is ${column.is}; ${shape.isList ? 'it must be a list of turns with text' : 'it must be text'}.`;
    }
  }
  const missing = shape.needed.find((name) => !has(name));
  // A row may have null there, and another shape.
  if (missing === undefined || others.length > 0) return null;
  const given = shape.needed.find(has) ?? '';
  return `The Parquet file has the column \`${given}\` but no \`${missing}\`.`;
}
