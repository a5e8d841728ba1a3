/** How old a shown price may get; the subgraph itself remembers them for half a minute. */
export const REFRESH_MS = 30_000;

/** In a page: nobody looks at a hidden one. */
export function isHidden(): boolean {
  return (globalThis as { document?: { hidden?: boolean } }).document?.hidden === true;
}
