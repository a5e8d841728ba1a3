/**
 * Writes supergraph.graphql; part of `npm run schema:publish`. The addresses in it are those of
 * `npm run supergraph`; gateway.config.ts may name others.
 */
import { writeFileSync } from 'node:fs';
import { composeSupergraph, SUPERGRAPH_PATH } from './composition.ts';

writeFileSync(SUPERGRAPH_PATH, composeSupergraph());
