import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

/** A request that was read to its end. */
export interface Incoming {
  readonly method: string;
  /** Still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** RunPod refuses larger bodies since 2026-09. */
const REST_BODY_BYTES = 102_400;
const OTHER_BODY_BYTES = 1024 * 1024;
/** More than this is not even read to say that it is too much. */
const DRAIN_BYTES = 16 * 1024 * 1024;

/** @throws {Problem} 400 for a target that is no path, 413 for a body over the limit. */
export async function readIncoming(request: IncomingMessage): Promise<Incoming> {
  const url = parseTarget(request.url ?? '/');
  const limit = url.pathname.startsWith('/v2/') ? REST_BODY_BYTES : OTHER_BODY_BYTES;
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: request.headers,
    body: await readBody(request, limit),
  };
}

function parseTarget(target: string): URL {
  const url = URL.parse(`http://emulator${target}`);
  if (url === null || !target.startsWith('/')) throw new Problem(400, 'malformed request target');
  return url;
}

/** A body that is too long is read on, unkept, so that its sender gets to read the refusal. */
async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > DRAIN_BYTES) break;
    if (size <= limit) chunks.push(chunk);
  }
  if (size > limit) throw new Problem(413, `request body exceeds ${limit} bytes`);
  return Buffer.concat(chunks).toString('utf8');
}
