/**
 * RunPod's HTTP proxy in front of pods, `/__proxy/{podId}/{port}/…` here: public, unauthenticated,
 * both ways as it comes, and cut after 100 s. No WebSockets.
 */
import { request as openRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import { Problem } from './problem.ts';

const TARGET = /^\/__proxy\/([^/?]+)\/(\d{1,5})(?=[/?]|$)(\/?.*)$/;
/** Between two neighbours only (RFC 9110 §7.6.1). The framing of the body is kept as it is. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];

export interface ProxyTarget {
  readonly podId: string;
  readonly port: number;
  readonly path: string;
}

export interface ProxyDeps {
  /** Where the port is served on this machine; null: nothing runs. @throws {Problem} 404 */
  readonly portOf: (target: ProxyTarget) => number | null;
  /** An answer is cut behind so many bytes of its body; told when that came to pass. */
  readonly cutAfterBytes: () => number | null;
  readonly onCut: () => void;
  /** From the request to the end of its answer. */
  readonly maxMs: number;
}

export type Proxy = (
  target: ProxyTarget,
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<Answer>;

export function readProxyTarget(url: string): ProxyTarget | null {
  const [, podId, port, rest] = TARGET.exec(url) ?? [];
  if (podId === undefined || port === undefined || rest === undefined) return null;
  return { podId, port: Number(port), path: rest.startsWith('/') ? rest : `/${rest}` };
}

/** Resolves when the pod begins to answer. */
export function createProxy(deps: ProxyDeps): Proxy {
  return async (target, request, response) => {
    const port = deps.portOf(target);
    if (port === null) throw nothingListens();
    const overdue = AbortSignal.timeout(deps.maxMs);
    const upstream = await forward(request, response, { port, path: target.path, overdue });
    return {
      kind: 'takeover',
      run: () => {
        passOn(upstream, response, overdue, deps);
      },
    };
  };
}

interface Hop {
  readonly port: number;
  readonly path: string;
  readonly overdue: AbortSignal;
}

/** Sends the request on; what is left of it is dropped when either side goes. */
function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { port, path, overdue }: Hop,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = openRequest({
      host: '127.0.0.1',
      port,
      path,
      method: request.method,
      headers: endToEnd(request.headers),
      agent: false,
      signal: overdue,
    });
    response.on('close', () => {
      outgoing.destroy();
    });
    outgoing.on('response', resolve);
    outgoing.on('error', () => {
      reject(overdue.aborted ? tooSlow() : nothingListens());
    });
    // Not `pipeline`: a pod may answer before it has read everything, and be right.
    request.pipe(outgoing);
  });
}

function passOn(
  upstream: IncomingMessage,
  response: ServerResponse,
  overdue: AbortSignal,
  { cutAfterBytes, onCut }: ProxyDeps,
): void {
  const limit = cutAfterBytes() ?? Infinity;
  let passed = 0;
  const cut = (): void => void response.destroy();
  overdue.addEventListener('abort', cut);
  response.on('close', () => {
    overdue.removeEventListener('abort', cut);
  });
  response.writeHead(upstream.statusCode ?? 502, endToEnd(upstream.headers));
  response.flushHeaders();
  upstream.on('error', cut);
  upstream.on('aborted', cut);
  upstream.on('data', (chunk: Buffer) => {
    if (passed + chunk.byteLength > limit) {
      upstream.pause();
      // What came before the cut still goes out.
      response.write(chunk.subarray(0, limit - passed), cut);
      onCut();
      return;
    }
    passed += chunk.byteLength;
    if (response.write(chunk)) return;
    upstream.pause();
    response.once('drain', () => upstream.resume());
  });
  upstream.on('end', () => {
    response.end();
  });
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  return Object.fromEntries(
    Object.entries(headers).filter(
      // `Expect` was answered by this server already.
      ([name]) => !HOP_BY_HOP.includes(name) && !named.includes(name) && name !== 'expect',
    ),
  );
}

function nothingListens(): Problem {
  return new Problem(502, 'nothing listens at this port of the pod');
}

function tooSlow(): Problem {
  return new Problem(524, 'the pod did not answer in time');
}
