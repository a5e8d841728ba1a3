/** Readers of the flood: each counts its job's lines and how late they come. */
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

const LOGS = `subscription Flood($jobId: ID!, $after: LogCursor) {
  trainingJobLogs(jobId: $jobId, after: $after) {
    __typename
    ... on LogBatch { firstSeq count text endCursor }
    ... on StreamEnd { retry }
  }
}`;
const OWN = /^(flood|quiet) (\d+) (\d+) /;
const END = /^end (\d+) ([\d.]+)$/;

export interface Reading {
  /** Epoch ms when it came, and ms since it was written, of lines in their order. */
  readonly delays: (readonly [number, number])[];
  readonly counts: { lines: number; gaps: number; told: number; resumed: number };
  /** What the trainer says it wrote, in which time; null: it has not ended. */
  written: { readonly lines: number; readonly seconds: number } | null;
  readonly done: Promise<void>;
}

interface LogEvent {
  readonly __typename: 'LogBatch' | 'StreamEnd';
  readonly count?: number;
  readonly text?: string;
  readonly endCursor?: string | null;
  readonly retry?: boolean;
}

/** `every`: of how many lines one is timed. */
export function startReading(url: string, jobId: string, every: number): Reading {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  const delays: (readonly [number, number])[] = [];
  const counts = { lines: 0, gaps: 0, told: 0, resumed: 0 };

  function takeLine(line: string, now: number): void {
    const [, , number, at] = OWN.exec(line) ?? [];
    if (number !== undefined) {
      counts.lines += 1;
      if (Number(number) !== counts.lines) counts.gaps += 1;
      if (counts.lines % every === 0) delays.push([now, now - Number(at)]);
      return;
    }
    const [, lines, seconds] = END.exec(line) ?? [];
    if (lines !== undefined) reading.written = { lines: Number(lines), seconds: Number(seconds) };
    else if (line.includes(' missing here')) counts.told += 1;
  }

  /** @returns whether the job has ended; false: resume */
  async function readOn(place: { after: string | null }): Promise<boolean> {
    const variables = { jobId, ...place };
    const results = client.iterate<{ trainingJobLogs: LogEvent }>({ query: LOGS, variables });
    for await (const { data, errors } of results) {
      if (errors !== undefined) throw new Error(JSON.stringify(errors));
      const event = data?.trainingJobLogs;
      if (event === undefined) continue;
      if (event.__typename === 'StreamEnd') return event.retry === false;
      const now = Date.now();
      if (event.count) for (const line of (event.text ?? '').split('\n')) takeLine(line, now);
      place.after = event.endCursor ?? null;
    }
    return false;
  }

  async function run(): Promise<void> {
    const place = { after: null };
    while (!(await readOn(place))) {
      counts.resumed += 1;
      await pause(50);
    }
  }

  const reading: Reading = {
    delays,
    counts,
    written: null,
    done: run().finally(() => client.dispose()),
  };
  return reading;
}
