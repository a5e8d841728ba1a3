/**
 * One file of a job's results.
 *
 * - PART  bytes arrive in `NAME.<sha256>.part`; a cut leaves them, and the next try asks for the rest,
 *         also after a new start
 * - DONE  what lies in the part has the announced SHA-256: it was renamed
 * - BAD   it has not: the part was removed, and nothing under the file's own name was touched
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { CliFailure } from './failure.ts';
import { fetchRest } from './fetch-rest.ts';

export interface WantedFile {
  /** As the server names it. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly downloadUrl: string;
}

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Told how many bytes of this file are there, those from before included. */
  readonly onBytes: (doneBytes: number) => void;
}

/** Null: there is none. */
export async function sizeOf(file: string): Promise<number | null> {
  return stat(file).then(
    ({ size }) => size,
    () => null,
  );
}

export async function isWhole(file: string, { sizeBytes, sha256 }: WantedFile): Promise<boolean> {
  return (await sizeOf(file)) === sizeBytes && (await sha256Of(file)) === sha256;
}

/**
 * One try.
 * @throws {CliFailure} with `isPassing` where another try goes on with what there is
 */
export async function downloadFile(
  file: string,
  wanted: WantedFile,
  options: DownloadOptions,
): Promise<void> {
  const part = partOf(file, wanted);
  const before = await usableBytes(part, wanted);
  options.onBytes(before);
  const isFetched = before < wanted.sizeBytes || before === 0;
  const start = isFetched ? await fetchRest(part, wanted, before, options) : before;
  const sha256 = await sha256Of(part);
  if (sha256 === wanted.sha256) await rename(part, file);
  else throw await discard(part, wanted, sha256, start > 0);
}

/** Its name holds the digest: bytes of another content are never gone on with. */
function partOf(file: string, { sha256 }: WantedFile): string {
  return `${file}.${sha256.slice(0, 16)}.part`;
}

async function usableBytes(part: string, { sizeBytes }: WantedFile): Promise<number> {
  const size = await sizeOf(part);
  return size === null || size > sizeBytes ? 0 : size;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function discard(
  part: string,
  { path, sha256 }: WantedFile,
  got: string,
  isResumed: boolean,
): Promise<CliFailure> {
  await rm(part, { force: true });
  const message = `${path} is not what the server announced: its SHA-256 is ${got} and should be ${sha256}. It was removed.`;
  // The damage may lie in what was there before: then a whole new try may succeed.
  return new CliFailure('refused', message, { code: 'ARTIFACT_CORRUPT', isPassing: isResumed });
}
