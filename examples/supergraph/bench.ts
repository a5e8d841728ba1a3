/**
 * What the gateway costs: the same query and the same stream, asked of the subgraph itself and
 * through Hive Gateway with each planner, in turns. From the root of the repository:
 *
 *     npm exec -- node examples/supergraph/bench.ts
 */
import { readFileSync } from 'node:fs';
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
  /** What the gateway computed for one; NaN: there is none, or this is not Linux. */
  readonly cpuMs: number;
}

interface Place {
  readonly url: string;
  /** CPU time of the gateway so far. */
  readonly cpuMs: () => number;
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
async function placeOf(way: Way, runpodUrl: string): Promise<Place> {
  if (way === 'direct') return { url: runpodUrl, cpuMs: () => NaN };
  const planner = way === 'gateway, js' ? 'js' : 'rust';
  const gateway = await startGateway({
    port: 0,
    planner,
    runpodUrl,
    experimentsUrl: NOWHERE,
    streams: 'ws',
    isProduction: true,
  });
  run.defer(() => gateway.close());
  return { url: gateway.url, cpuMs: () => cpuMsOf(gateway.pid) };
}

/** proc(5): user and system time are the 14th and 15th field, in hundredths of a second. */
function cpuMsOf(pid: number): number {
  if (process.platform !== 'linux') return NaN;
  const [, rest = ''] = /\) (.*)$/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8').trim()) ?? [];
  const fields = rest.split(' ').map(Number);
  return 10 * ((fields[11] ?? NaN) + (fields[12] ?? NaN));
}

async function measureQueries(): Promise<Sample[]> {
  const app = await startWholeApp();
  run.defer(() => app.close());
  const load = startChild('load', new URL('../../bench/load-process.ts', import.meta.url), []);
  run.defer(() => load.end());
  const body = JSON.stringify({ query: QUERY });
  const places = new Map<Way, Place>();
  for (const way of WAYS) places.set(way, await placeOf(way, `${app.url}/graphql`));

  return inTurns(async (way) => {
    const found: Sample[] = [];
    const { url, cpuMs } = placed(places, way);
    for (const connections of CONNECTIONS) {
      const before = cpuMs();
      const order = { url, body, connections, seconds: SECONDS };
      const { answers, seconds } = loadSchema.parse(await load.ask(order, signal));
      const what = `query, ${connections} at a time`;
      found.push({ what, way, perSecond: answers / seconds, cpuMs: (cpuMs() - before) / answers });
    }
    return found;
  });
}

/** Each way has a job, a server and readers of its own; the next batch comes when all have the last. */
async function measureStreams(): Promise<Sample[]> {
  const servers = new Map<Way, ReturnType<typeof startChild>>();
  const places = new Map<Way, Place>();
  for (const way of WAYS) {
    const modules = new URL('../../bench/', import.meta.url);
    const server = startChild(way, new URL('fanout-server.ts', modules), [
      'ours',
      join(dataDir, way),
    ]);
    run.defer(() => server.end());
    servers.set(way, server);
    const address = placeSchema.parse(await server.next(signal));
    const place = await placeOf(way, `http://127.0.0.1:${address.port}/graphql`);
    places.set(way, place);
    const readers = startChild('readers', new URL('fanout-readers.ts', modules), []);
    run.defer(() => readers.end());
    const { ends } = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    const port = Number(new URL(place.url).port);
    await readers.ask({ kind: 'connect', count: READERS, ...address, port, ends }, signal);
  }
  return inTurns(async (way) => {
    const order = { kind: 'closed', lines: LINES, ms: STREAM_MS };
    const { cpuMs } = placed(places, way);
    const before = cpuMs();
    const answer = await servers.get(way)?.ask(order, signal);
    const { batches, seconds } = closedSchema.parse(answer);
    const count = batches * READERS;
    const what = `stream, batches of ${LINES} lines to ${READERS} readers`;
    return [{ what, way, perSecond: count / seconds, cpuMs: (cpuMs() - before) / count }];
  });
}

function placed(places: ReadonlyMap<Way, Place>, way: Way): Place {
  const place = places.get(way);
  if (place === undefined) throw new Error(`nothing was started for ${way}`);
  return place;
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
    const seen = (way: Way) => all.filter((one) => one.what === what && one.way === way);
    const direct = median(seen('direct').map(({ perSecond }) => perSecond));
    return WAYS.map((way) => {
      const rates = seen(way).map(({ perSecond }) => perSecond);
      const rate = median(rates);
      const range = `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`;
      const cpu = median(seen(way).map(({ cpuMs }) => cpuMs));
      const more =
        way === 'direct'
          ? ' | '
          : `${(1_000 / rate - 1_000 / direct).toFixed(2)} ms | ${cpu.toFixed(2)} ms`;
      return `| ${what} | ${way} | ${whole(rate)} | ${range} | ${more} |`;
    });
  });
  const head = '| What | Way | per second | least–most | more time for one | CPU of the gateway |';
  return [head, '| --- | --- | ---: | ---: | ---: | ---: |', ...rows, ''].join('\n');
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
