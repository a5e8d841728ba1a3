/** Documents that were parsed and found valid, by their text or its hash. */
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

const MAX_BYTES = 64 * 1024 * 1024;
/** A parsed document is many times its text, which it keeps as well. */
const BYTES_PER_CHARACTER = 64;
const BYTES_AT_LEAST = 2_048;

export function createDocumentCache(): LRUCache<string, DocumentNode> {
  return new LRUCache({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ loc }) =>
      BYTES_AT_LEAST + BYTES_PER_CHARACTER * (loc?.source.body.length ?? 0),
  });
}
