/**
 * Brings one result file from a pod onto this machine's disk, whole and verified.
 *
 * - PULLING    ranges are appended to the part file; after a cut or a crash from where it ends
 * - VERIFYING  size, sha256 and the header of safetensors, of the bytes on the disk
 * - ANEW       the first time they are wrong: the part file is dropped, back to PULLING
 * - SOUND, CORRUPT  final
 *
 * What the disk holds after a crash is not trusted: only the sha256 of the whole file counts.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, open, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { AgentResult, PodAgent } from '../datasources/pod-agent.ts';
import { AppError } from '../errors.ts';
import type { Patience } from './collect-retry.ts';
import { checkSafetensors } from './safetensors.ts';

export interface FilePull {
  readonly agent: Pick<PodAgent, 'readResult'>;
  readonly bootId: string;
  readonly file: AgentResult;
  /** Where it is put together; its folder exists. */
  readonly partPath: string;
  readonly rangeBytes: number;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** Bytes that came, or less than 0: that many came in vain. */
  readonly onBytes: (bytes: number) => void;
}

/** Null: `partPath` is the whole file, on the disk. Otherwise why it cannot be had. */
export async function pullFile(pull: FilePull): Promise<string | null> {
  const reason = await tryPull(pull);
  if (reason === null) return null;
  await dropPart(pull);
  return tryPull(pull);
}

async function tryPull(pull: FilePull): Promise<string | null> {
  try {
    await fillPart(pull);
  } catch (error) {
    if (isLie(error)) return error.message;
    throw error;
  }
  return faultOf(pull);
}

/** The pod's word against its own list: it will not be better for waiting. */
export function isLie(error: unknown): error is AppError {
  if (!(error instanceof AppError)) return false;
  if (error.code === 'POD_UNTRUSTED') return true;
  return ['BAD_RANGE', 'NO_SUCH_RESULT'].includes(error.reason ?? '');
}

async function fillPart(pull: FilePull): Promise<void> {
  const { file, patience, onBytes } = pull;
  // Never through a link, should somebody have put one there.
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
  const part = await open(pull.partPath, flags, 0o600);
  try {
    let offset = (await part.stat()).size;
    if (offset > file.sizeBytes) {
      await part.truncate(0);
      offset = 0;
    }
    onBytes(offset);
    while (offset < file.sizeBytes) {
      try {
        for await (const chunk of nextRange(pull, offset)) {
          await writeAll(part, chunk, offset);
          offset += chunk.byteLength;
          patience.noteProgress();
          onBytes(chunk.byteLength);
        }
      } catch (error) {
        await patience.bear(error);
      }
    }
    await part.sync();
  } finally {
    await part.close();
  }
}

function nextRange(pull: FilePull, from: number): AsyncIterable<Uint8Array> {
  const { agent, bootId, file, rangeBytes, signal } = pull;
  const to = Math.min(from + rangeBytes, file.sizeBytes) - 1;
  return agent.readResult(file.path, { from, to }, signal, bootId);
}

async function writeAll(part: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) {
    const { bytesWritten } = await part.write(
      chunk,
      written,
      chunk.byteLength - written,
      position + written,
    );
    written += bytesWritten;
  }
}

async function faultOf({ file, partPath, signal }: FilePull): Promise<string | null> {
  const { size } = await stat(partPath);
  if (size !== file.sizeBytes) return `${file.path} has another size than the pod said.`;
  const hash = createHash('sha256');
  await pipeline(createReadStream(partPath), hash, { signal });
  if (hash.digest('hex') !== file.sha256) return `${file.path} is not what its sha256 says.`;
  if (!file.path.toLowerCase().endsWith('.safetensors')) return null;
  const fault = await checkSafetensors(partPath);
  return fault === null ? null : `${file.path} is not a sound safetensors file: ${fault}.`;
}

async function dropPart({ partPath, onBytes }: FilePull): Promise<void> {
  const { size } = await stat(partPath);
  await rm(partPath, { force: true });
  onBytes(-size);
}
