/**
 * Composes the supergraph of this example from the two SDLs, and writes it beside this file:
 *
 *     npm run schema:publish      composes as well, after it has published the SDL of this service
 *
 * The addresses in it are those of `npm run supergraph`; gateway.config.ts may name others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { readExperimentsSdl } from './experiments/server.ts';

export const SUPERGRAPH_PATH = new URL('supergraph.graphql', import.meta.url);
const PUBLISHED_PATH = new URL('../../docs/published-schema.graphql', import.meta.url);

/** @throws {Error} naming what does not fit together */
export function composeSupergraph(): string {
  const composed = composeServices([
    {
      name: 'runpod',
      url: 'http://127.0.0.1:4000/graphql',
      typeDefs: parse(readFileSync(PUBLISHED_PATH, 'utf8')),
    },
    {
      name: 'experiments',
      url: 'http://127.0.0.1:4001/graphql',
      typeDefs: parse(readExperimentsSdl()),
    },
  ]);
  if (composed.supergraphSdl === undefined) {
    const faults = composed.errors.map(({ message }) => `  ${message}`);
    throw new Error(`The two subgraphs do not compose:\n${faults.join('\n')}`);
  }
  return `${composed.supergraphSdl.trim()}\n`;
}

if (import.meta.main) writeFileSync(SUPERGRAPH_PATH, composeSupergraph());
