import { readFileSync } from 'node:fs';
import { printSubgraphSchema } from '@apollo/subgraph';
import { buildSchema, findBreakingChanges } from 'graphql';
import { expect, test } from 'vitest';
import { composeSupergraph, SUPERGRAPH_PATH } from '../../examples/supergraph/composition.ts';
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

test('the supergraph of the example is composed of what is published; if not: npm run schema:publish', () => {
  expect(readFileSync(SUPERGRAPH_PATH, 'utf8')).toBe(composeSupergraph());
});
