/**
 * `npm run schema:publish`: writes the SDL that routers get to docs/published-schema.graphql. What
 * would break a client is refused, unless `-- --breaking` says that it is meant.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { printSubgraphSchema } from '@apollo/subgraph';
import { buildSchema, findBreakingChanges } from 'graphql';
import { createSchema } from '../src/resolvers/schema.ts';

const PATH = new URL('../docs/published-schema.graphql', import.meta.url);

const published = printSubgraphSchema(createSchema());
const read = (sdl: string) => buildSchema(sdl, { assumeValid: true, assumeValidSDL: true });
const breaking = findBreakingChanges(read(readFileSync(PATH, 'utf8')), read(published));
if (breaking.length > 0 && !process.argv.includes('--breaking')) {
  process.stderr.write(
    `These changes break clients:\n${breaking.map(({ description }) => `  ${description}`).join('\n')}\nIf that is meant: npm run schema:publish -- --breaking\n`,
  );
  process.exitCode = 1;
} else {
  writeFileSync(PATH, `${published}\n`);
}
