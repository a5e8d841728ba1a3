/**
 * `npm run bench -- transports`: one job's log to many readers over each transport, and over stock
 * graphql-ws. Each way has a process, and so have its readers; one is under load at a time, in turns.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { closedSchema, endsSchema, memorySchema, startedSchema } from './fanout.ts';
import { median, whole } from './figures.ts';

const settingsSchema = z.object({
  TRANSPORT_READERS: z.coerce.number().int().min(1).max(20_000).default(1_000),
  TRANSPORT_ROUNDS: z.coerce.number().int().min(1).max(50).default(5),
  TRANSPORT_MS: z.coerce.number().int().min(100).max(60_000).default(500),
});
const routerSchema = z.object({ routerUrl: z.url() });

const WAYS = [
  { name: 'WebSocket, stock', server: 'stock', transport: 'ws' },
  { name: 'WebSocket', server: 'ours', transport: 'ws' },
  { name: 'event stream', server: 'ours', transport: 'sse' },
  { name: 'HTTP callback', server: 'ours', transport: 'callback' },
] as const;
type Way = (typeof WAYS)[number];

const LINES = [1, 20];
const SECRET = 'secret-of-the-bench';
const LIMIT_MS = 600_000;

interface Pair extends Pick<Way, 'name'> {
  readonly server: Child;
  readonly readers: Child;
  readonly bytesPerReader: number;
}

interface Sample extends Pick<Way, 'name'> {
  readonly lines: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
}

export async function runTransports(): Promise<void> {
  const settings = settingsSchema.parse(process.env);
  const { TRANSPORT_READERS: count, TRANSPORT_ROUNDS: rounds, TRANSPORT_MS: ms } = settings;
  const signal = AbortSignal.timeout(LIMIT_MS);
  await using run = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-transports-'));
  run.defer(() => rm(dataDir, { recursive: true, force: true }));

  function child(name: string, file: string, args: readonly string[]): Child {
    return startChild(name, new URL(file, import.meta.url), args);
  }

  async function start({ name, server: variant, transport }: Way): Promise<Pair> {
    let readers: Child;
    const args = [variant, join(dataDir, transport)];
    if (transport === 'ws') readers = child('readers', 'fanout-readers.ts', []);
    else {
      readers = child('readers', 'transport-readers.ts', [transport, SECRET]);
      args.push(routerSchema.parse(await readers.next(signal)).routerUrl, SECRET);
    }
    const server = child(name, 'fanout-server.ts', args);
    // The readers leave before the server does.
    run.defer(() => server.end());
    run.defer(() => readers.end());
    const place = startedSchema.parse(await server.next(signal));
    const rss = async () =>
      memorySchema.parse(await server.ask({ kind: 'memory' }, signal)).rssBytes;
    const before = await rss();
    const { ends } = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    await readers.ask({ kind: 'connect', count, ...place, ends }, signal);
    return { name, server, readers, bytesPerReader: ((await rss()) - before) / count };
  }

  async function measure({ name, server, readers }: Pair, lines: number): Promise<Sample> {
    await readers.ask({ kind: 'reset' }, signal);
    const reply = await server.ask({ kind: 'closed', lines, ms }, signal);
    const { batches, seconds, cpuSeconds } = closedSchema.parse(reply);
    const messages = batches * count;
    const cpuMicros = (cpuSeconds / messages) * 1e6;
    return { name, lines, perSecond: messages / seconds, cpuMicros };
  }

  const pairs: Pair[] = [];
  for (const way of WAYS) {
    process.stderr.write(`${way.name}\n`);
    pairs.push(await start(way));
  }
  for (const pair of pairs) for (const lines of LINES) await measure(pair, lines);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    for (const lines of LINES) {
      for (let turn = 0; turn < pairs.length; turn += 1) {
        const pair = pairs[(turn + round) % pairs.length];
        if (pair !== undefined) samples.push(await measure(pair, lines));
      }
    }
  }
  process.stdout.write(
    `Node ${process.versions.node}, ${availableParallelism()} cores, ${whole(count)} readers, medians of ${rounds} rounds of at least ${ms} ms.\n\n${tableOf(pairs, samples)}\n`,
  );
}

function tableOf(pairs: readonly Pair[], samples: readonly Sample[]): string {
  const rows = LINES.flatMap((lines) =>
    pairs.map(({ name, bytesPerReader }) => {
      const mine = samples.filter((each) => each.name === name && each.lines === lines);
      const rates = mine.map(({ perSecond }) => perSecond);
      return [
        String(lines),
        name,
        whole(median(rates)),
        `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
        median(mine.map(({ cpuMicros }) => cpuMicros)).toFixed(1),
        (bytesPerReader / 1_000).toFixed(1),
      ];
    }),
  );
  const head = ['Lines', 'Way', 'messages/s', 'least–most', 'CPU µs/message', 'kB/reader'];
  const rule = ['---:', '---', '---:', '---:', '---:', '---:'];
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
