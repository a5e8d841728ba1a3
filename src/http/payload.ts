/**
 * A result as text, in the forms of the transports. One that many readers share is put into each
 * form once, when the first of them needs it.
 */
import { createMessage, httpChunk } from './frames.ts';
import type { Message } from './frames.ts';

export interface Payload {
  /** JSON, on one line. */
  readonly text: string;
  /** The `next` message of graphql-ws's protocol. */
  readonly message: () => Message;
  /** A server-sent event, as a chunk of an HTTP answer. */
  readonly chunk: () => Buffer;
}

export function createPayload(result: unknown): Payload {
  const text = JSON.stringify(result);
  let message: Message | undefined;
  let chunk: Buffer | undefined;
  return {
    text,
    message: () => (message ??= createMessage(text)),
    chunk: () => (chunk ??= httpChunk(nextEvent(text))),
  };
}

/** Of graphql-sse's protocol, "distinct connections mode". JSON has no line breaks. */
export function nextEvent(json: string): string {
  return `event: next\ndata: ${json}\n\n`;
}
