/**
 * `npm run bench`: our server against others, on the same schema and data, over HTTP on loopback.
 *
 * Every server and the load have a process of their own, and one server is under load at a time.
 * The servers take turns, several rounds of them, so that whatever else the machine does hits all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { createEmulator } from '../src/emulator/emulator.ts';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { runFanout } from './fanout.ts';
import { runFlood } from './flood.ts';
import { runIngest } from './ingest.ts';
import { runLatency } from './latency.ts';
import { formatReport } from './report.ts';
import type { Sample } from './report.ts';
import { SERVER_NAMES } from './servers.ts';
import type { ServerName } from './servers.ts';
import { runStalled } from './stalled.ts';
import { runTransports } from './transports.ts';
import { runSubmit } from './submit.ts';
import { makeWorkloads } from './workloads.ts';
import type { Workload } from './workloads.ts';

const settingsSchema = z.object({
  /** Load per server, workload and round. */
  BENCH_SECONDS: z.coerce.number().int().min(1).max(60).default(3),
  BENCH_ROUNDS: z.coerce.number().int().min(1).max(50).default(5),
  BENCH_CONNECTIONS: z.coerce.number().int().min(1).max(256).default(16),
});

const WARM_UP_SECONDS = 2;
/** The first answers differ in how they are made: parsed, compiled, kept. All must be the same. */
const CHECKS = 4;
/** The emulator's stock changes by the minute; its clock stands, so that all read the same. */
const STANDING_CLOCK = Date.parse('2026-11-24T12:00:00Z');

interface Server {
  readonly name: ServerName;
  readonly url: string;
  readonly child: Child;
}

const measurementSchema = z.object({
  answers: z.number(),
  failures: z.number(),
  seconds: z.number(),
  p99Ms: z.number(),
});
type Measurement = z.infer<typeof measurementSchema>;
const startedSchema = z.object({ url: z.url() });
const usageSchema = z.object({ cpuSeconds: z.number() });
const answerSchema = z.object({
  data: z.record(z.string(), z.unknown()),
  errors: z.undefined().optional().optional(),
});
const idsSchema = z.object({ gpuResources: z.array(z.object({ id: z.string() })).min(40) });

const settings = settingsSchema.parse(process.env);
const interrupted = new AbortController();
process.once('SIGINT', () => {
  interrupted.abort(new Error('interrupted'));
});
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(limitMs())]);
const others: Readonly<Record<string, () => Promise<void>>> = {
  fanout: runFanout,
  flood: runFlood,
  ingest: runIngest,
  latency: runLatency,
  stalled: runStalled,
  submit: runSubmit,
  transports: runTransports,
};
await (others[process.argv[2] ?? ''] ?? main)();

function limitMs(): number {
  const cells = SERVER_NAMES.length * 3;
  const load = cells * (WARM_UP_SECONDS + settings.BENCH_ROUNDS * settings.BENCH_SECONDS);
  return (60 + 1.5 * load) * 1_000;
}

async function main(): Promise<void> {
  await using run = new AsyncDisposableStack();
  const emulator = await createEmulator({ now: () => STANDING_CLOCK });
  run.defer(() => emulator.close());
  const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-bench-'));
  run.defer(() => rm(dataDir, { recursive: true, force: true }));

  const load = startChild('load', new URL('load-process.ts', import.meta.url), []);
  run.defer(() => load.end());
  const servers: Server[] = [];
  for (const name of SERVER_NAMES) {
    const args = [name, emulator.url, dataDir];
    const child = startChild(name, new URL('server-process.ts', import.meta.url), args);
    run.defer(() => child.end());
    const { url } = startedSchema.parse(await child.next(signal));
    servers.push({ name, url, child });
  }

  const workloads = makeWorkloads(await readGpuIds(servers));
  await checkAnswers(servers, workloads);
  const samples = await measureAll(servers, workloads, load);
  await checkAnswers(servers, workloads);
  print(describe(workloads));
  print(formatReport(workloads, samples));
}

async function readGpuIds(servers: readonly Server[]): Promise<readonly string[]> {
  const [first] = servers;
  const body = JSON.stringify({ query: '{ gpuResources { id } }' });
  const { gpuResources } = idsSchema.parse(await dataOf(first?.url ?? '', body));
  return gpuResources.map(({ id }) => id);
}

/** @throws if the servers do not answer the same: then there is nothing to compare. */
async function checkAnswers(
  servers: readonly Server[],
  workloads: readonly Workload[],
): Promise<void> {
  for (const { name: workload, body } of workloads) {
    let expected: unknown;
    for (const { name, url } of servers) {
      for (let check = 0; check < CHECKS; check += 1) {
        const data = await dataOf(url, body);
        expected ??= data;
        if (!isDeepStrictEqual(data, expected)) {
          throw new Error(`${name} answers ${workload} otherwise: ${JSON.stringify(data)}`);
        }
      }
    }
  }
}

async function dataOf(url: string, body: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body, signal });
  return answerSchema.parse(await response.json()).data;
}

async function measureAll(
  servers: readonly Server[],
  workloads: readonly Workload[],
  load: Child,
): Promise<readonly Sample[]> {
  progress('warming up');
  for (const { url } of servers) {
    for (const workload of workloads) await measure(load, url, workload, WARM_UP_SECONDS);
  }
  const samples: Sample[] = [];
  for (let round = 0; round < settings.BENCH_ROUNDS; round += 1) {
    progress(`round ${round + 1} of ${settings.BENCH_ROUNDS}`);
    for (const workload of workloads) {
      for (const server of rotate(servers, round)) {
        samples.push(await takeSample(load, server, workload));
      }
    }
  }
  return samples;
}

/** Nobody is always first. */
function rotate<T>(items: readonly T[], by: number): readonly T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

async function takeSample(load: Child, server: Server, workload: Workload): Promise<Sample> {
  const before = await cpuSecondsOf(server.child);
  const { answers, seconds, p99Ms } = await measure(
    load,
    server.url,
    workload,
    settings.BENCH_SECONDS,
  );
  const cpuSeconds = (await cpuSecondsOf(server.child)) - before;
  return {
    server: server.name,
    workload: workload.name,
    requestsPerSecond: answers / seconds,
    p99Ms,
    cpuMicrosPerRequest: (cpuSeconds / answers) * 1e6,
    busy: cpuSeconds / seconds,
  };
}

async function measure(
  load: Child,
  url: string,
  { name, body }: Workload,
  seconds: number,
): Promise<Measurement> {
  const order = { url, body, connections: settings.BENCH_CONNECTIONS, seconds };
  const measurement = measurementSchema.parse(await load.ask(order, signal));
  if (measurement.failures > 0) {
    throw new Error(`${measurement.failures} requests of ${name} failed at ${url}`);
  }
  return measurement;
}

async function cpuSecondsOf(child: Child): Promise<number> {
  return usageSchema.parse(await child.ask({}, signal)).cpuSeconds;
}

function describe(workloads: readonly Workload[]): string {
  const { BENCH_SECONDS, BENCH_ROUNDS, BENCH_CONNECTIONS } = settings;
  return [
    `Node ${process.versions.node}, ${availableParallelism()} cores, ${BENCH_CONNECTIONS} connections, medians of ${BENCH_ROUNDS} rounds of ${BENCH_SECONDS} s.`,
    ...workloads.map(({ name, title }) => `- ${name}: ${title}`),
    '',
  ].join('\n');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
