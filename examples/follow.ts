/**
 * Follows a job's log to its end, through cuts, restarts and other replicas:
 *
 *     node examples/follow.ts JOB_ID [http://127.0.0.1:4000/graphql]
 *
 * Ends with 0 if the job completed, 1 if it failed, 2 if it was cancelled, 3 if it cannot be read.
 *
 * In a browser the same code works without `webSocketImpl` and `process`: keep `cursor` where the
 * page keeps its state (in `sessionStorage` it outlives a reload), and append text with
 * `element.append(text)`, never with `innerHTML`: a log may hold anything.
 */
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const LOGS = `subscription Logs($jobId: ID!, $after: LogCursor) {
  trainingJobLogs(jobId: $jobId, after: $after) {
    __typename
    ... on LogBatch { count text previousCursor endCursor }
    ... on StreamEnd { reason retry cursor }
  }
}`;
const STATUS = 'query Status($jobId: ID!) { trainingJob(id: $jobId) { status } }';

type LogEvent =
  | {
      __typename: 'LogBatch';
      count: number;
      text: string;
      previousCursor: string | null;
      endCursor: string | null;
    }
  | { __typename: 'StreamEnd'; reason: string; retry: boolean; cursor: string | null };

const EXIT_CODES: Readonly<Record<string, number>> = { COMPLETED: 0, FAILED: 1, CANCELLED: 2 };
const EXIT_UNREADABLE = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

const [jobId = '', url = 'http://127.0.0.1:4000/graphql'] = process.argv.slice(2);
// No retries of its own: those would begin at the first cursor again.
const client = createClient({
  url: url.replace(/^http/, 'ws'),
  webSocketImpl: WebSocket,
  retryAttempts: 0,
});
let cursor: string | null = null;
let pauseMs = FIRST_PAUSE_MS;

process.exitCode = await follow();
await client.dispose();

async function follow(): Promise<number> {
  for (;;) {
    try {
      if (await readOn()) return EXIT_CODES[await readStatus()] ?? EXIT_UNREADABLE;
    } catch (error) {
      // GraphQL errors come as a list: the job is unknown, or the cursor. Anything else is a cut.
      if (Array.isArray(error)) {
        process.stderr.write(`${JSON.stringify(error)}\n`);
        return EXIT_UNREADABLE;
      }
    }
    await pause(pauseMs * (0.5 + Math.random()));
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** @returns whether the job has ended and all of its log is printed; false: resume */
async function readOn(): Promise<boolean> {
  const variables = { jobId, after: cursor };
  const results = client.iterate<{ trainingJobLogs: LogEvent }>({ query: LOGS, variables });
  for await (const { data, errors } of results) {
    if (errors !== undefined) throw errors as unknown as Error;
    const event = data?.trainingJobLogs;
    if (event?.__typename === 'StreamEnd') {
      cursor = event.cursor;
      return !event.retry;
    }
    if (event === undefined) continue;
    // A gateway that comes again by itself after a cut begins where this client once began.
    if (event.previousCursor !== cursor) return false;
    if (event.count > 0) process.stdout.write(`${event.text}\n`);
    // Only now: what was not printed is asked for again.
    cursor = event.endCursor;
    pauseMs = FIRST_PAUSE_MS;
  }
  // A `complete` without a StreamEnd is a cut as well: some gateways make one of it.
  return false;
}

async function readStatus(): Promise<string> {
  const results = client.iterate<{ trainingJob: { status: string } | null }>({
    query: STATUS,
    variables: { jobId },
  });
  for await (const { data } of results) return data?.trainingJob?.status ?? '';
  return '';
}
