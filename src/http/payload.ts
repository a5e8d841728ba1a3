/**
 * A result as text, in the forms of the transports. One that many readers share is put into each
 * form once, when the first of them needs it.
 */
import { closingFragment, httpChunk } from './frames.ts';
import type { SharedBytes } from './frames.ts';

export interface Payload {
  /** JSON, on one line. */
  readonly text: string;
  /** The end of a WebSocket message. */
  readonly fragment: () => SharedBytes;
  /** A server-sent event, as a chunk of an HTTP answer. */
  readonly chunk: () => SharedBytes;
}

export function createPayload(result: unknown): Payload {
  const text = JSON.stringify(result);
  let fragment: SharedBytes | undefined;
  let chunk: SharedBytes | undefined;
  return {
    text,
    fragment: () => (fragment ??= closingFragment(text)),
    chunk: () => (chunk ??= httpChunk(nextEvent(text))),
  };
}

/** Of graphql-sse's protocol, "distinct connections mode". JSON has no line breaks. */
export function nextEvent(json: string): string {
  return `event: next\ndata: ${json}\n\n`;
}
