/** Aligned columns; on a terminal no line is longer than it. */
import { padTo, textOf } from './output.ts';
import type { Output, Span } from './output.ts';
import { safeText } from './safe-text.ts';
import { cutTo, widthOf } from './text-width.ts';

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand right. Default: left. */
  readonly side?: 'left' | 'right';
  /** What is typed into the next command: cut only where cutting everything else is not enough. */
  readonly isKey?: true;
  readonly cell: (row: Row) => Span;
}

const GAP = '  ';
/** A column is cut no narrower than this. */
const MIN_WIDTH = 6;

export async function printTable<Row>(
  output: Output,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): Promise<void> {
  const cells = rows.map((row) => columns.map(({ cell }) => toSafe(cell(row))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(textOf(row[index] ?? '')))),
  );
  const isKey = columns.map((column) => column.isKey === true);
  const widths = fitted(natural, isKey, output.columns);
  const titles = columns.map(({ title }) => ({ text: title, style: 'bold' }) as const);
  for (const row of [titles, ...cells]) {
    await output.line(...lineOf(columns, widths, row));
  }
}

function toSafe(span: Span): Span {
  // Its width counts, so it is made safe before it is measured.
  const text = safeText(textOf(span)).replaceAll('\t', ' ');
  return typeof span === 'string' ? text : { ...span, text };
}

/** The widest column gives way first, and keys after all others. */
function fitted(
  natural: readonly number[],
  isKey: readonly boolean[],
  columns: number,
): readonly number[] {
  const widths = [...natural];
  const gaps = GAP.length * (widths.length - 1);
  const excess = () => widths.reduce((sum, width) => sum + width, gaps) - columns;
  for (const keysToo of [false, true]) {
    const roomOf = (width: number, index: number) =>
      isKey[index] === true && !keysToo ? 0 : width - MIN_WIDTH;
    while (excess() > 0) {
      const rooms = widths.map(roomOf);
      const widest = rooms.indexOf(Math.max(...rooms));
      if ((rooms[widest] ?? 0) <= 0) break;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  }
  return widths;
}

function lineOf<Row>(
  columns: readonly Column<Row>[],
  widths: readonly number[],
  row: readonly Span[],
): readonly Span[] {
  return row.flatMap((span, index) => {
    const width = widths[index] ?? 0;
    const isLast = index === row.length - 1;
    const side = columns[index]?.side ?? 'left';
    const cut = cutTo(textOf(span), width);
    // Nothing stands behind the last column, so nothing is filled up there.
    const text = isLast && side === 'left' ? cut : padTo(cut, width, side);
    return [index === 0 ? '' : GAP, typeof span === 'string' ? text : { ...span, text }];
  });
}
