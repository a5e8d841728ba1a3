/**
 * A log view that loses nothing and shows nothing twice, whatever is cut between it and the job:
 * its own network, the gateway, or the subgraph. It knows no GraphQL client; apollo.ts and urql.ts
 * open streams for it.
 */
import type { JobLogSubscription } from './__generated__/operations.ts';
import { keepOpen } from './keep-open.ts';
import type { Turn } from './keep-open.ts';

export type LogEvent = JobLogSubscription['trainingJobLogs'];

export interface StreamSink {
  next(event: LogEvent): void;
  /** It ended, or it failed with this. */
  over(error?: unknown): void;
}

/** Opens a stream behind that cursor; what it returns closes it. */
export type OpenLog = (after: string | null, sink: StreamSink) => () => void;

export interface LogView {
  /** Lines joined by line feeds, without a last one. Show as text, never as HTML. */
  onText(text: string): void;
  /** The job has ended and all of its log was shown. */
  onEnd(): void;
  /** The log cannot be read: the job is unknown, or the caller may not. */
  onRefusal(error: unknown): void;
  /** Where it stands: kept in `sessionStorage`, it outlives a reload. */
  onCursor?(cursor: string | null): void;
}

/** Codes of errors that are there to stay. */
const REFUSALS: ReadonlySet<unknown> = new Set([
  'NOT_FOUND',
  'INVALID_CURSOR',
  'BAD_USER_INPUT',
  'GRAPHQL_VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
]);

/** Begins behind `after`; null: with the first line. @returns what closes the view */
export function followLog(open: OpenLog, view: LogView, after: string | null = null): () => void {
  let cursor = after;

  function read(event: LogEvent, turn: Turn): void {
    if (event.__typename === 'StreamEnd') {
      if (event.retry) {
        turn.again();
        return;
      }
      turn.end();
      view.onEnd();
      return;
    }
    // Gateways come again by themselves after a cut, from where the stream once began: then lines
    // come twice. And they may drop what is too much for them: then lines are missing.
    if (event.previousCursor !== cursor) {
      turn.again();
      return;
    }
    if (event.count > 0) view.onText(event.text);
    // Only now: what was not shown is asked for again.
    cursor = event.endCursor;
    view.onCursor?.(cursor);
    turn.works();
  }

  return keepOpen((turn) =>
    open(cursor, {
      next: (event) => {
        if (turn.isCurrent()) read(event, turn);
      },
      over: (error) => {
        if (!turn.isCurrent()) return;
        if (!isRefusal(error)) {
          turn.again();
          return;
        }
        turn.end();
        view.onRefusal(error);
      },
    }),
  );
}

/** Errors of GraphQL come as a list, in whatever a client wraps them. */
function isRefusal(error: unknown): boolean {
  const { errors, graphQLErrors } = (error ?? {}) as Record<string, unknown>;
  const lists = [error, errors, graphQLErrors].filter((list) => Array.isArray(list));
  return lists.flat().some((one) => REFUSALS.has(codeOf(one)));
}

function codeOf(error: unknown): unknown {
  return (error as { extensions?: { code?: unknown } } | null)?.extensions?.code;
}
