/**
 * `PUT /uploads/{id}`, signed: a dataset's bytes. Slow senders are welcome as long as something
 * comes; the server's own limit on a request's time must not apply here.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UrlSigner } from '../artifacts/signed-url.ts';
import type { ReceiveResult } from '../artifacts/upload-receiver.ts';
import type { Uploads } from '../artifacts/uploads.ts';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';

export interface UploadRouteDeps {
  readonly uploads: Pick<Uploads, 'receive'>;
  /** Of purpose `upload`. */
  readonly signer: Pick<UrlSigner, 'verify'>;
  /** A sender from whom nothing comes for this long is cut off. */
  readonly idleMs?: number;
  readonly log?: Pick<Logger, 'warn'>;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

const IDLE_MS = 30_000;
/** How much of a refused body is still read, so that its sender gets to see the answer. */
const MOST_DISCARDED_BYTES = 64 * 1_024 * 1_024;
const MOST_DISCARDING_MS = 15_000;
const PATH = /^\/uploads\/([A-Za-z0-9_-]{1,64})$/;

export function createUploadRoute(deps: UploadRouteDeps) {
  const { uploads, signer, idleMs = IDLE_MS } = deps;

  async function receive(
    request: IncomingMessage,
    response: ServerResponse,
    uploadId: string,
  ): Promise<Answer> {
    const timer = setTimeout(() => {
      giveUp(request, response);
    }, idleMs);
    async function* body() {
      for await (const chunk of chunksOf(request)) {
        timer.refresh();
        yield chunk;
      }
      // From here on it is our work that takes time: storing may be slow.
      clearTimeout(timer);
    }
    try {
      return answerTo(uploadId, await uploads.receive(uploadId, body(), lengthOf(request)));
    } finally {
      clearTimeout(timer);
    }
  }

  async function answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<Answer> {
    if (request.method !== 'PUT') {
      response.setHeader('allow', 'PUT');
      return refusal(405, 'METHOD_NOT_ALLOWED', 'Send the file with PUT.');
    }
    const verdict = signer.verify(path, queryOf(request));
    if (verdict === 'expired') {
      return refusal(403, 'URL_EXPIRED', 'This URL has expired: ask for a new upload.');
    }
    const uploadId = PATH.exec(path)?.[1];
    if (verdict === 'invalid' || uploadId === undefined) {
      return refusal(403, 'URL_INVALID', 'Use the uploadUrl as it was given.');
    }
    return formFault(request) ?? (await receive(request, response, uploadId));
  }

  return async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> => {
    try {
      await send(request, response, await answer(request, response, path));
    } catch (error) {
      // Cut off: nobody is there to be told.
      if (request.destroyed && !request.complete) response.destroy();
      else if (!(error instanceof AppError)) throw error;
      else {
        deps.log?.warn({ err: error, path }, 'upload cannot be stored');
        await send(request, response, refusal(503, error.code, error.message));
      }
    }
  };
}

/** The file alone is wanted: forms and compression would be stored as they are. */
function formFault(request: IncomingMessage): Answer | null {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    const message = `Send the file without ${encoding.slice(0, 40)} encoding.`;
    return refusal(415, 'UNSUPPORTED_ENCODING', message);
  }
  if (/^multipart\//i.test(request.headers['content-type'] ?? '')) {
    const message = 'Send the file itself as the body, not a form: curl --upload-file FILE URL.';
    return refusal(415, 'UNSUPPORTED_FORM', message);
  }
  if (request.headers['content-range'] !== undefined) {
    return refusal(400, 'PARTS_UNSUPPORTED', 'Send the whole file in one request.');
  }
  return null;
}

function answerTo(uploadId: string, result: ReceiveResult): Answer {
  switch (result.kind) {
    case 'stored':
    case 'same':
      return {
        status: result.kind === 'stored' ? 201 : 200,
        body: { uploadId, ...result.content },
      };
    case 'unknown':
      return refusal(404, 'NOT_FOUND', 'There is no such upload, or it has expired.');
    case 'busy':
      return refusal(409, 'UPLOAD_BUSY', 'This upload is being received by another request.');
    case 'differs':
      return refusal(409, 'UPLOAD_COMPLETE', 'This upload is complete, with another content.');
    case 'too-large':
      return refusal(413, 'TOO_LARGE', `The file is over ${result.limitBytes} bytes.`);
    case 'wrong-size': {
      const message = `The file has not the ${result.declaredBytes} bytes that were announced.`;
      return refusal(422, 'SIZE_MISMATCH', message);
    }
    case 'faulty': {
      const { message, rows } = result.report;
      return { status: 422, body: { error: { code: 'DATASET_INVALID', message, rows } } };
    }
  }
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

/**
 * Answers at once, also in the middle of the body; then reads on for a while: many senders look for
 * an answer only after their last byte, and a closed connection would take it from them.
 */
async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body }: Answer,
): Promise<void> {
  if (response.headersSent) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.write(text);
  const isWhole = await discardRest(request);
  response.end(() => {
    if (!isWhole) request.destroy();
  });
}

/** @returns whether the body ended */
async function discardRest(request: IncomingMessage): Promise<boolean> {
  if (request.complete && request.readableEnded) return true;
  const timer = setTimeout(() => request.destroy(), MOST_DISCARDING_MS);
  try {
    let size = 0;
    for await (const chunk of chunksOf(request)) {
      size += chunk.length;
      if (size > MOST_DISCARDED_BYTES) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** Unlike the request's own iterator this one may be left without closing the connection. */
function chunksOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** The receiver sees the body end in an error. */
function giveUp(request: IncomingMessage, response: ServerResponse): void {
  const text = JSON.stringify(
    refusal(408, 'IDLE', 'Nothing came for too long: send it again.').body,
  );
  response.writeHead(408, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  });
  response.end(text, () => request.destroy(new Error('the sender fell silent')));
}

function lengthOf(request: IncomingMessage): number | null {
  const length = request.headers['content-length'];
  return length === undefined ? null : Number(length);
}

function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}
