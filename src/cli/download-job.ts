/** All results of a job into one folder. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkPaths, prepareFile } from './artifact-path.ts';
import { withRetries } from './backoff.ts';
import { downloadFile, isWhole, sizeOf } from './download-file.ts';
import { CliFailure, noSuchJob } from './failure.ts';
import { bytes } from './format.ts';
import { ARTIFACT, artifactsOfJobSchema, hasEnded } from './job-answer.ts';
import type { ArtifactAnswer } from './job-answer.ts';
import { barOf } from './output.ts';
import type { Output } from './output.ts';
import type { Session } from './session.ts';

export const ARTIFACTS = `query Artifacts($id: ID!) {
  trainingJob(id: $id) { status artifacts { ${ARTIFACT} } }
}`;

export interface Downloaded {
  /** As the server names it. */
  readonly path: string;
  /** Where it lies. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly kind: string;
  /** False: it lay there already. */
  readonly isNew: boolean;
}

const BAR_WIDTH = 24;

/**
 * Every file is there, whole and verified, or it throws; what came before a failure is gone on with.
 * @throws {CliFailure}
 */
export async function downloadJob(
  session: Session,
  id: string,
  folder: string,
): Promise<readonly Downloaded[]> {
  const artifacts = await readArtifacts(session, id);
  checkPaths(artifacts.map(({ path }) => path));
  await mkdir(folder, { recursive: true });
  const done: Downloaded[] = [];
  for (const artifact of artifacts) done.push(await downloadOne(session, id, folder, artifact));
  return done;
}

async function readArtifacts({ api }: Session, id: string): Promise<readonly ArtifactAnswer[]> {
  const { trainingJob: job } = await api.ask(ARTIFACTS, { id }, artifactsOfJobSchema);
  if (job === null) throw noSuchJob(id);
  if (job.artifacts.length > 0) return job.artifacts;
  const why = hasEnded(job) ? `It is ${job.status}.` : `It is ${job.status}: wait for its end.`;
  throw new CliFailure('refused', `The job ${id} has no results. ${why}`);
}

async function downloadOne(
  session: Session,
  id: string,
  folder: string,
  artifact: ArtifactAnswer,
): Promise<Downloaded> {
  const { path, sizeBytes, sha256, kind } = artifact;
  const file = await prepareFile(resolve(folder), path);
  const isNew = !(await isWhole(file, artifact));
  if (isNew) await fetchNew(session, id, file, artifact);
  await session.output.line(
    { text: isNew ? '✓ ' : '= ', style: 'green' },
    `${file}  ${bytes(sizeBytes)}  sha256 ${sha256}`,
  );
  return { path, file, sizeBytes, sha256, kind, isNew };
}

async function fetchNew(
  session: Session,
  id: string,
  file: string,
  artifact: ArtifactAnswer,
): Promise<void> {
  const { output, retry, signal } = session;
  if ((await sizeOf(file)) !== null) throw inTheWay(file);
  let wanted = artifact;
  const progress = createProgress(output, artifact);
  // URLs expire: each further try asks for a new one.
  const onRetry: typeof retry.onRetry = async (failure, waitMs, count) => {
    await retry.onRetry(failure, waitMs, count);
    const fresh = await readArtifacts(session, id).catch(() => []);
    wanted = fresh.find((other) => isSame(other, artifact)) ?? wanted;
  };
  try {
    await withRetries(() => downloadFile(file, wanted, { signal, onBytes: progress.onBytes }), {
      ...retry,
      onRetry,
      hasAdvanced: progress.hasAdvanced,
    });
  } catch (error) {
    const isInterrupted = error instanceof CliFailure && error.kind === 'interrupted';
    throw isInterrupted ? error.withHint(RESUME) : error;
  } finally {
    await output.status(null);
  }
}

const RESUME = 'Run the same command again: it goes on where it was cut.';

function createProgress(output: Output, { path, sizeBytes }: ArtifactAnswer) {
  let seen = 0;
  let most = 0;
  return {
    onBytes: (done: number): void => {
      seen = done;
      void output.status(`${barOf(sizeBytes === 0 ? 1 : done / sizeBytes, BAR_WIDTH)}  ${path}`);
    },
    hasAdvanced: (): boolean => {
      const isFurther = seen > most;
      most = Math.max(most, seen);
      return isFurther;
    },
  };
}

function isSame(one: ArtifactAnswer, other: ArtifactAnswer): boolean {
  return one.path === other.path && one.sha256 === other.sha256;
}

function inTheWay(file: string): CliFailure {
  const hint = 'Choose another folder with --to, or move it away.';
  return new CliFailure('refused', `${file} is there already, with another content.`, { hint });
}
