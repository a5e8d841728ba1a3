import { composeServices } from '@apollo/composition';
import { composeServices as composeWithHive } from '@theguild/federation-composition';
import { buildClientSchema, getIntrospectionQuery, parse } from 'graphql';
import { expect, test } from 'vitest';
import { readSdl } from '../../src/resolvers/schema.ts';
import { startTestApp } from '../support/start-app.ts';

const SERVICE = { name: 'runpod', url: 'http://127.0.0.1:4000/graphql' };

async function publishedSdl(): Promise<string> {
  const { query } = await startTestApp();
  const answer = await query('{ _service { sdl } }');
  return (answer.data as unknown as { _service: { sdl: string } })._service.sdl;
}

test("Apollo's composer takes the published SDL without errors or hints", async () => {
  const composed = composeServices([{ ...SERVICE, typeDefs: parse(await publishedSdl()) }]);
  expect(composed.errors ?? []).toEqual([]);
  expect((composed.hints ?? []).map(({ message }) => message)).toEqual([]);
  expect(composed.supergraphSdl).toContain('@join__type(graph: RUNPOD, key: "id")');
});

test("The Guild's composer takes the published SDL", async () => {
  const composed = composeWithHive([{ ...SERVICE, typeDefs: parse(await publishedSdl()) }]);
  expect('errors' in composed ? composed.errors : []).toEqual([]);
  expect(composed.supergraphSdl).toContain('type GpuResource');
});

test('every type, field, argument and value is described where a client looks', async () => {
  const { query } = await startTestApp();
  const answer = await query(getIntrospectionQuery());
  const schema = buildClientSchema(answer.data as never);
  const bare = Object.values(schema.getTypeMap())
    .filter((type) => readSdl().includes(type.name) && !['Query', 'Int', 'ID'].includes(type.name))
    .filter((type) => /^[A-Z]/.test(type.name) && type.astNode === undefined)
    .filter((type) => !type.description && !['String', 'Float', 'Boolean'].includes(type.name));
  expect(bare.map(({ name }) => name)).toEqual([]);
});
