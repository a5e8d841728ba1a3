/**
 * One job as it goes on: its state and the lines of its log, as the server tells them. Connections
 * come and go; the cursor moves only with lines that were handed on, so none is lost or told twice.
 */
import { z } from 'zod';
import { withRetries } from './backoff.ts';
import { CliFailure, noSuchJob } from './failure.ts';
import { BRIEF_JOB, briefJobSchema } from './job-answer.ts';
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

/**
 * Ends once the job has ended and its whole log was seen. Failures that pass are waited out.
 * @throws {CliFailure}
 */
export async function* watchJob(session: Session, { id, after }: Place): AsyncGenerator<Sighting> {
  let cursor = after;
  let connection: AsyncGenerator<Sighting, void, void> | undefined;

  async function next(): Promise<IteratorResult<Sighting, void>> {
    connection ??= follow(session, { id, after: cursor });
    try {
      return await connection.next();
    } catch (error) {
      connection = undefined;
      throw error;
    }
  }

  try {
    for (;;) {
      const step = await withRetries(next, session.retry);
      if (step.done === true) return;
      ({ cursor } = step.value);
      yield step.value;
    }
  } catch (error) {
    if (!(error instanceof NoSocketsFailure)) throw error;
    await session.output.note({ text: `${error.message} Asking instead.`, style: 'yellow' });
    yield* pollJob(session, { id, after: cursor });
  } finally {
    await connection?.return();
  }
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
