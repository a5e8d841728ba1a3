/** The recipes as they are, each with its client, through the gateway. */
import { readFileSync } from 'node:fs';
import { buildSchema, isObjectType } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';
import { numbered } from '../../../test/support/follow.ts';
import { startWithDataset } from '../../../test/support/training.ts';
import { startTestApp } from '../../../test/support/start-app.ts';
import { until } from '../../../test/support/until.ts';
import { startRestartable } from '../../../test/support/restartable.ts';
import {
  behindGateway,
  createExperiment,
  IS_MISSING,
  supergraphOf,
} from '../../../test/supergraph/start-supergraph.ts';
import { view } from '../../../test/supergraph/views.ts';
import { EMBEDDED_TYPES } from './cache-keys.ts';
import type { LogEvent, LogPage, LogSource, StreamSink } from './follow-log.ts';
import type { JobCardFragment, PriceTableQuery } from './__generated__/operations.ts';

type Rows = PriceTableQuery['gpuResources'];

/** One recipe at work. */
interface Frontend {
  readonly logOf: (jobId: string) => LogSource;
  readonly watchJob: (jobId: string, onJob: (job: JobCardFragment) => void) => () => void;
  readonly watchPrices: (onTable: (rows: Rows) => void, refreshMs: number) => () => void;
}

// Loaded only where their packages are installed.
const FRONTENDS: Readonly<Record<string, (url: string) => Promise<Frontend>>> = {
  'Apollo Client': async (url) => {
    const apollo = await import('./apollo.ts');
    const parts = apollo.createApollo(url);
    onTestFinished(() => parts.close());
    return {
      logOf: (jobId) => apollo.logOf(parts, jobId),
      watchJob: (jobId, onJob) => apollo.watchJob(parts, jobId, onJob),
      watchPrices: (onTable, refreshMs) => apollo.watchPrices(parts, onTable, refreshMs),
    };
  },
  urql: async (url) => {
    const urql = await import('./urql.ts');
    const parts = urql.createUrql(url);
    return {
      logOf: (jobId) => urql.logOf(parts, jobId),
      watchJob: (jobId, onJob) => urql.watchJob(parts, jobId, onJob),
      watchPrices: (onTable, refreshMs) => urql.watchPrices(parts, onTable, refreshMs),
    };
  },
};

describe.skipIf(IS_MISSING).each(Object.keys(FRONTENDS))(behindGateway('%s'), (name) => {
  const supergraph = supergraphOf({ planner: 'js' });
  const frontend = () => {
    const create = FRONTENDS[name];
    if (create === undefined) throw new Error(`no ${name}`);
    return create(supergraph.clients().url);
  };

  test('a log view shows every line once, through cuts on both sides and a restart', async () => {
    const subgraph = await startRestartable();
    supergraph.runpod().point(subgraph.url());
    const { logOf } = await frontend();
    const { seen, lines } = view(logOf(subgraph.job.id));
    const disturb = [
      () => supergraph.clients().cut(),
      () => supergraph.runpod().cut(),
      async () => {
        await subgraph.restart();
        supergraph.runpod().point(subgraph.url());
      },
    ];
    for (const [index, doDisturb] of [...disturb, ...disturb].entries()) {
      await subgraph.write(10);
      await until('the lines are shown', () => lines().length >= 10 * (index + 1));
      await doDisturb();
    }
    await subgraph.write(10);
    await subgraph.end('the end');
    await until('the end is shown', () => seen.isAtEnd);
    expect(lines()).toEqual([...numbered(1, 70), 'the end']);
  });

  test('a view that begins behind a cursor shows the rest; of an unknown job it is told', async () => {
    const subgraph = await startRestartable();
    supergraph.runpod().point(subgraph.url());
    const { logOf } = await frontend();
    await subgraph.write(5);
    const before = view(logOf(subgraph.job.id));
    await until('five lines', () => before.lines().length === 5);
    before.close();
    await subgraph.write(5);
    const rest = view(logOf(subgraph.job.id), before.seen.cursor);
    await until('five more', () => rest.lines().length === 5);
    expect(rest.lines()).toEqual(numbered(6, 10));
    const unknown = view(logOf('nope'));
    await until('the refusal', () => unknown.seen.refusal);
  });

  test('a job is shown as it changes, with what the other subgraph knows of it', async () => {
    const { url, submit } = await startWithDataset();
    supergraph.runpod().point(url);
    const jobId = await submit();
    await createExperiment(supergraph, [jobId], 'shown');
    const { watchJob } = await frontend();
    const jobs: JobCardFragment[] = [];
    onTestFinished(watchJob(jobId, (job) => jobs.push(job)));
    await until('it has ended', () => jobs.at(-1)?.status === 'COMPLETED', 20_000);
    expect(jobs.length).toBeGreaterThan(1);
    expect(jobs.map(({ experiment }) => experiment?.name)).toEqual(jobs.map(() => 'shown'));
  });

  test('a price table refreshes, and stands when the platform is down', async () => {
    const { url, emulator } = await startTestApp({
      PRICE_FRESH_SECONDS: '0.05',
      RESULT_REUSE: 'false',
    });
    supergraph.runpod().point(url);
    const { watchPrices } = await frontend();
    const tables: Rows[] = [];
    onTestFinished(watchPrices((rows) => tables.push(rows), 100));
    const newest = () => tables.at(-1)?.find(({ pricing }) => pricing !== null)?.pricing;
    const first = await until('a table', newest);
    await until('a newer one', () => newest()?.observedAt !== first.observedAt);
    await emulator.addFault({ kind: 'status', status: 503, route: 'GET /v2/catalog/gpus' });
    await until('known to be old', () => newest()?.isStale);
    expect(tables.at(-1)).toHaveLength(tables[0]?.length ?? 0);
  });
});

test('a view that joins the stream of others reads what it missed, and then follows', async () => {
  const stored = numbered(1, 2_500);
  const sinks = new Map<string | null, StreamSink>();
  const pageAt = (after: string | null): LogPage => {
    const from = Number(after ?? 0);
    const lines = stored.slice(from, from + 1_000).map((text) => ({ text }));
    const endCursor = String(from + lines.length);
    return { lines, endCursor, hasNextPage: from + lines.length < stored.length };
  };
  const batch = (from: number, text: string): LogEvent => ({
    __typename: 'LogBatch',
    count: 1,
    text,
    previousCursor: String(from),
    endCursor: String(from + 1),
  });
  const { seen, lines } = view({
    open(after, sink) {
      sinks.set(after, sink);
      return () => undefined;
    },
    page: (after) => Promise.resolve(pageAt(after)),
  });
  // It asked for all, and is given what comes now.
  sinks.get(null)?.next(batch(2_499, 'line 2500'));
  const behind = await until('it follows behind the last line', () => sinks.get('2500'));
  behind.next(batch(2_500, 'line 2501'));
  expect(lines()).toEqual(numbered(1, 2_501));
  expect(seen.cursor).toBe('2501');
});

test('cache keys: types without an id are named, and no other', () => {
  const sdl = readFileSync(new URL('../supergraph.graphql', import.meta.url), 'utf8');
  const types = Object.values(buildSchema(sdl, { assumeValid: true }).getTypeMap());
  const embedded = types
    .filter(isObjectType)
    .filter(({ name }) => !/^(__|(Query|Mutation|Subscription)$)/.test(name))
    .filter((type) => !('id' in type.getFields()));
  expect([...EMBEDDED_TYPES]).toEqual(embedded.map(({ name }) => name).sort());
});
