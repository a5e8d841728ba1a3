/**
 * `npm run bench -- latency`: from a line's writing in the pod (the agent's own time of it) to its
 * arrival at a client, through agent, proxy, follower, store and subscription, all on this machine.
 */
import process from 'node:process';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { shareOf, whole } from './figures.ts';
import { startWholeApp } from './whole-app.ts';
import type { WholeApp } from './whole-app.ts';

const LINES = 2_000;
const JOBS = [1, 2];
const LIMIT_MS = 120_000;
/** It trains until it is cancelled. */
const SPEC = { maxSteps: 1_000_000, checkpointSteps: 100_000, batchSize: 1, maxSequenceLength: 64 };
const LOGS = `subscription($id: ID!) {
  trainingJobLogs(jobId: $id) { ... on LogBatch { lines { at source } } }
}`;

interface Batch {
  readonly trainingJobLogs: { readonly lines?: readonly { at: string; source: string }[] };
}

export async function runLatency(): Promise<void> {
  const rows: string[] = [];
  for (const jobs of JOBS) {
    const app = await startWholeApp();
    try {
      const uploadId = await app.upload();
      const ids = await Promise.all(Array.from({ length: jobs }, () => app.submit(uploadId, SPEC)));
      const delays = (await Promise.all(ids.map((id) => delaysOf(app, id)))).flat();
      const at = (share: number) => shareOf(delays, share).toFixed(0);
      rows.push(`| ${jobs} | ${whole(delays.length)} | ${at(0.5)} | ${at(0.99)} |`);
    } finally {
      await app.close();
    }
  }
  const head = ['| Jobs | Lines | p50 ms | p99 ms |', '| ---: | ---: | ---: | ---: |'];
  process.stdout.write(`${[...head, ...rows].join('\n')}\n`);
}

async function delaysOf(app: WholeApp, id: string): Promise<number[]> {
  const client = createClient({
    url: `${app.url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const deadline = setTimeout(() => void client.dispose(), LIMIT_MS);
  const delays: number[] = [];
  try {
    for await (const { data } of client.iterate<Batch>({ query: LOGS, variables: { id } })) {
      const now = Date.now();
      for (const { at, source } of data?.trainingJobLogs.lines ?? []) {
        if (source === 'STDOUT') delays.push(now - Date.parse(at));
      }
      if (delays.length >= LINES) break;
    }
  } finally {
    clearTimeout(deadline);
    await app.cancel(id);
    await client.dispose();
  }
  if (delays.length < LINES) throw new Error(`only ${delays.length} lines came in time`);
  return delays;
}
