import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { withRetries } from './backoff.ts';
import { CliFailure, refusal } from './failure.ts';
import { JOB, faultSchema, jobSchema } from './job-answer.ts';
import type { JobAnswer } from './job-answer.ts';
import type { Session } from './session.ts';
import { readSubmissionFile, withUpload } from './submission-file.ts';
import { uploadDataset } from './upload-dataset.ts';

const outcomeSchema = z.object({
  job: jobSchema.nullable(),
  userErrors: z.array(faultSchema),
});

export const SUBMIT = `mutation Submit($input: SubmitTrainingJobInput!) {
  submitTrainingJob(input: $input) { job { ${JOB} } userErrors { code message path } }
}`;
const submittedSchema = z.object({ submitTrainingJob: outcomeSchema });

export const RETRY = `mutation Retry($id: ID!, $idempotencyKey: String) {
  retryTrainingJob(id: $id, idempotencyKey: $idempotencyKey) {
    job { ${JOB} } userErrors { code message path }
  }
}`;
const retriedSchema = z.object({ retryTrainingJob: outcomeSchema });

/** Whether a request was taken is unknown when its answer is lost: a few further tries tell. */
const TRIES = 3;

/**
 * The file's dataset is uploaded first, where it names one.
 * @throws {CliFailure}
 */
export async function submitFile(
  session: Session,
  file: string,
  idempotencyKey: string | undefined,
): Promise<JobAnswer> {
  const { input, datasetFile } = await readSubmissionFile(file);
  const key = idempotencyKey ?? input.idempotencyKey;
  const upload = datasetFile === undefined ? null : await uploadDataset(session, datasetFile);
  const complete = upload === null ? input : withUpload(input, upload.uploadId);
  const { job, userErrors } = await submit(session, { ...complete, idempotencyKey: key });
  if (job !== null) return job;
  const isKeyTaken = userErrors.some(({ path }) => path.at(-1) === 'idempotencyKey');
  const failure = refusal(`${file} was not accepted:`, userErrors);
  throw upload !== null && isKeyTaken && key !== undefined
    ? failure.withHint(
        `The dataset was uploaded anew, which makes this another submission. To repeat one under its key, take datasetFile out and name the first upload in spec.dataset.uploadId.`,
      )
    : failure;
}

async function submit(session: Session, input: Readonly<Record<string, unknown>>) {
  const answer = await sendOnce(session, input.idempotencyKey, (idempotencyKey) =>
    session.api.ask(SUBMIT, { input: { ...input, idempotencyKey } }, submittedSchema),
  );
  return answer.submitTrainingJob;
}

/** @throws {CliFailure} */
export async function retryJob(
  session: Session,
  id: string,
  idempotencyKey: string | undefined,
): Promise<JobAnswer> {
  const answer = await sendOnce(session, idempotencyKey, (key) =>
    session.api.ask(RETRY, { id, idempotencyKey: key }, retriedSchema),
  );
  const { job, userErrors } = answer.retryTrainingJob;
  if (job === null) throw refusal(`${id} was not submitted again:`, userErrors);
  return job;
}

/** However often it is sent, it counts once: the key sees to that. */
async function sendOnce<T>(
  { retry }: Session,
  givenKey: unknown,
  send: (key: string) => Promise<T>,
): Promise<T> {
  const key = typeof givenKey === 'string' ? givenKey : randomUUID();
  try {
    return await withRetries(() => send(key), { ...retry, limit: TRIES });
  } catch (error) {
    if (!(error instanceof CliFailure) || error.kind !== 'unreachable') throw error;
    const doubt = `If the request did arrive, the list command shows its job.`;
    throw error.withHint([error.hint, doubt].filter((hint) => hint !== undefined).join('\n'));
  }
}
