/**
 * `npm run bench -- ingest`: log lines a second into the durable store, against the same
 * driver's bare multi-row insert of the same chunks, on SQLite and on a PostgreSQL of its own that
 * syncs to the disk. Both take turns, several rounds of them.
 *
 * Ours is the whole way of a line: what the agent sent, checked for order, made safe, its metrics
 * read, numbered behind a compare-and-set, committed, acknowledged. Bare is one transaction a batch
 * with one insert of rows, made of the same lines; and, beyond what any ingest can reach, of rows that
 * were finished before. Also the way before it: the agent's event stream as bytes, to lines.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createPodAgent } from '../src/datasources/pod-agent.ts';
import type { AgentLine } from '../src/datasources/pod-agent.ts';
import type { Job } from '../src/domain/job/job.ts';
import { createIntake } from '../src/logs/follower-intake.ts';
import { createLogWriter } from '../src/logs/ingest.ts';
import { beginAttempt, setBoot } from '../src/store/attempts.ts';
import type { Database } from '../src/store/database.ts';
import { insertJob } from '../src/store/jobs.ts';
import { insertChunks, placeChunks, toChunks } from '../src/store/log-lines.ts';
import { openDatabase } from '../src/store/open-database.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { median, whole } from './figures.ts';

const ROUNDS = 5;
const LINES = 300_000;
const BOOT = 'b'.repeat(16);
const TENANT = 'default';

interface Workload {
  readonly name: string;
  readonly jobs: number;
  /** Lines that one job brings at a time. */
  readonly batch: number;
}
const WORKLOADS: readonly Workload[] = [
  { name: '1 job, 1,000 lines a batch', jobs: 1, batch: 1_000 },
  { name: '100 jobs, 100 lines a batch', jobs: 100, batch: 100 },
  { name: '100 jobs, 10 lines a batch', jobs: 100, batch: 10 },
];

let made = 0;

async function makeJob(db: Database): Promise<string> {
  made += 1;
  const id = `bench${process.pid}x${made}`;
  const head = { id, tenantId: TENANT, credentialId: 'default', name: 'bench', status: 'RUNNING' };
  const parts = { spec: {}, placement: {}, limits: {}, labels: [], estimatedUsd: null };
  await insertJob(db, { ...head, ...parts, createdAt: 1 } as unknown as Job);
  await beginAttempt(db, { tenantId: TENANT, jobId: id, number: 1, spot: false, now: 1 });
  await setBoot(db, id, 1, BOOT);
  return id;
}

function batchOf(first: number, count: number): AgentLine[] {
  return Array.from({ length: count }, (_, index) => ({
    n: first + index,
    at: 1_700_000_000_000 + first + index,
    stream: 'stdout' as const,
    text: `step ${first + index}: reading shard 17 of 64, 1843 tokens/s, queue depth 12, all ranks in sync, no retries`,
  }));
}

