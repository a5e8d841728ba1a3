import { composeServices } from '@apollo/composition';
import { composeServices as composeWithHive } from '@theguild/federation-composition';
import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';
import { hasEnded, jobThat, SPEC, submitJob, uploadDataset } from '../support/training.ts';

const ENTITIES = `query($representations: [_Any!]!) { _entities(representations: $representations) {
  __typename
  ... on TrainingJob { id name attempts { number } cost { usdSoFar } artifacts { id } }
  ... on TrainingArtifact { id path job { id } }
  ... on GpuResource { id name }
} }`;

/** A second subgraph that shares what is shareable and extends our entities. */
const EXPERIMENTS = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
  type Query { experiments(first: Int): [Experiment!]! }
  type Experiment @key(fields: "id") { id: ID! jobs: [TrainingJob!]! gpu: GpuResource best: TrainingArtifact }
  type TrainingJob @key(fields: "id") { id: ID! experiment: Experiment }
  type GpuResource @key(fields: "id", resolvable: false) { id: ID! }
  type TrainingArtifact @key(fields: "id", resolvable: false) { id: ID! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
  interface UserError { code: String! message: String! path: [String!]! }
  type ExperimentUserError implements UserError { code: String! message: String! path: [String!]! }
`;

test('entities are looked up in batches, unknown ones are null, a bad one fails alone', async () => {
  const { query } = await startTestApp({ RECONCILE_SECONDS: '0.2', POD_ABSENT_SECONDS: '0.3' });
  const uploadId = await uploadDataset(query);
  const { job } = await submitJob(query, {
    name: 'entity',
    spec: { ...SPEC, dataset: { uploadId } },
  });
  const id = job?.id ?? '';
  await jobThat(query, id, hasEnded);
  const read = await query('query($id: ID!) { trainingJob(id: $id) { artifacts { id } } }', { id });
  const { artifacts } = (read.data as unknown as { trainingJob: { artifacts: { id: string }[] } })
    .trainingJob;
  const representations = [
    ...Array.from({ length: 1_000 }, () => ({ __typename: 'TrainingJob', id })),
    { __typename: 'TrainingJob', id: 'nope' },
    { __typename: 'TrainingArtifact', id: artifacts[0]?.id },
    { __typename: 'TrainingArtifact', id: 'nope' },
    { __typename: 'GpuResource', id: 'NVIDIA L4' },
    { __typename: 'GpuResource', id: 'nope' },
  ];
  const { data, errors } = await query(ENTITIES, { representations });
  expect(errors).toBeUndefined();
  const found = (data as unknown as { _entities: unknown[] })._entities;
  expect(found.slice(0, 1_000)).toEqual(
    Array.from({ length: 1_000 }, () => expect.objectContaining({ id, name: 'entity' }) as unknown),
  );
  expect(found.slice(1_000)).toEqual([
    null,
    expect.objectContaining({ id: artifacts[0]?.id, job: { id } }),
    null,
    expect.objectContaining({ id: 'NVIDIA L4' }),
    null,
  ]);
});

test('both composers take us together with a subgraph that extends our types', async () => {
  const { query } = await startTestApp();
  const answer = await query('{ _service { sdl } }');
  const { sdl } = (answer.data as unknown as { _service: { sdl: string } })._service;
  const services = [
    { name: 'runpod', url: 'http://127.0.0.1:4000/graphql', typeDefs: parse(sdl) },
    { name: 'experiments', url: 'http://127.0.0.1:4001/graphql', typeDefs: parse(EXPERIMENTS) },
  ];
  const apollo = composeServices(services);
  expect(apollo.errors ?? []).toEqual([]);
  const hive = composeWithHive(services);
  expect('errors' in hive ? hive.errors : []).toEqual([]);
  for (const { supergraphSdl } of [apollo, hive]) {
    expect(supergraphSdl).toContain('experiment: Experiment @join__field(graph: EXPERIMENTS)');
  }
});
