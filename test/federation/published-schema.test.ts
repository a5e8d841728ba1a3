import { readFileSync } from 'node:fs';
import { printSubgraphSchema } from '@apollo/subgraph';
import { buildSchema, findBreakingChanges } from 'graphql';
import { expect, test } from 'vitest';
import { createSchema } from '../../src/resolvers/schema.ts';

const published = readFileSync(
  new URL('../../docs/published-schema.graphql', import.meta.url),
  'utf8',
);

test('nothing that was published has been taken away', () => {
  const read = (sdl: string) => buildSchema(sdl, { assumeValid: true, assumeValidSDL: true });
  const now = printSubgraphSchema(createSchema());
  expect(findBreakingChanges(read(published), read(now))).toEqual([]);
});

test('the published SDL is that of schema/; if not: npm run schema:publish', () => {
  expect(`${printSubgraphSchema(createSchema())}\n`).toBe(published);
});
