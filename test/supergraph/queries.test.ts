import { describe, expect, test } from 'vitest';
import type { Planner } from '../../examples/supergraph/gateway.ts';
import { startWithDataset } from '../support/training.ts';
import { behindGateway, IS_MISSING, supergraphOf } from './start-supergraph.ts';

describe.skipIf(IS_MISSING).each<Planner>(['js', 'rust'])(behindGateway('%s'), (planner) => {
  const supergraph = supergraphOf({ planner });

  test('one query asks both subgraphs, from either side', async () => {
    const { url, submit } = await startWithDataset();
    supergraph.runpod().point(url);
    const jobId = await submit({ name: 'first' });
    const created = await supergraph.query(
      `mutation($ids: [ID!]!) { createExperiment(input: { name: "rank", trainingJobIds: $ids }) {
         experiment { id name trainingJobs { id name status } } userErrors { code } } }`,
      { ids: [jobId] },
    );
    expect(created).toMatchObject({
      data: {
        createExperiment: {
          experiment: { name: 'rank', trainingJobs: [{ id: jobId, name: 'first' }] },
          userErrors: [],
        },
      },
    });
    const read = await supergraph.query(
      'query($id: ID!) { trainingJob(id: $id) { name experiment { name trainingJobCount } } }',
      { id: jobId },
    );
    expect(read).toMatchObject({
      data: {
        trainingJob: { name: 'first', experiment: { name: 'rank', trainingJobCount: 1 } },
      },
    });
  });
});
