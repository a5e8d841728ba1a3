/**
 * One GET whose answer is read as it comes.
 *
 * Not by `fetch`: in Node 24 a peer that ends its connection while the reader is behind ends our
 * process (an assertion in a socket's handler, nodejs/undici#5360, mended in undici 8 only), and a
 * log stream is read as slowly as the store takes it. It may go with a Node that has undici 8.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface StreamAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  /** Leaving it frees the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A redirect is an answer like any other: followed, it would carry the key elsewhere. */
export async function openStream(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<StreamAnswer> {
  const response = await send(url, headers, signal);
  const status = response.statusCode ?? 0;
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: toHeaders(response),
    body: response as AsyncIterable<Uint8Array>,
  };
}

function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // A connection of its own: it is held for as long as the pod lives.
    const outgoing = start(url, { method: 'GET', agent: false, headers, signal });
    outgoing.on('response', resolve);
    // Also listened to after an answer: a body nobody read to its end may still fail.
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function toHeaders({ headers }: IncomingMessage): Headers {
  return new Headers(
    Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
  );
}
