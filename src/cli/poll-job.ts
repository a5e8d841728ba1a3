/** One job as it goes on, by asking again and again: for where no WebSocket comes through. */
import { z } from 'zod';
import type { Api } from './api.ts';
import { sleep, withRetries } from './backoff.ts';
import { noSuchJob } from './failure.ts';
import { BRIEF_JOB, LOG_PAGE, briefJobSchema, hasEnded, logPageSchema } from './job-answer.ts';
import type { Session } from './session.ts';
import type { Sighting } from './watch-job.ts';

export const SIGHTING = `query JobSighting($id: ID!, $after: LogCursor) {
  trainingJob(id: $id) { ${BRIEF_JOB} ${LOG_PAGE} }
}`;

const sightingSchema = z.object({
  trainingJob: z.object({ ...briefJobSchema.shape, logs: logPageSchema }).nullable(),
});

/**
 * Ends once the job has ended and its whole log was seen. Failures that pass are waited out.
 * @throws {CliFailure}
 */
export async function* pollJob(
  session: Session,
  { id, after }: { id: string; after: string | null },
): AsyncGenerator<Sighting, void, void> {
  let cursor = after;
  let isLastLook = false;
  for (;;) {
    const seen = await withRetries(() => look(session.api, id, cursor), session.retry);
    cursor = seen.cursor;
    yield seen;
    if (seen.hasMore) continue;
    if (isLastLook && seen.lines.length === 0) return;
    // The end and the last lines may be written one after the other: one look more sees both.
    isLastLook = hasEnded(seen.job);
    if (!isLastLook) await sleep(session.pollMs, session.signal);
  }
}

async function look(api: Api, id: string, after: string | null) {
  const { trainingJob } = await api.ask(SIGHTING, { id, after }, sightingSchema);
  if (trainingJob === null) throw noSuchJob(id);
  const { logs, ...job } = trainingJob;
  return {
    job,
    lines: logs.lines,
    cursor: logs.endCursor ?? after,
    hasMore: logs.hasNextPage,
  };
}
