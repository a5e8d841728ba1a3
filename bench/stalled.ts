/**
 * `npm run bench -- stalled`: what 100 readers that stop reading cost the server and the 900 others.
 * Rounds with and without them take turns; the readers come anew each time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { endsSchema, latencySchema, memorySchema, startedSchema } from './fanout.ts';
import { median } from './figures.ts';

const ROUNDS = 5;
const LIVE = 900;
const STALLED = 100;
const PACED = { lines: 20, batches: 100, perSecond: 20 };
/** More than the kernel takes for a socket nobody reads, and the bound behind it. */
const FILL = { lines: 100, textBytes: 4_000, batches: 25 };
const LIMIT_MS = 300_000;
const MIB = 1024 * 1024;
const MAX_GROWTH_MIB = STALLED + 64;
const MAX_P99_FACTOR = 1.2;

interface Round {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMib: number;
}

export async function runStalled(): Promise<void> {
  const signal = AbortSignal.timeout(LIMIT_MS);
  await using run = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-stalled-'));
  run.defer(() => rm(dataDir, { recursive: true, force: true }));
  const server = startChild('ours', new URL('fanout-server.ts', import.meta.url), [
    'ours',
    dataDir,
  ]);
  run.defer(() => server.end());
  const place = startedSchema.parse(await server.next(signal));
  const readers = startChild('readers', new URL('fanout-readers.ts', import.meta.url), []);
  run.defer(() => readers.end());
  const rss = async () =>
    memorySchema.parse(await server.ask({ kind: 'memory' }, signal)).rssBytes / MIB;

  async function round(stalled: number): Promise<Round> {
    const { ends } = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    const [after] = ends;
    const [jobId] = place.jobIds;
    await readers.ask({ kind: 'stall', count: stalled, port: place.port, jobId, after }, signal);
    // Without them too: the log is as long in both.
    await server.ask({ kind: 'fill', ...FILL }, signal);
    const now = endsSchema.parse(await server.ask({ kind: 'ends' }, signal));
    await readers.ask({ kind: 'connect', count: LIVE, ...place, ends: now.ends }, signal);
    await readers.ask({ kind: 'time' }, signal);
    await server.ask({ kind: 'paced', ...PACED }, signal);
    const delays = latencySchema.parse(await readers.ask({ kind: 'latencies' }, signal));
    // A message that came in two reads has no time.
    if (delays.count < 0.8 * LIVE * PACED.batches) {
      throw new Error(`only ${delays.count} messages have a time`);
    }
    const rssMib = await rss();
    await readers.ask({ kind: 'leave' }, signal);
    return { ...delays, rssMib };
  }

  const without: Round[] = [];
  const withThem: Round[] = [];
  await round(STALLED);
  for (let count = 0; count < ROUNDS; count += 1) {
    process.stderr.write(`round ${count + 1} of ${ROUNDS}\n`);
    const both = count % 2 === 0 ? [0, STALLED] : [STALLED, 0];
    for (const stalled of both) {
      const seen = await round(stalled);
      process.stderr.write(`${stalled} stalled: p99 ${seen.p99Ms.toFixed(1)} ms\n`);
      (stalled === 0 ? without : withThem).push(seen);
    }
  }
  const of = (rounds: readonly Round[], key: keyof Round) => median(rounds.map((r) => r[key]));
  const growth = of(withThem, 'rssMib') - of(without, 'rssMib');
  const slower = of(withThem, 'p99Ms') / of(without, 'p99Ms');
  const row = (name: string, rounds: readonly Round[]) =>
    `| ${name} | ${of(rounds, 'p50Ms').toFixed(1)} | ${of(rounds, 'p99Ms').toFixed(1)} | ${of(rounds, 'rssMib').toFixed(0)} |`;
  process.stdout.write(
    `${[
      `| ${LIVE} readers | p50 ms | p99 ms | RSS MiB |`,
      '| --- | ---: | ---: | ---: |',
      row('alone', without),
      row(`and ${STALLED} stalled`, withThem),
      '',
      `p99 ${slower.toFixed(2)}× (at most ${MAX_P99_FACTOR}): ${verdict(slower <= MAX_P99_FACTOR)}; RSS +${growth.toFixed(0)} MiB (at most ${MAX_GROWTH_MIB}): ${verdict(growth <= MAX_GROWTH_MIB)}`,
    ].join('\n')}\n`,
  );
}

function verdict(isMet: boolean): string {
  return isMet ? 'pass' : 'FAIL';
}
