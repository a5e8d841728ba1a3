/**
 * One job as it goes on: its state and the lines of its log, as the server tells them. Connections
 * come and go; the cursor moves only with lines that were handed on, so none is lost or told twice.
 *
 * - STREAMING  over a WebSocket; after a cut another, after a wait that grows until one has stood for
 *              a while
 * - ASKING     several WebSockets in a row were refused: by questions, and now and then by one
 *              WebSocket more, at intervals that double up to a quarter of an hour
 */
import { z } from 'zod';
import { createBackoff } from './backoff.ts';
import { CliFailure, noSuchJob } from './failure.ts';
import { BRIEF_JOB, briefJobSchema, hasEnded } from './job-answer.ts';
import type { BriefJob, LineAnswer } from './job-answer.ts';
import { NoSocketsFailure, openJobStream } from './job-stream.ts';
import type { StreamEnd } from './job-stream.ts';
import { pollJob } from './poll-job.ts';
import type { Session } from './session.ts';

export interface Sighting {
  readonly job: BriefJob;
  /** New ones, in their order; each line comes once. */
  readonly lines: readonly LineAnswer[];
  /** Where to go on; null: at the beginning. */
  readonly cursor: string | null;
}

interface Place {
  readonly id: string;
  readonly after: string | null;
}

export const STATE = `query JobState($id: ID!) { trainingJob(id: $id) { ${BRIEF_JOB} } }`;

const stateSchema = z.object({ trainingJob: briefJobSchema.nullable() });

/** In a row, before questions take the place of streams. */
const REFUSALS = 3;
/** Of {@link Session.pollMs}: until a WebSocket is tried again, and how often that doubles. */
const POLLS_BEFORE_STREAM = 60;
const DOUBLINGS = 4;

interface Progress {
  /** Behind what was handed on. */
  cursor: string | null;
  /** WebSockets that were refused since the last one that was not. */
  refusals: number;
}

/**
 * Ends once the job has ended and its whole log was seen. Failures that pass are waited out.
 * @throws {CliFailure}
 */
export async function* watchJob(session: Session, { id, after }: Place): AsyncGenerator<Sighting> {
  const progress: Progress = { cursor: after, refusals: 0 };
  let isTold = false;
  for (;;) {
    const refusal = yield* stream(session, id, progress);
    if (refusal === null) return;
    if (!isTold) {
      await session.output.note({ text: `${refusal.message} Asking instead.`, style: 'yellow' });
      isTold = true;
    }
    if (yield* ask(session, id, progress)) return;
  }
}

/** @returns why streams are of no use now; null: the job has ended, and all is seen */
async function* stream(
  session: Session,
  id: string,
  progress: Progress,
): AsyncGenerator<Sighting, NoSocketsFailure | null, void> {
  const backoff = createBackoff(session.retry);
  for (;;) {
    let openedAt: number | undefined;
    try {
      for await (const sighting of follow(session, { id, after: progress.cursor })) {
        openedAt ??= performance.now();
        progress.refusals = 0;
        progress.cursor = sighting.cursor;
        yield sighting;
      }
      return null;
    } catch (error) {
      if (error instanceof NoSocketsFailure) {
        progress.refusals = Math.max(progress.refusals + 1, error.isPassing ? 0 : REFUSALS);
        if (progress.refusals >= REFUSALS) return error;
      } else if (!(error instanceof CliFailure) || !error.isPassing) throw error;
      // One event and a cut, again and again, gets further, but no sooner each time.
      if (openedAt !== undefined)
        backoff.advance(performance.now() - openedAt >= session.settledMs);
      await backoff.wait(error);
    }
  }
}

/** @returns whether the job has ended, and all is seen; false: it is time for a stream */
async function* ask(
  session: Session,
  id: string,
  progress: Progress,
): AsyncGenerator<Sighting, boolean, void> {
  const doublings = Math.min(DOUBLINGS, progress.refusals - REFUSALS);
  const until = performance.now() + session.pollMs * POLLS_BEFORE_STREAM * 2 ** doublings;
  for await (const sighting of pollJob(session, { id, after: progress.cursor })) {
    progress.cursor = sighting.cursor;
    yield sighting;
    if (performance.now() >= until && !hasEnded(sighting.job)) return false;
  }
  return true;
}

/** Over one connection. The first sighting comes with the stream's first word, and not before. */
async function* follow(
  session: Session,
  { id, after }: Place,
): AsyncGenerator<Sighting, void, void> {
  let job = await readState(session, id);
  let cursor = after;
  for await (const event of openJobStream(session, { id, after })) {
    switch (event.kind) {
      case 'job':
        ({ job } = event);
        yield { job, lines: [], cursor };
        break;
      case 'lines':
        cursor = event.endCursor ?? cursor;
        yield { job, lines: event.lines, cursor };
        break;
      case 'end':
        if (event.reason !== 'JOB_ENDED') throw endedEarly(event);
        yield { job: await readState(session, id), lines: [], cursor };
        return;
    }
  }
}

async function readState({ api }: Session, id: string): Promise<BriefJob> {
  const { trainingJob } = await api.ask(STATE, { id }, stateSchema);
  if (trainingJob === null) throw noSuchJob(id);
  return trainingJob;
}

const EARLY: Readonly<Record<string, string>> = {
  SHUTTING_DOWN: 'The server is shutting down.',
  LAGGED: 'The server sent faster than could be read here.',
  UNAUTHORIZED: 'The server no longer lets this caller read.',
};

function endedEarly({ reason, retry }: StreamEnd): CliFailure {
  const message = EARLY[reason] ?? `The server ended the stream (${reason}).`;
  return new CliFailure(retry ? 'unreachable' : 'refused', message, { isPassing: retry });
}
