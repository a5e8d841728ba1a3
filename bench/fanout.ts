/**
 * `npm run bench -- fanout`: one job's log to many readers, ours against the stock way and against
 * the limit. Each way has a process, and so have its readers; one is under load at a time, in turns.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { formatFanout } from './fanout-report.ts';
import type { FanoutSample, LatencySample, MemorySample } from './fanout-report.ts';
import { JOBS } from './fanout-variants.ts';
import type { VariantName } from './fanout-variants.ts';

const settingsSchema = z.object({
  FANOUT_READERS: z
    .string()
    .default('100,1000,5000,10000')
    .transform((text) => text.split(',').map(Number)),
  FANOUT_ROUNDS: z.coerce.number().int().min(1).max(50).default(5),
  FANOUT_MS: z.coerce.number().int().min(100).max(60_000).default(500),
});

const SHARED: readonly VariantName[] = ['ours', 'stock', 'ws', 'raw'];
const UNSHARED: readonly VariantName[] = ['ours-jobs', 'stock-jobs'];
const LINES = [1, 20];
const PACED = { readers: 1_000, lines: 20, batches: 40, perSecond: 20 };
const LIMIT_MS = 600_000;

export const startedSchema = z.object({
  port: z.int(),
  controlPort: z.int(),
  jobIds: z.array(z.string()),
});
export const endsSchema = z.object({ ends: z.array(z.string().nullable()) });
export const closedSchema = z.object({
  batches: z.int(),
  seconds: z.number(),
  cpuSeconds: z.number(),
  waitMs: z.number(),
});
export const memorySchema = z.object({ rssBytes: z.number() });
export const latencySchema = z.object({ count: z.int(), p50Ms: z.number(), p99Ms: z.number() });

interface Pair {
  readonly name: VariantName;
  readonly server: Child;
  readonly readers: Child;
  readonly place: z.infer<typeof startedSchema>;
}

export async function runFanout(): Promise<void> {
  const settings = settingsSchema.parse(process.env);
  const signal = AbortSignal.timeout(LIMIT_MS);
  await using run = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-fanout-'));
  run.defer(() => rm(dataDir, { recursive: true, force: true }));

  async function start(name: VariantName): Promise<Pair> {
    const server = startChild(name, new URL('fanout-server.ts', import.meta.url), [
      name,
      join(dataDir, name),
    ]);
    run.defer(() => server.end());
    const place = startedSchema.parse(await server.next(signal));
    const readers = startChild('readers', new URL('fanout-readers.ts', import.meta.url), []);
    run.defer(() => readers.end());
    return { name, server, readers, place };
  }

  async function connect({ server, readers, place }: Pair, count: number): Promise<void> {
    const { ends } = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    await readers.ask({ kind: 'connect', count, ...place, ends }, signal);
  }

  async function measure(pair: Pair, readers: number, lines: number): Promise<FanoutSample> {
    const order = { kind: 'closed', lines, ms: settings.FANOUT_MS };
    await pair.readers.ask({ kind: 'reset' }, signal);
    const { batches, seconds, cpuSeconds, waitMs } = closedSchema.parse(
      await pair.server.ask(order, signal),
    );
    const deliveries = batches * readers;
    return {
      variant: pair.name,
      readers,
      lines,
      perSecond: deliveries / seconds,
      cpuMicros: (cpuSeconds / deliveries) * 1e6,
      waitMs,
    };
  }

  async function rounds(pairs: readonly Pair[], readers: number): Promise<FanoutSample[]> {
    const samples: FanoutSample[] = [];
    for (const pair of pairs) for (const lines of LINES) await measure(pair, readers, lines);
    for (let round = 0; round < settings.FANOUT_ROUNDS; round += 1) {
      for (const lines of LINES) {
        for (let turn = 0; turn < pairs.length; turn += 1) {
          const pair = pairs[(turn + round) % pairs.length];
          if (pair !== undefined) samples.push(await measure(pair, readers, lines));
        }
      }
    }
    return samples;
  }

  async function latencies(pairs: readonly Pair[]): Promise<LatencySample[]> {
    const samples: LatencySample[] = [];
    const names: readonly string[] = ['ours', 'ws', 'raw'];
    for (let round = 0; round < settings.FANOUT_ROUNDS; round += 1) {
      for (const { name, server, readers } of pairs.filter((pair) => names.includes(pair.name))) {
        await readers.ask({ kind: 'time' }, signal);
        await server.ask({ kind: 'paced', ...PACED }, signal);
        const { p50Ms, p99Ms } = latencySchema.parse(
          await readers.ask({ kind: 'latencies' }, signal),
        );
        samples.push({ variant: name, p50Ms, p99Ms });
      }
    }
    return samples;
  }

  const memory: MemorySample[] = [];
  const samples: FanoutSample[] = [];
  const delays: LatencySample[] = [];
  const pairs: Pair[] = [];
  const rssOf = async ({ server }: Pair) =>
    memorySchema.parse(await server.ask({ kind: 'memory' }, signal)).rssBytes;

  for (const name of SHARED) pairs.push(await start(name));
  for (const [index, count] of settings.FANOUT_READERS.entries()) {
    progress(`${count} readers`);
    for (const pair of pairs) {
      const before = await rssOf(pair);
      const known = settings.FANOUT_READERS[index - 1] ?? 0;
      await connect(pair, count);
      const bytes = ((await rssOf(pair)) - before) / (count - known);
      memory.push({ variant: pair.name, readers: count, bytesPerReader: bytes });
    }
    samples.push(...(await rounds(pairs, count)));
    if (count === PACED.readers) delays.push(...(await latencies(pairs)));
  }
  progress(`${JOBS} jobs`);
  const alone: Pair[] = [];
  for (const name of UNSHARED) alone.push(await start(name));
  for (const pair of alone) await connect(pair, JOBS);
  samples.push(...(await rounds(alone, JOBS)));

  process.stdout.write(
    `Node ${process.versions.node}, ${availableParallelism()} cores, medians of ${settings.FANOUT_ROUNDS} rounds of at least ${settings.FANOUT_MS} ms.\n\n`,
  );
  process.stdout.write(formatFanout(samples, memory, delays));
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
