import { describe, expect, onTestFinished, test } from 'vitest';
import { check } from '../../examples/supergraph/check.ts';
import { startExperiments } from '../../examples/supergraph/experiments/server.ts';
import { createVisitor } from '../../examples/supergraph/visitor.ts';
import { numbered } from '../support/follow.ts';
import { startWithDataset } from '../support/training.ts';
import { until } from '../support/until.ts';
import { startFront } from './front.ts';
import { GRAFBASE_PACKAGE, IS_GRAFBASE_MISSING, startGrafbase } from './grafbase.ts';
import { startRestartable } from '../support/restartable.ts';
import { viewEveryWay } from './views.ts';

const why = `skipped: run \`npm install --no-save ${GRAFBASE_PACKAGE}\` in examples/supergraph`;

describe.skipIf(IS_GRAFBASE_MISSING)(
  IS_GRAFBASE_MISSING ? `behind Grafbase (${why})` : 'behind Grafbase',
  () => {
    async function start(runpodUrl: string) {
      const front = await startFront();
      onTestFinished(() => front.close());
      front.point(runpodUrl);
      const experiments = await startExperiments(0);
      onTestFinished(() => experiments.close());
      const url = await startGrafbase({ runpod: front.url, experiments: experiments.url });
      return { front, urls: { WebSocket: `${url}/ws`, SSE: `${url}/graphql` } };
    }

    test('queries, mutations and streams of both subgraphs', async () => {
      const { url } = await startWithDataset();
      const { urls } = await start(url);
      const overHttp = createVisitor(urls.SSE);
      const { overWebSocket } = createVisitor(urls.WebSocket);
      const said: string[] = [];
      await check(
        { ...overHttp, overWebSocket },
        (line) => said.push(line),
        new AbortController().signal,
      );
      expect(said).toHaveLength(6);
    });

    test('views outlive cuts and a restart of the subgraph', async () => {
      const subgraph = await startRestartable();
      const { front, urls } = await start(subgraph.url());
      const views = viewEveryWay(urls, subgraph.job.id);
      const have = (count: number) =>
        until(`${count} lines`, () => views.every(({ lines }) => lines().length === count));
      await subgraph.write(10);
      await have(10);
      expect(front.cut()).toBeGreaterThan(0);
      await subgraph.write(10);
      await have(20);
      await subgraph.restart();
      await subgraph.write(10);
      front.point(subgraph.url());
      await have(30);
      await subgraph.end('the end');
      await until('the end', () => views.every(({ seen }) => seen.isAtEnd));
      for (const { lines } of views) expect(lines()).toEqual([...numbered(1, 30), 'the end']);
    });
  },
);
