/** The supergraph of this example, composed from the two SDLs. */
import { readFileSync } from 'node:fs';
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
