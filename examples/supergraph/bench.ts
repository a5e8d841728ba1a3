/**
 * What the gateway costs: the same query and the same stream, asked of the subgraph itself and
 * through Hive Gateway with each planner, in turns. From the root of the repository:
 *
 *     npm exec -- node examples/supergraph/bench.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild } from '../../bench/child.ts';
import { median, whole } from '../../bench/figures.ts';
import { startWholeApp } from '../../bench/whole-app.ts';
import { startGateway } from './gateway.ts';
import { install } from './install.ts';

const ROUNDS = 5;
const LIMIT_MS = 600_000;
const QUERY = '{ gpuResources(filter: {minMemoryGb: 24}) { id pricing { onDemandUsdPerHour } } }';
const CONNECTIONS = [1, 16];
const SECONDS = 2;
const READERS = 50;
const LINES = 20;
const STREAM_MS = 1_000;
/** Nobody asks it. */
const NOWHERE = 'http://127.0.0.1:1/graphql';

const WAYS = ['direct', 'gateway, js', 'gateway, rust'] as const;
type Way = (typeof WAYS)[number];

const loadSchema = z.object({ answers: z.number(), failures: z.literal(0), seconds: z.number() });
const placeSchema = z.object({
  port: z.int(),
  controlPort: z.int(),
  jobIds: z.array(z.string()),
});
const endsSchema = z.object({ ends: z.array(z.string().nullable()) });
const closedSchema = z.object({ batches: z.int(), seconds: z.number() });

interface Sample {
  readonly what: string;
  readonly way: Way;
  readonly perSecond: number;
}

await using run = new AsyncDisposableStack();
const signal = AbortSignal.timeout(LIMIT_MS);
const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-gateway-bench-'));
run.defer(() => rm(dataDir, { recursive: true, force: true }));

await install(say);
const samples = [...(await measureQueries()), ...(await measureStreams())];
process.stdout.write(
  `Node ${process.versions.node}, ${availableParallelism()} cores, medians of ${ROUNDS} rounds.\n\n${table(samples)}`,
);

/** In front of that subgraph; `direct` is no gateway. */
async function addressOf(way: Way, runpodUrl: string): Promise<string> {
  if (way === 'direct') return runpodUrl;
  const planner = way === 'gateway, js' ? 'js' : 'rust';
  const urls = { runpodUrl, experimentsUrl: NOWHERE };
  const gateway = await startGateway({ port: 0, planner, streams: 'ws', ...urls });
  run.defer(() => gateway.close());
  return gateway.url;
}

async function measureQueries(): Promise<Sample[]> {
  const app = await startWholeApp();
  run.defer(() => app.close());
  const load = startChild('load', new URL('../../bench/load-process.ts', import.meta.url), []);
  run.defer(() => load.end());
  const body = JSON.stringify({ query: QUERY });
  const urls = new Map<Way, string>();
  for (const way of WAYS) urls.set(way, await addressOf(way, `${app.url}/graphql`));

  return inTurns(async (way) => {
    const found: Sample[] = [];
    for (const connections of CONNECTIONS) {
      const order = { url: urls.get(way), body, connections, seconds: SECONDS };
      const { answers, seconds } = loadSchema.parse(await load.ask(order, signal));
      const what = `query, ${connections} at a time`;
      found.push({ what, way, perSecond: answers / seconds });
    }
    return found;
  });
}

/** Each way has a job, a server and readers of its own; the next batch comes when all have the last. */
async function measureStreams(): Promise<Sample[]> {
  const servers = new Map<Way, ReturnType<typeof startChild>>();
  for (const way of WAYS) {
    const modules = new URL('../../bench/', import.meta.url);
    const server = startChild(way, new URL('fanout-server.ts', modules), [
      'ours',
      join(dataDir, way),
    ]);
    run.defer(() => server.end());
    servers.set(way, server);
    const place = placeSchema.parse(await server.next(signal));
    const url = await addressOf(way, `http://127.0.0.1:${place.port}/graphql`);
    const readers = startChild('readers', new URL('fanout-readers.ts', modules), []);
    run.defer(() => readers.end());
    const { ends } = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    const port = Number(new URL(url).port);
    await readers.ask({ kind: 'connect', count: READERS, ...place, port, ends }, signal);
  }
  return inTurns(async (way) => {
    const order = { kind: 'closed', lines: LINES, ms: STREAM_MS };
    const answer = await servers.get(way)?.ask(order, signal);
    const { batches, seconds } = closedSchema.parse(answer);
    const what = `stream, batches of ${LINES} lines to ${READERS} readers`;
    return [{ what, way, perSecond: (batches * READERS) / seconds }];
  });
}

/** A round to warm up, which counts for nothing; then, in each round, another way is first. */
async function inTurns(measure: (way: Way) => Promise<Sample[]>): Promise<Sample[]> {
  const found: Sample[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    say(round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`);
    for (let turn = 0; turn < WAYS.length; turn += 1) {
      const way = WAYS[(turn + Math.max(0, round)) % WAYS.length] ?? 'direct';
      const seen = await measure(way);
      if (round >= 0) found.push(...seen);
    }
  }
  return found;
}

function table(all: readonly Sample[]): string {
  const rows = [...new Set(all.map(({ what }) => what))].flatMap((what) => {
    const rates = (way: Way) =>
      all.filter((one) => one.what === what && one.way === way).map(({ perSecond }) => perSecond);
    const direct = median(rates('direct'));
    return WAYS.map((way) => {
      const rate = median(rates(way));
      const range = `${whole(Math.min(...rates(way)))}–${whole(Math.max(...rates(way)))}`;
      const extra = way === 'direct' ? '' : `${(1_000 / rate - 1_000 / direct).toFixed(2)} ms`;
      return `| ${what} | ${way} | ${whole(rate)} | ${range} | ${(rate / direct).toFixed(2)}× | ${extra} |`;
    });
  });
  const head = '| What | Way | per second | least–most | of direct | more time for one |';
  return [head, '| --- | --- | ---: | ---: | ---: | ---: |', ...rows, ''].join('\n');
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
