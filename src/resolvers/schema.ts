import { readFileSync, readdirSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import { resolvers } from './index.ts';

const SCHEMA_FOLDER = new URL('../../schema/', import.meta.url);

/** The SDL as it is written in schema/, all files in the order of their names. */
export function readSdl(): string {
  return readdirSync(SCHEMA_FOLDER)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => readFileSync(new URL(name, SCHEMA_FOLDER), 'utf8'))
    .join('\n');
}

export function createSchema(): GraphQLSchema {
  const typeDefs = parse(readSdl());
  const [first, ...others] = resolvers;
  return buildSubgraphSchema([
    { typeDefs, ...(first && { resolvers: first }) },
    ...others.map((map) => ({ typeDefs: EMPTY, resolvers: map })),
  ]);
}

const EMPTY = { kind: 'Document', definitions: [] } as unknown as ReturnType<typeof parse>;
