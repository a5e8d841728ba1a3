/** Log views as frontends have them, over plain clients of this project. */
import { onTestFinished } from 'vitest';
import { followLog } from '../../examples/supergraph/frontends/follow-log.ts';
import type { LogEvent, OpenLog } from '../../examples/supergraph/frontends/follow-log.ts';
import { createVisitor } from '../../examples/supergraph/visitor.ts';
import { LOGS } from '../support/follow.ts';

export type Way = 'WebSocket' | 'SSE';
const WAYS: readonly Way[] = ['WebSocket', 'SSE'];

/** What a client gets of a subscription at that address, until it leaves or the stream ends. */
export function listen<T>(
  { url, way }: { url: string; way: Way },
  query: string,
  variables: Readonly<Record<string, unknown>>,
) {
  const leaving = new AbortController();
  const { overWebSocket, overSse } = createVisitor(url);
  const over = way === 'SSE' ? overSse : overWebSocket;
  const answers: { data?: T; errors?: unknown }[] = [];
  const read = async (): Promise<void> => {
    for await (const answer of over(query, variables, leaving.signal)) {
      answers.push(answer as { data?: T });
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
export function listenEveryWay<T>(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>>,
) {
  return WAYS.map((way) => listen<T>({ url, way }, query, variables));
}

function openLog(url: string, way: Way, jobId: string): OpenLog {
  return (after, sink) => {
    const leaving = new AbortController();
    const { overWebSocket, overSse } = createVisitor(url);
    const over = way === 'SSE' ? overSse : overWebSocket;
    const read = async (): Promise<void> => {
      for await (const { data, errors } of over(LOGS, { jobId, after }, leaving.signal)) {
        if (errors !== undefined) throw new Error('errors', { cause: errors });
        sink.next((data as { trainingJobLogs: LogEvent }).trainingJobLogs);
      }
    };
    read().then(
      () => {
        sink.over();
      },
      (error: unknown) => {
        sink.over(error instanceof Error ? (error.cause ?? error) : error);
      },
    );
    return () => {
      leaving.abort();
    };
  };
}

/** The log in every kind of client, until the test ends. */
export function viewEveryWay(url: string, jobId: string, after: readonly (string | null)[] = []) {
  return WAYS.map((way, index) => view(openLog(url, way, jobId), after[index] ?? null));
}

/** Shows a log until the test ends. */
export function view(open: OpenLog, after: string | null = null) {
  const texts: string[] = [];
  const seen = { cursor: after, isAtEnd: false, refusal: undefined as unknown };
  const close = followLog(
    open,
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
