/**
 * A log view that loses nothing and shows nothing twice, whatever is cut between it and the job:
 * its own network, the gateway, or the subgraph. It knows no GraphQL client; apollo.ts and urql.ts
 * read for it.
 *
 * - FOLLOWING   a stream is open, and every batch begins where the one before it ended
 * - CATCHING UP a batch began elsewhere: what is stored is read in pages, then it is FOLLOWING again
 */
import type { JobLogPageQuery, JobLogSubscription } from './__generated__/operations.ts';
import { keepOpen } from './keep-open.ts';
import type { Turn } from './keep-open.ts';

export type LogEvent = JobLogSubscription['trainingJobLogs'];

export interface StreamSink {
  readonly next: (event: LogEvent) => void;
  /** It ended, or it failed with this. */
  readonly over: (error?: unknown) => void;
}

export type LogPage = NonNullable<NonNullable<JobLogPageQuery['trainingJob']>['logs']>;

/** One job's log. */
export interface LogSource {
  /** Opens a stream behind that cursor; what it returns closes it. */
  readonly open: (after: string | null, sink: StreamSink) => () => void;
  /** What is stored behind that cursor. */
  readonly page: (after: string | null) => Promise<LogPage>;
}

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
export function followLog(
  source: LogSource,
  view: LogView,
  after: string | null = null,
): () => void {
  let cursor = after;
  let isBehind = false;

  function show(text: string | null, end: string | null): void {
    if (text !== null) view.onText(text);
    // Only now: what was not shown is asked for again.
    cursor = end;
    view.onCursor?.(cursor);
  }

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
    // come twice. They drop what is too much for them, and let late readers join the stream of
    // others: then lines are missing.
    if (event.previousCursor !== cursor) {
      isBehind = true;
      turn.again();
      return;
    }
    show(event.count > 0 ? event.text : null, event.endCursor);
    turn.works();
  }

  function follow(turn: Turn): () => void {
    return source.open(cursor, {
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
    });
  }

  async function readPages(turn: Turn): Promise<void> {
    while (isBehind) {
      const { lines, endCursor, hasNextPage } = await source.page(cursor);
      if (!turn.isCurrent()) return;
      if (lines.length > 0) show(lines.map(({ text }) => text).join('\n'), endCursor);
      isBehind = hasNextPage;
    }
  }

  return keepOpen((turn) => {
    if (!isBehind) return follow(turn);
    readPages(turn)
      // Where pages cannot be had, a stream behind the cursor may: neither is insisted on.
      .catch(() => (isBehind = false))
      .then(turn.again, turn.again);
    return () => undefined;
  });
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
