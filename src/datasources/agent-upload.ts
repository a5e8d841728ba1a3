/**
 * Brings one file into a pod in parts, going on from what the agent has.
 *
 * - ASKING   the agent says how many bytes it has; after every failure again
 * - SENDING  one part after the other, each from where the last one ended
 * - HASHING  it has every byte and has not said so: asked again until it is done
 * - DONE     it has verified the whole file
 *
 * @see agent/PROTOCOL.md §3.3
 */
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import { untrusted } from './agent-http.ts';
import type { AgentHttp } from './agent-http.ts';
import { fileStateSchema } from './agent-schemas.ts';
import type { FileState } from './agent-schemas.ts';
import type { UploadSource } from './pod-agent.ts';

const PART_DEADLINE_MS = 60_000;
const ASK_DEADLINE_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** In a row and without progress. */
const MAX_FAILURES = 8;
const MAX_PAUSE_MS = 10_000;

export interface UploadOptions {
  readonly partBytes: number;
  /** Pause after a first failure; doubles to 10 s. */
  readonly retryPauseMs: number;
}

interface Upload {
  readonly http: AgentHttp;
  readonly name: string;
  readonly source: UploadSource;
  readonly signal: AbortSignal;
}

/** @throws {AppError} POD_UNREACHABLE POD_REFUSED POD_UNTRUSTED STORE_UNAVAILABLE */
export async function uploadFile(upload: Upload, options: UploadOptions): Promise<void> {
  const parts = createPartReader(upload.source, options.partBytes);
  let failures = 0;
  let best = 0;
  const noteReceived = (received: number) => {
    if (received > best) failures = 0;
    best = Math.max(best, received);
  };
  try {
    for (;;) {
      try {
        await sendRest(upload, parts, noteReceived);
        return;
      } catch (error) {
        failures += 1;
        if (!isPassing(error) || failures > MAX_FAILURES) throw error;
      }
      await pauseAfter(failures, options.retryPauseMs, upload.signal);
    }
  } finally {
    await parts.close();
  }
}

/** Asks what is there and sends the rest; any failure ends it. */
async function sendRest(
  upload: Upload,
  parts: PartReader,
  noteReceived: (received: number) => void,
): Promise<void> {
  let state = await askState(upload);
  while (!state.complete) {
    const { received } = state;
    noteReceived(received);
    if (received > 0 && received >= upload.source.sizeBytes) throw stillHashing(upload.name);
    const part = await parts.read(received);
    state = await sendPart(upload, received, part);
    if (!state.complete && state.received !== received + part.length) {
      throw untrusted('The pod took another number of bytes than it was sent');
    }
  }
}

async function askState({ http, name, source, signal }: Upload): Promise<FileState> {
  const nothing = { sizeBytes: source.sizeBytes, sha256: source.sha256, received: 0 };
  try {
    const state = await http.json(
      { method: 'GET', path: pathOf(name), deadlineMs: ASK_DEADLINE_MS, signal },
      fileStateSchema,
      MAX_ANSWER_BYTES,
    );
    // What is there of another file gives way to the first part, or the agent refuses that part.
    const isSame = state.sizeBytes === source.sizeBytes && state.sha256 === source.sha256;
    return isSame ? state : { ...nothing, complete: false };
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'NO_SUCH_FILE') throw error;
    return { ...nothing, complete: false };
  }
}

function sendPart(
  { http, name, source, signal }: Upload,
  offset: number,
  part: Uint8Array,
): Promise<FileState> {
  const { sizeBytes, sha256 } = source;
  const range = `bytes ${offset}-${offset + part.length - 1}/${sizeBytes}`;
  return http.json(
    {
      method: 'PUT',
      path: pathOf(name),
      headers: {
        'content-type': 'application/octet-stream',
        'x-file-size': String(sizeBytes),
        'x-file-sha256': sha256,
        // No range says "nothing": an empty file goes whole.
        ...(part.length === 0 ? {} : { 'content-range': range }),
      },
      body: part,
      deadlineMs: PART_DEADLINE_MS,
      signal,
    },
    fileStateSchema,
    MAX_ANSWER_BYTES,
  );
}

function pathOf(name: string): string {
  return `/v1/files/${encodeURIComponent(name)}`;
}

interface PartReader {
  /** The bytes from `offset` on: a whole part, or what is left. */
  read(offset: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Parts in order come from one open source; a part out of order opens it anew. */
function createPartReader(source: UploadSource, partBytes: number): PartReader {
  let chunks: AsyncIterator<Uint8Array> | null = null;
  let position = -1;
  let rest: Uint8Array = new Uint8Array();

  async function close(): Promise<void> {
    await chunks?.return?.();
    chunks = null;
    position = -1;
    rest = new Uint8Array();
  }

  async function nextChunk(): Promise<Uint8Array> {
    const next = await chunks?.next();
    if (next === undefined || next.done === true) {
      throw new AppError('STORE_UNAVAILABLE', 'The upload is shorter than it is said to be.');
    }
    return next.value;
  }

  async function read(offset: number): Promise<Uint8Array> {
    if (offset !== position || chunks === null) {
      await close();
      chunks = source.read(offset)[Symbol.asyncIterator]();
    }
    // Known again only once the whole part is read.
    position = -1;
    const part = new Uint8Array(Math.min(partBytes, source.sizeBytes - offset));
    for (let filled = 0; filled < part.length;) {
      if (rest.length === 0) rest = await nextChunk();
      const taken = rest.subarray(0, part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      rest = rest.subarray(taken.length);
    }
    position = offset + part.length;
    return part;
  }

  return { read, close };
}

function stillHashing(name: string): AppError {
  return new AppError('POD_REFUSED', `The pod is still checking ${name}.`, {
    reason: 'BUSY',
    retryable: true,
  });
}

/** Worth asking again for: a cut, or parts that crossed. A wrong sha256 would only be wrong again. */
function isPassing(error: unknown): boolean {
  return error instanceof AppError && error.retryable && error.reason !== 'SHA256_MISMATCH';
}

async function pauseAfter(failures: number, baseMs: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(MAX_PAUSE_MS, baseMs * 2 ** (failures - 1));
  signal.throwIfAborted();
  await pause(longest * (0.5 + Math.random() / 2), undefined, { signal });
}
