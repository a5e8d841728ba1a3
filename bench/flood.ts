/**
 * `npm run bench -- flood` (about 3 minutes): one pod floods, 50,000 lines a second for 60 s as
 * far as it is read, while quiet jobs write 20 lines a second. How late do the quiet ones' lines come,
 * before and in the flood, and does every line come? Pods, emulator and server are processes; readers
 * are here. FLOOD_RATE, FLOOD_SECONDS and FLOOD_QUIET_JOBS change the numbers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import type { Child } from './child.ts';
import { shareOf, whole } from './figures.ts';
import { measureAgent } from './flood-agent.ts';
import { startReading } from './flood-readers.ts';
import type { Reading } from './flood-readers.ts';
import { clientOf } from './whole-app.ts';

const RATE = Number(process.env.FLOOD_RATE ?? 50_000);
const SECONDS = Number(process.env.FLOOD_SECONDS ?? 60);
const QUIET_JOBS = Number(process.env.FLOOD_QUIET_JOBS ?? 5);
const QUIET_RATE = 20;
/** The quiet jobs write so much longer: half of it before the flood. */
const AROUND_SECONDS = 20;
const AGENT_SECONDS = 10;
const RUN_MS = 15 * 60_000;
const TRAINER = fileURLToPath(new URL('./flood-trainer.py', import.meta.url));
const PROGRAM = new URL('./flood-process.ts', import.meta.url);

const environment = (seconds: number) => ({
  AGENT_TRAINER: TRAINER,
  FLOOD_SECONDS: String(seconds),
  FLOOD_RATE: String(RATE),
  FLOOD_QUIET_RATE: String(QUIET_RATE),
  FLOOD_AROUND_SECONDS: String(AROUND_SECONDS),
});
const signal = AbortSignal.timeout(RUN_MS);

async function startProcess(
  what: string,
  settings: object,
): Promise<{ child: Child; url: string }> {
  const child = startChild(what, PROGRAM, [what, JSON.stringify(settings)]);
  return { child, url: ((await child.next(signal)) as { url: string }).url };
}

function delayRow(name: string, readings: readonly Reading[], from: number, to: number): string {
  const delays = readings.flatMap(({ delays: all }) =>
    all.filter(([at, ms]) => at - ms >= from && at - ms < to).map(([, ms]) => ms),
  );
  const figures = [0.5, 0.99, 1].map((share) => `${whole(shareOf(delays, share))} ms`);
  return `| ${[name, whole(delays.length), ...figures].join(' | ')} |`;
}

export async function runFlood(): Promise<void> {
  const rows: string[] = [];
  for (const isRead of [false, true]) {
    const figures = { ...environment(AGENT_SECONDS), FLOOD_AROUND_SECONDS: '0' };
    const { lines, seconds } = await measureAgent(figures, isRead);
    const name = isRead ? 'agent alone, with a reader of its stream' : 'agent alone';
    rows.push(`| ${name} | ${whole(lines / seconds)} lines/s |`);
  }
  const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-flood-'));
  const emulator = await startProcess('emulator', environment(SECONDS));
  const server = await startProcess('server', {
    PORT: '0',
    DATA_DIR: folder,
    LOG_LEVEL: 'warn',
    EMULATOR_URL: emulator.url,
    PATH: process.env.PATH,
  });
  try {
    const client = clientOf(server.url);
    const uploadId = await client.upload();
    const ids = [];
    for (let job = 0; job < QUIET_JOBS; job += 1) {
      ids.push(await client.submit(uploadId, { maxSteps: 2 }));
    }
    const floodId = await client.submit(uploadId, { maxSteps: 1 });
    const quiet = ids.map((id) => startReading(server.url, id, 1));
    const flood = startReading(server.url, floodId, 100);
    await Promise.all([flood, ...quiet].map(({ done }) => done));
    const first = (flood.delays[0]?.[0] ?? 0) - (flood.delays[0]?.[1] ?? 0);
    const last = first + (flood.written?.seconds ?? 0) * 1_000;
    const used = (await server.child.ask({}, signal)) as { cpuSeconds: number; mostRss: number };
    const { counts, written } = flood;
    rows.push(
      `| the flood: written | ${whole(written?.lines ?? 0)} lines in ${written?.seconds ?? 0} s: ${whole((written?.lines ?? 0) / (written?.seconds ?? 1))} lines/s |`,
      `| the flood: received | ${whole(counts.lines)} lines, ${counts.gaps} gaps, ${counts.told} lines that tell of missing ones, resumed ${counts.resumed} times |`,
      `| the quiet jobs: written, received, gaps | ${whole(sum(quiet, (each) => each.written?.lines ?? 0))}, ${whole(sum(quiet, (each) => each.counts.lines))}, ${sum(quiet, (each) => each.counts.gaps)} |`,
      `| the server: CPU time, most memory | ${whole(used.cpuSeconds)} s, ${whole(used.mostRss / 1024 ** 2)} MiB |`,
    );
    const late = [
      delayRow('quiet jobs, before and after the flood', quiet, 0, first),
      delayRow('quiet jobs, in the flood', quiet, first, last),
      delayRow('the flood itself', [flood], 0, Infinity),
    ];
    process.stdout.write(
      [
        '| Flood | |',
        '| --- | ---: |',
        ...rows,
        '',
        '| Written to received | lines timed | p50 | p99 | most |',
        '| --- | ---: | ---: | ---: | ---: |',
        ...late,
        '',
      ].join('\n'),
    );
  } finally {
    await server.child.end();
    await emulator.child.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function sum(readings: readonly Reading[], of: (reading: Reading) => number): number {
  return readings.reduce((total, reading) => total + of(reading), 0);
}
