/** Aligned columns; on a terminal no line is longer than it. */
import { padTo, textOf } from './output.ts';
import type { Output, Span } from './output.ts';
import { safeText } from './safe-text.ts';
import { cutTo, widthOf } from './text-width.ts';

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand right. Default: left. */
  readonly side?: 'left' | 'right';
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
  const widths = fitted(natural, output.columns);
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

/** The widest column gives way first. */
function fitted(natural: readonly number[], columns: number): readonly number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  while (total() > columns) {
    const widest = Math.max(...widths);
    if (widest <= MIN_WIDTH) break;
    widths[widths.indexOf(widest)] = widest - 1;
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
