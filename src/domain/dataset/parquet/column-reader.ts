/** What one column has in each row, made of the entries of its chunks. */
import type { DatasetFile } from '../dataset-file.ts';
import { MAX_ROW_BYTES, TOO_LONG, decodeText } from '../row-reader.ts';
import { ChunkCursor } from './chunk-cursor.ts';
import type { RowGroup } from './footer.ts';
import type { Effort } from './limits.ts';
import { damaged } from './parquet-fault.ts';
import type { Column, Leaf } from './schema.ts';

export type RowValue =
  | { readonly kind: 'value'; readonly value: unknown }
  /** `message` stands after "row 7". */
  | { readonly kind: 'fault'; readonly message: string };

export interface ColumnReader {
  readonly name: string;
  /** Of the row with this number, each in turn. @throws {ParquetFault} there is none */
  next(row: number): Promise<RowValue>;
  /** @throws {ParquetFault} there are more values than rows */
  end(): void;
}

type TurnsColumn = Column & { readonly kind: 'turns' };
/** A number is the level of one that is not there; null: not UTF-8. */
type Entry = string | number | null;

/** A list takes memory for each of its entries, also for those of no bytes. */
const ENTRY_BYTES = 16;
const NOT_UTF8: RowValue = { kind: 'fault', message: 'is not UTF-8' };
const NULL: RowValue = { kind: 'value', value: null };

export function createColumnReader(
  file: DatasetFile,
  column: Column,
  group: RowGroup,
  effort: Effort,
): ColumnReader {
  const open = (leaf: Leaf) => {
    const chunk = group.chunks.get(leaf.chunkIndex);
    if (chunk === undefined) throw damaged('a column is missing in a row group');
    return new ChunkCursor(file, chunk, leaf, effort);
  };
  switch (column.kind) {
    case 'text':
      return createTextReader(column.name, open(column.leaf));
    case 'turns':
      return createTurnsReader(
        column,
        column.fields.map(({ leaf }) => open(leaf)),
        effort,
      );
    case 'wrong':
      // Another column may make it irrelevant; where it does not, it is seen not to be text.
      return { name: column.name, next: () => Promise.resolve(NOT_TEXT), end: () => undefined };
  }
}

const NOT_TEXT: RowValue = { kind: 'value', value: 0 };

function createTextReader(name: string, cursor: ChunkCursor): ColumnReader {
  return {
    name,
    async next(row) {
      if (!cursor.isReady && !(await cursor.load())) throw endsBefore(name, row);
      const entry = cursor.take();
      return typeof entry === 'number' ? NULL : textOf(entry);
    },
    end() {
      checkEnd(name, cursor);
    },
  };
}

function createTurnsReader(
  { name, levels, fields }: TurnsColumn,
  cursors: readonly ChunkCursor[],
  effort: Effort,
): ColumnReader {
  /** Null: too long to be kept. */
  async function entriesOf(cursor: ChunkCursor, row: number): Promise<Entry[] | null> {
    const entries: Entry[] = [];
    let size = 0;
    for (let isFirst = true; ; isFirst = false) {
      if (!cursor.isReady && !(await cursor.load())) {
        if (isFirst) throw endsBefore(name, row);
        break;
      }
      if (cursor.repetition > 0 === isFirst) {
        if (isFirst) throw damaged(`the column \`${name}\` begins inside a row`);
        break;
      }
      const entry = cursor.take();
      size += ENTRY_BYTES + (typeof entry === 'number' ? 0 : entry.length);
      // As text of its own: a view would keep its page, and each entry may be of another.
      if (size <= MAX_ROW_BYTES) {
        entries.push(typeof entry === 'number' ? entry : (decodeText(entry) ?? null));
      }
      if (effort.isTurnOver) await effort.rest();
    }
    return size > MAX_ROW_BYTES ? null : entries;
  }

  function turnsOf(lists: readonly (readonly Entry[])[]): RowValue {
    const [first = []] = lists;
    if (lists.some(({ length }) => length !== first.length)) {
      throw damaged(`the fields of \`${name}\` do not match`);
    }
    const [only] = first;
    if (typeof only === 'number' && only < levels.list) return NULL;
    if (typeof only === 'number' && only < levels.entry) return { kind: 'value', value: [] };
    const turns: unknown[] = [];
    for (const [index, entry] of first.entries()) {
      if (typeof entry === 'number' && entry < levels.turn) {
        turns.push(null);
        continue;
      }
      const turn: Record<string, unknown> = {};
      for (const [at, field] of fields.entries()) {
        const inner = lists[at]?.[index];
        if (inner === null) return NOT_UTF8;
        turn[field.name] = typeof inner === 'string' ? inner : null;
      }
      turns.push(turn);
    }
    return { kind: 'value', value: turns };
  }

  return {
    name,
    async next(row) {
      const lists: Entry[][] = [];
      let isTooLong = false;
      for (const cursor of cursors) {
        const entries = await entriesOf(cursor, row);
        if (entries === null) isTooLong = true;
        else lists.push(entries);
      }
      return isTooLong ? { kind: 'fault', message: TOO_LONG } : turnsOf(lists);
    },
    end() {
      for (const cursor of cursors) checkEnd(name, cursor);
    },
  };
}

function textOf(bytes: Uint8Array): RowValue {
  if (bytes.length > MAX_ROW_BYTES) return { kind: 'fault', message: TOO_LONG };
  const value = decodeText(bytes);
  return value === undefined ? NOT_UTF8 : { kind: 'value', value };
}

function endsBefore(name: string, row: number) {
  return damaged(`the column \`${name}\` ends before row ${row}`);
}

function checkEnd(name: string, cursor: ChunkCursor): void {
  if (cursor.isReady) throw damaged(`the column \`${name}\` has more values than there are rows`);
}
