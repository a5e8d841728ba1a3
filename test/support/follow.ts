/** Jobs whose log the test writes, and readers of it. */
import { createClient } from 'graphql-ws';
import type { Client } from 'graphql-ws';
import { createClient as createEventClient } from 'graphql-sse';
import type { ClientOptions as EventClientOptions } from 'graphql-sse';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Database } from '../../src/store/database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import type { NewLogLine } from '../../src/domain/job/log-line.ts';
import type { Job, JobStatus } from '../../src/domain/job/job.ts';
import { jobRecord } from './job-record.ts';

export const LOGS = `subscription Logs($jobId: ID!, $after: LogCursor, $filter: LogFilter) {
  trainingJobLogs(jobId: $jobId, after: $after, filter: $filter) {
    __typename
    ... on LogBatch { firstSeq count text previousCursor endCursor }
    ... on StreamEnd { reason retry cursor }
  }
}`;

export interface LogEvent {
  readonly __typename: 'LogBatch' | 'StreamEnd';
  readonly firstSeq: number | null;
  readonly count: number;
  readonly text: string;
  readonly previousCursor: string | null;
  readonly endCursor: string | null;
  readonly reason: string;
  readonly retry: boolean;
  readonly cursor: string | null;
}

let jobs = 0;

/** A job that no reconciler touches: it is never due. */
export async function makeJob(db: Database, status: JobStatus = 'RUNNING'): Promise<Job> {
  jobs += 1;
  const at = Date.now();
  const job = jobRecord(`job${jobs}x${at.toString(36)}`, {
    name: 'followed',
    status,
    attempt: 1,
    startedAt: at,
  });
  await db.transaction(async (tx) => {
    await insertJob(tx, job);
    await tx.query('update jobs set due_at = null where id = $1', [job.id]);
  });
  return job;
}

export function lineOf(text: string, more: Partial<NewLogLine> = {}): NewLogLine {
  return { at: 1_700_000_000_000, source: 'STDOUT', attempt: 1, text, ...more };
}

/** Lines "line 1", "line 2" … in one transaction. */
export async function writeNumbered(db: Database, job: Job, from: number, count: number) {
  const lines = Array.from({ length: count }, (_, index) => lineOf(`line ${from + index}`));
  await db.transaction((tx) => appendLines(tx, job, lines));
}

/** The end of a job, with its last line in the same transaction. */
export async function endJob(db: Database, job: Job, lastLine?: string): Promise<void> {
  await db.transaction(async (tx) => {
    if (lastLine !== undefined) {
      await appendLines(tx, job, [lineOf(lastLine, { source: 'LIFECYCLE' })]);
    }
    await tx.query(`update jobs set status = 'COMPLETED', ended_at = $2 where id = $1`, [
      job.id,
      Date.now(),
    ]);
  });
}

export function wsUrl(url: string, path = '/graphql'): string {
  return new URL(path, url).href.replace('http', 'ws');
}

export function connectClient(
  url: string,
  more: Partial<Parameters<typeof createClient>[0]> = {},
): Client {
  const client = createClient({
    url: wsUrl(url),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    ...more,
  });
  onTestFinished(() => client.dispose());
  return client;
}

/** Of an implementation that is not ours, as `connectClient`. */
export function connectEvents(url: string, more: Partial<EventClientOptions> = {}) {
  const client = createEventClient({
    url: new URL('/graphql', url).href,
    retryAttempts: 0,
    ...more,
  });
  onTestFinished(() => {
    client.dispose();
  });
  return client;
}

export interface Reading {
  readonly events: LogEvent[];
  /** All lines so far. */
  readonly lines: () => string[];
  /** Where it stands. */
  readonly cursor: () => string | null;
  readonly done: Promise<void>;
  /** Leaves. */
  readonly stop: () => void;
}

/** `done` rejects with what the server answered, or with the close event. */
export function readLogs(
  client: Pick<Client, 'subscribe'> | ReturnType<typeof connectEvents>,
  variables: Readonly<Record<string, unknown>>,
  query = LOGS,
): Reading {
  const events: LogEvent[] = [];
  const { promise: done, resolve, reject } = Promise.withResolvers<undefined>();
  done.catch(() => undefined);
  const stop = client.subscribe<{ trainingJobLogs: LogEvent }>(
    { query, variables: { ...variables } },
    {
      next({ data, errors }) {
        if (errors) reject(errors);
        if (data) events.push(data.trainingJobLogs);
      },
      error: reject,
      complete: () => {
        resolve(undefined);
      },
    },
  );
  return {
    events,
    lines: () => events.flatMap(({ count, text }) => (count > 0 ? text.split('\n') : [])),
    cursor: () => events.findLast(({ endCursor }) => endCursor != null)?.endCursor ?? null,
    done,
    stop,
  };
}

export function numbered(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);
}
