/** Log views as frontends have them, over plain clients of this project. */
import { onTestFinished } from 'vitest';
import { followLog } from '../../examples/supergraph/frontends/follow-log.ts';
import type {
  LogPage,
  LogSource,
  StreamSink,
} from '../../examples/supergraph/frontends/follow-log.ts';
import { createVisitor } from '../../examples/supergraph/visitor.ts';
import { LOGS } from '../support/follow.ts';
import type { LogEvent } from '../support/follow.ts';

export type Way = 'WebSocket' | 'SSE';
const WAYS: readonly Way[] = ['WebSocket', 'SSE'];

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
}

export function logEventsIn(answers: readonly Answer[]): LogEvent[] {
  return answers.flatMap(({ data }) =>
    data == null ? [] : [(data as { trainingJobLogs: LogEvent }).trainingJobLogs],
  );
}

/** What a client gets of a subscription at that address, until it leaves or the stream ends. */
function listen(
  { url, way }: { url: string; way: Way },
  query: string,
  variables: Readonly<Record<string, unknown>>,
) {
  const leaving = new AbortController();
  const { overWebSocket, overSse } = createVisitor(url);
  const over = way === 'SSE' ? overSse : overWebSocket;
  const answers: Answer[] = [];
  const read = async (): Promise<void> => {
    for await (const answer of over(query, variables, leaving.signal)) {
      answers.push(answer);
    }
  };
  const done = read();
  done.catch(() => undefined);
  const leave = (): void => {
    leaving.abort();
  };
  onTestFinished(leave);
  return { answers, done, leave };
}

/** The same for every kind of client at once. */
export function listenEveryWay(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>>,
) {
  return WAYS.map((way) => listen({ url, way }, query, variables));
}

const PAGE = `query($jobId: ID!, $after: LogCursor) { trainingJob(id: $jobId) {
  logs(first: 1000, after: $after) { lines { text } endCursor hasNextPage } } }`;

function logOf(url: string, way: Way, jobId: string): LogSource {
  const { ask, overWebSocket, overSse } = createVisitor(url);
  const over = way === 'SSE' ? overSse : overWebSocket;

  async function read(
    after: string | null,
    signal: AbortSignal,
    next: StreamSink['next'],
  ): Promise<void> {
    for await (const answer of over(LOGS, { jobId, after }, signal)) {
      const { errors } = answer;
      // With an error there may be data: after a cut some gateways send the last batch once more.
      if (errors !== undefined) throw new Error('errors', { cause: errors });
      for (const event of logEventsIn([answer])) next(event as Parameters<typeof next>[0]);
    }
  }

  return {
    open(after, { next, over: onOver }) {
      const leaving = new AbortController();
      read(after, leaving.signal, next).then(
        () => {
          onOver();
        },
        (error: unknown) => {
          onOver(error instanceof Error ? (error.cause ?? error) : error);
        },
      );
      return () => {
        leaving.abort();
      };
    },
    async page(after) {
      const { trainingJob } = await ask<{ trainingJob: { logs: LogPage } }>(PAGE, { jobId, after });
      return trainingJob.logs;
    },
  };
}

/** The log in every kind of client, until the test ends; `url`: one, or of each way. */
export function viewEveryWay(
  url: string | Readonly<Record<Way, string>>,
  jobId: string,
  after: readonly (string | null)[] = [],
) {
  return WAYS.map((way, index) => {
    const at = typeof url === 'string' ? url : url[way];
    return view(logOf(at, way, jobId), after[index] ?? null);
  });
}

/** Shows a log until the test ends. */
export function view(source: LogSource, after: string | null = null) {
  const texts: string[] = [];
  const seen = { cursor: after, isAtEnd: false, refusal: undefined as unknown };
  const close = followLog(
    source,
    {
      onText: (text) => texts.push(text),
      onEnd: () => (seen.isAtEnd = true),
      onRefusal: (error) => (seen.refusal = error),
      onCursor: (cursor) => (seen.cursor = cursor),
    },
    after,
  );
  onTestFinished(close);
  return { seen, close, lines: () => texts.flatMap((text) => text.split('\n')) };
}
