/** The bytes of a file that are not there yet, by Range with If-Range (RFC 9110 §13.1.5, §14.2). */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { failureOfTransport, interrupted } from './api.ts';
import type { DownloadOptions, WantedFile } from './download-file.ts';
import { CliFailure } from './failure.ts';

/** A sender from whom nothing comes for this long is given up. */
const IDLE_MS = 60_000;

/**
 * Appends to `part` until it is whole, or begins anew where the server sends everything.
 * @returns at which byte the server began
 * @throws {CliFailure} what came before the failure stays in `part`
 */
export async function fetchRest(
  part: string,
  wanted: WantedFile,
  before: number,
  options: DownloadOptions,
): Promise<number> {
  const idle = createIdleLimit(options.signal);
  try {
    const response = await request(wanted, before, idle.signal);
    idle.touch();
    const start = startOf(response, wanted, before);
    await using handle = await open(part, start > 0 ? 'a' : 'w');
    await receive(response, handle, wanted, start, (bytes) => {
      idle.touch();
      options.onBytes(bytes);
    });
    await handle.sync();
    return start;
  } catch (error) {
    if (options.signal.aborted) throw interrupted();
    if (error instanceof CliFailure) throw error;
    throw cut(error, wanted);
  } finally {
    idle.end();
  }
}

function request(
  { downloadUrl, sha256 }: WantedFile,
  before: number,
  signal: AbortSignal,
): Promise<Response> {
  // The digest is the entity tag; a server with tags of its own sends everything, which is right too.
  const range = { range: `bytes=${before}-`, 'if-range': `"${sha256}"` };
  return fetch(downloadUrl, {
    // Lengths and digests are of the bytes themselves.
    headers: { 'accept-encoding': 'identity', ...(before > 0 ? range : {}) },
    signal,
    redirect: 'error',
  });
}

/** @returns the first byte that comes */
function startOf(response: Response, { path, sizeBytes }: WantedFile, before: number): number {
  if (response.status === 200) return 0;
  const range = response.headers.get('content-range') ?? '';
  const isWanted = range === `bytes ${before}-${sizeBytes - 1}/${sizeBytes}`;
  if (response.status === 206 && before > 0 && isWanted) return before;
  throw refused(response, path);
}

function refused({ status }: Response, path: string): CliFailure {
  const message = `${path} cannot be downloaded: the server answered ${status}.`;
  if (status === 404 || status === 410) return new CliFailure('not-found', message);
  // A URL expires after a while; the next try comes with a new one.
  const isPassing = status >= 500 || status === 429 || status === 403;
  return new CliFailure('refused', message, { isPassing });
}

async function receive(
  response: Response,
  handle: FileHandle,
  { path, sizeBytes }: WantedFile,
  start: number,
  onBytes: (doneBytes: number) => void,
): Promise<void> {
  let done = start;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    done += bytes.length;
    if (done > sizeBytes) {
      const message = `${path} is longer than the ${sizeBytes} bytes that the server announced.`;
      throw new CliFailure('refused', message, { code: 'ARTIFACT_CORRUPT' });
    }
    await handle.appendFile(bytes);
    onBytes(done);
  }
  if (done < sizeBytes) throw new Error(`it ended after ${done} of ${sizeBytes} bytes`);
}

function cut(error: unknown, { path, downloadUrl }: WantedFile): CliFailure {
  const { message } = failureOfTransport(error, new URL(downloadUrl).origin);
  return new CliFailure('unreachable', `The download of ${path} was cut: ${message}`, {
    cause: error,
    hint: 'Run the same command again: it goes on where it was cut.',
    isPassing: true,
  });
}

interface IdleLimit {
  readonly signal: AbortSignal;
  touch(): void;
  end(): void;
}

function createIdleLimit(outer: AbortSignal): IdleLimit {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new DOMException('Nothing came for too long.', 'TimeoutError'));
  }, IDLE_MS);
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    touch: () => void timer.refresh(),
    end: () => {
      clearTimeout(timer);
    },
  };
}
