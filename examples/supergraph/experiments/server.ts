/**
 * A second subgraph, as another team would have it: it knows which trainings belong together, and
 * nothing else about them.
 */
import { readFileSync } from 'node:fs';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { createExperiments } from './experiments.ts';
import type { Experiment, Experiments, NewExperiment } from './experiments.ts';

const MAX_PAGE = 1_000;

export interface ExperimentsServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export function readExperimentsSdl(): string {
  return readFileSync(new URL('schema.graphql', import.meta.url), 'utf8');
}

/** @throws {Error} with `code` EADDRINUSE where the port is taken; 0 takes any */
export async function startExperiments(port: number): Promise<ExperimentsServer> {
  const schema = buildSubgraphSchema([
    {
      typeDefs: parse(readExperimentsSdl()),
      resolvers: createResolvers(createExperiments()),
    },
  ]);
  const server = new ApolloServer({
    schema,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
  const { url } = await startStandaloneServer(server, { listen: { host: '127.0.0.1', port } });
  return { url, close: () => server.stop() };
}

interface JobReference {
  readonly id: string;
}

function createResolvers(experiments: Experiments) {
  const refused = (code: string, message: string, path: readonly string[]) => ({
    experiment: null,
    userErrors: [{ code, message, path }],
  });
  return {
    Query: {
      experiment: (_parent: unknown, { id }: { id: string }) => experiments.find(id),
      experiments(_parent: unknown, { first, after }: { first: number; after?: string | null }) {
        const page = experiments.page(clamp(first), after ?? null);
        return {
          nodes: page.nodes,
          pageInfo: {
            hasNextPage: page.hasNext,
            hasPreviousPage: page.hasPrevious,
            startCursor: page.nodes[0]?.id ?? null,
            endCursor: page.nodes.at(-1)?.id ?? null,
          },
        };
      },
    },
    Mutation: {
      createExperiment(_parent: unknown, { input }: { input: NewExperiment }) {
        if (input.name.trim() === '') {
          return refused('REQUIRED', 'An experiment needs a name.', ['input', 'name']);
        }
        return { experiment: experiments.create(input), userErrors: [] };
      },
      addTrainingJobs(
        _parent: unknown,
        { experimentId, trainingJobIds }: { experimentId: string; trainingJobIds: string[] },
      ) {
        const experiment = experiments.find(experimentId);
        if (experiment === null) {
          return refused('NOT_FOUND', 'There is no such experiment.', ['experimentId']);
        }
        experiments.add(experimentId, trainingJobIds);
        return { experiment, userErrors: [] };
      },
    },
    Experiment: {
      __resolveReference: ({ id }: { id: string }) => experiments.find(id),
      // A reference is enough: whoever asks for more of a job gets it from where jobs are.
      trainingJobs: (experiment: Experiment, { first }: { first: number }) =>
        experiments
          .jobIds(experiment)
          .slice(0, clamp(first))
          .map((id) => ({ __typename: 'TrainingJob', id })),
      trainingJobCount: (experiment: Experiment) => experiments.jobIds(experiment).length,
    },
    TrainingJob: {
      __resolveReference: ({ id }: JobReference) => ({ id }),
      experiment: ({ id }: JobReference) => experiments.ofJob(id),
    },
    UserError: { __resolveType: () => 'ExperimentUserError' },
  };
}

function clamp(first: number): number {
  return Math.max(0, Math.min(first, MAX_PAGE));
}
