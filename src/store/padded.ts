/**
 * Items, and as many fillers as make it a power of two: statements that name each item are then few
 * different ones, whatever their number, and stay prepared.
 */
export function padded<T>(items: readonly T[], filler: T): readonly T[] {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1, items.length)));
  return [...items, ...Array<T>(size - items.length).fill(filler)];
}
