/** Both subgraphs and Hive Gateway in front of them, each on a port of its own. */
import { afterAll, beforeAll } from 'vitest';
import { startExperiments } from '../../examples/supergraph/experiments/server.ts';
import { startGateway } from '../../examples/supergraph/gateway.ts';
import type { Gateway, GatewaySettings } from '../../examples/supergraph/gateway.ts';
import { isInstalled } from '../../examples/supergraph/install.ts';
import { postQuery } from '../support/start-app.ts';
import type { GraphqlAnswer } from '../support/start-app.ts';
import { startFront } from './front.ts';
import type { Front } from './front.ts';

export const IS_MISSING = !isInstalled();

/** The name of a suite; of one that is skipped it says why. */
export function behindGateway(name: string): string {
  const why = IS_MISSING ? ' (skipped: run `npm ci` in examples/supergraph)' : '';
  return `behind Hive Gateway, ${name}${why}`;
}

export interface Supergraph {
  /** Of the gateway. */
  readonly url: () => string;
  /** Between clients and the gateway. */
  readonly clients: () => Front;
  /** Between the gateway and this subgraph, wherever a test has it. */
  readonly runpod: () => Front;
  /** Between the gateway and the other subgraph. */
  readonly experiments: () => Front;
  readonly query: (
    query: string,
    variables?: Readonly<Record<string, unknown>>,
  ) => Promise<GraphqlAnswer>;
}

/** One for all tests of a suite, as a gateway takes seconds to start. */
export function supergraphOf(settings: Pick<GatewaySettings, 'planner' | 'streams'>): Supergraph {
  const running = new AsyncDisposableStack();
  let parts: { gateway: Gateway; clients: Front; runpod: Front; experiments: Front } | undefined;

  beforeAll(async () => {
    const runpod = await startFront();
    running.defer(() => runpod.close());
    const experiments = await startFront();
    running.defer(() => experiments.close());
    const server = await startExperiments(0);
    running.defer(() => server.close());
    experiments.point(server.url);
    const urls = { runpodUrl: runpod.url, experimentsUrl: experiments.url };
    const gateway = await startGateway({ port: 0, ...urls, ...settings });
    running.defer(() => gateway.close());
    const clients = await startFront();
    running.defer(() => clients.close());
    clients.point(gateway.url);
    parts = { gateway, clients, runpod, experiments };
  });
  afterAll(() => running.disposeAsync());

  function started(): NonNullable<typeof parts> {
    if (parts === undefined) throw new Error('the supergraph is started before the tests');
    return parts;
  }
  return {
    url: () => started().gateway.url,
    clients: () => started().clients,
    runpod: () => started().runpod,
    experiments: () => started().experiments,
    query: (query, variables) => postQuery(started().gateway.url, query, variables),
  };
}

export const CREATE = `mutation($name: String!, $ids: [ID!]!) {
  createExperiment(input: { name: $name, trainingJobIds: $ids }) {
    experiment { id name trainingJobs(first: 1000) { id } } userErrors { code path } } }`;

/** @returns its id */
export async function createExperiment(
  { query }: Supergraph,
  ids: readonly string[],
  name = 'rank',
): Promise<string> {
  const { data } = await query(CREATE, { name, ids });
  const payload = data as unknown as { createExperiment: { experiment: { id: string } } };
  return payload.createExperiment.experiment.id;
}
