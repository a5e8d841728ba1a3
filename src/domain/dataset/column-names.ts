/** Which columns make a shape that a trainer reads, for formats that name them before any row. */
export interface ColumnShape {
  readonly needed: readonly string[];
  readonly optional: readonly string[];
  /** A list of turns; else text. */
  readonly isList: boolean;
}

/** In the trainer's order: the first of which a row has a column decides. */
export const COLUMN_SHAPES: readonly ColumnShape[] = [
  { needed: ['text'], optional: [], isList: false },
  { needed: ['messages'], optional: [], isList: true },
  { needed: ['conversations'], optional: [], isList: true },
  { needed: ['prompt', 'completion'], optional: [], isList: false },
  { needed: ['instruction', 'output'], optional: ['input'], isList: false },
];

/** Null: no two are the same. */
export function firstTwice(names: readonly string[]): string | null {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size) ?? null;
}

/** Ten at most, none of them long. */
export function shownNames(names: readonly string[]): string {
  const some = names.slice(0, 10).map((name) => JSON.stringify(name.slice(0, 40)));
  return `${some.join(', ')}${names.length > some.length ? ', …' : ''}`;
}
