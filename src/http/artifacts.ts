/** `GET /artifacts/{id}/{fileName}`, signed: results, whole or in ranges (RFC 9110 §13 and §14). */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { ArtifactStore, ByteRange } from '../artifacts/artifact-store.ts';
import type { UrlSigner } from '../artifacts/signed-url.ts';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import { attachmentOf, preconditionOf, rangeOf } from './conditional.ts';

export interface ArtifactRouteDeps {
  readonly find: (artifactId: string) => Promise<DownloadableArtifact | null>;
  readonly store: Pick<ArtifactStore, 'read'>;
  /** Of purpose `download`. */
  readonly signer: Pick<UrlSigner, 'verify'>;
  /** A reader that takes nothing for this long is cut off. */
  readonly idleMs?: number;
  readonly log?: Pick<Logger, 'warn'>;
}

/** Of a row of table `artifacts`, what a download needs. */
export interface DownloadableArtifact {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly storageKey: string;
}

const IDLE_MS = 60_000;
const PATH = /^\/artifacts\/([A-Za-z0-9_-]{1,64})\/[^/]+$/;

const FORBIDDEN = {
  expired: 'This URL has expired: ask for a new downloadUrl.',
  invalid: 'This URL is not one of this server: use a downloadUrl as it was given.',
} as const;

export function createArtifactRoute(deps: ArtifactRouteDeps) {
  const { find, store, signer, idleMs = IDLE_MS } = deps;

  async function send(
    request: IncomingMessage,
    response: ServerResponse,
    artifact: DownloadableArtifact,
  ): Promise<void> {
    const { sizeBytes, storageKey } = artifact;
    const etag = `"${artifact.sha256}"`;
    const headers = {
      etag,
      'accept-ranges': 'bytes',
      'cache-control': 'private',
      'x-content-type-options': 'nosniff',
    };
    const precondition = preconditionOf(request.headers, etag);
    if (precondition !== null) {
      response.writeHead(precondition, headers).end();
      return;
    }
    const isHead = request.method === 'HEAD';
    // Ranges are defined for GET alone (RFC 9110 §14.2).
    const wanted = isHead ? WHOLE : rangeOf(request.headers, etag, sizeBytes);
    if (wanted.kind === 'unsatisfiable') {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${sizeBytes}` }).end();
      return;
    }
    const range = wanted.kind === 'part' ? wanted.range : { from: 0, to: sizeBytes - 1 };
    const head = {
      ...headers,
      'content-type': 'application/octet-stream',
      'content-disposition': attachmentOf(artifact.path),
      'content-length': range.to - range.from + 1,
      ...(wanted.kind === 'part'
        ? { 'content-range': `bytes ${range.from}-${range.to}/${sizeBytes}` }
        : {}),
    };
    const status = wanted.kind === 'part' ? 206 : 200;
    if (isHead) response.writeHead(status, head).end();
    else await stream(response, storageKey, range, () => response.writeHead(status, head));
  }

  async function stream(
    response: ServerResponse,
    key: string,
    range: ByteRange,
    begin: () => void,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    response.setTimeout(idleMs, () => response.destroy());
    const chunks = store.read(key, range, gone.signal)[Symbol.asyncIterator]();
    try {
      // Only with the first bytes in hand is it sure that there is something to promise.
      const first = await chunks.next();
      begin();
      await pipeline(() => exactly(first, chunks, range), response);
    } catch (error) {
      // Who left needs no answer, and is no failure of ours.
      if (gone.signal.aborted && !(error instanceof AppError)) return;
      throw error;
    } finally {
      gone.abort();
      await chunks.return?.().catch(() => undefined);
    }
  }

  return async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      sendText(response, 405, 'Artifacts are read with GET or HEAD.');
      return;
    }
    const verdict = signer.verify(path, queryOf(request));
    if (verdict !== 'valid') {
      sendText(response, 403, FORBIDDEN[verdict]);
      return;
    }
    const id = PATH.exec(path)?.[1];
    const artifact = id === undefined ? null : await find(id);
    if (artifact === null) {
      sendText(response, 404, 'This artifact is gone.');
      return;
    }
    try {
      await send(request, response, artifact);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      deps.log?.warn({ err: error, artifactId: id }, 'artifact cannot be read');
      // The length was promised: only a cut tells that it was not kept.
      if (response.headersSent) response.destroy();
      else if (error.code === 'NOT_FOUND') sendText(response, 404, 'This artifact is gone.');
      else sendText(response, 503, error.message);
    }
  };
}

const WHOLE = { kind: 'whole' } as const;

/** A store that ends early must not look like the end of the file. */
async function* exactly(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
  { from, to }: ByteRange,
): AsyncGenerator<Uint8Array> {
  let missing = to - from + 1;
  for (let next = first; next.done !== true; next = await rest.next()) {
    missing -= next.value.length;
    if (missing < 0) break;
    yield next.value;
  }
  if (missing !== 0) {
    throw new AppError('STORE_UNAVAILABLE', 'The artifact store has not the bytes it should have.');
  }
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  const body = `${text}\n`;
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