/** @returns lines a second */
async function ours(db: Database, { jobs, batch }: Workload): Promise<number> {
  const ids = await Promise.all(Array.from({ length: jobs }, () => makeJob(db)));
  const batches = batchesOf(jobs, batch);
  const nothing = () => undefined;
  const writer = createLogWriter({ db, onStored: nothing, failpoint: nothing });
  const startedAt = performance.now();
  await Promise.all(
    ids.map(async (jobId) => {
      const at = { tenantId: TENANT, jobId, attempt: 1, bootId: BOOT, from: 0 };
      const lane = writer.openBoot(at);
      const intake = createIntake({
        lane,
        attempt: 1,
        position: 0,
        now: Date.now,
        onMetric: nothing,
      });
      for (const lines of batches) await intake.take(lines);
      await lane.flushed();
    }),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  await writer.close();
  return (batches.length * batch * jobs) / seconds;
}

/** One transaction for each batch of all jobs, as ours at best. @returns lines a second */
async function bare(db: Database, { jobs, batch }: Workload, isFinished: boolean): Promise<number> {
  const ids = await Promise.all(Array.from({ length: jobs }, () => makeJob(db)));
  const batches = batchesOf(jobs, batch);
  const rowsOf = (lines: readonly AgentLine[], index: number) =>
    ids.flatMap((id) => placeChunks({ id, tenantId: TENANT }, index * batch, chunksOf(lines)));
  const finished = isFinished ? batches.map(rowsOf) : [];
  const startedAt = performance.now();
  for (const [index, lines] of batches.entries()) {
    const rows = finished[index] ?? rowsOf(lines, index);
    await db.transaction((tx) => insertChunks(tx, rows));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return (batches.length * batch * jobs) / seconds;
}

function chunksOf(lines: readonly AgentLine[]) {
  return toChunks(lines.map(({ at, text }) => ({ at, source: 'STDOUT', attempt: 1, text })));
}

function batchesOf(jobs: number, batch: number): AgentLine[][] {
  const count = Math.max(1, Math.floor(LINES / jobs / batch));
  return Array.from({ length: count }, (_, index) => batchOf(index * batch + 1, batch));
}

/** From the agent's bytes to checked lines, over loopback. @returns lines a second */
async function streamed(): Promise<number> {
  const frames = batchOf(1, LINES).map(({ n, at, text }) => {
    const record = JSON.stringify({ n, t: at, s: 'stdout', x: text });
    return `id: ${BOOT}:${n}\ndata: ${record}\n\n`;
  });
  const end = `event: end\ndata: ${JSON.stringify({ bootId: BOOT, lastLine: LINES })}\n\n`;
  const body = Buffer.from(frames.join('') + end);
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(body);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const agent = createPodAgent({ baseUrl: `http://127.0.0.1:${port}`, token: 'token' });
  const startedAt = performance.now();
  let lines = 0;
  for await (const event of agent.stream(BOOT, 0, new AbortController().signal)) {
    if (event.kind === 'lines') lines += event.lines.length;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  server.close();
  return lines / seconds;
}

const WAYS = [
  ours,
  (db: Database, workload: Workload) => bare(db, workload, false),
  (db: Database, workload: Workload) => bare(db, workload, true),
] as const;

async function measure(db: Database, workload: Workload): Promise<string> {
  const rounds: number[][] = [];
  // The first one warms up, and does not count.
  for (let round = 0; round <= ROUNDS; round += 1) {
    const rates: number[] = [];
    // Each is the first in its turn: what one leaves behind meets all.
    for (let turn = 0; turn < WAYS.length; turn += 1) {
      const way = (turn + round) % WAYS.length;
      rates[way] = (await WAYS[way]?.(db, workload)) ?? NaN;
    }
    if (round > 0) rounds.push(rates);
    await db.query('delete from log_chunks');
  }
  const rate = (way: number) => whole(median(rounds.map((rates) => rates[way] ?? NaN)));
  const ratio = (way: number) =>
    `${median(rounds.map((rates) => (rates[0] ?? NaN) / (rates[way] ?? NaN))).toFixed(2)}×`;
  return `| ${[db.engine, workload.name, rate(0), rate(1), ratio(1), rate(2), ratio(2)].join(' | ')} |`;
}

export async function runIngest(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'runpod-subgraph-bench-'));
  const rows: string[] = [];
  const postgres = await startPostgres('durable');
  try {
    for (const databaseUrl of [undefined, postgres.url]) {
      const db = await openDatabase({ databaseUrl, dataDir: folder });
      for (const workload of WORKLOADS) rows.push(await measure(db, workload));
      await db.close();
    }
    const read: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) read.push(await streamed());
    rows.push(`| – | the agent's stream to lines | ${whole(median(read))} | – | – | – | – |`);
  } finally {
    await postgres.remove();
    await rm(folder, { recursive: true, force: true });
  }
  const head = ['Store', 'Workload', 'Lines/s', 'Bare', 'Ratio', 'Bare, rows finished', 'Ratio'];
  const table = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...rows];
  process.stdout.write(`${table.join('\n')}\n`);
}
