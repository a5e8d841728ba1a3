/** Requests for event streams by plain HTTP, for clients that behave otherwise than libraries do. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';

export interface RawStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** All that came so far. */
  readonly text: () => string;
  /** Ends with the stream; false: it was cut. */
  readonly ended: Promise<boolean>;
  readonly response: IncomingMessage;
  readonly leave: () => void;
}

interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** `url` with its query; a body makes it a POST. */
export function openRaw(url: string, { method, headers, body }: RawRequest): Promise<RawStream> {
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      agent: false,
      headers: {
        accept: 'text/event-stream',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    onTestFinished(() => void sent.destroy());
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const ended = new Promise<boolean>((settle) => {
        response.on('error', () => undefined);
        response.on('close', () => {
          settle(response.complete);
        });
      });
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        text: () => text,
        ended,
        response,
        leave: () => {
          sent.destroy();
        },
      });
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** The data of its `next` events. */
export function nextsOf(text: string): unknown[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('event: next\n'))
    .map((event) => JSON.parse(event.slice('event: next\ndata: '.length)) as unknown);
}
