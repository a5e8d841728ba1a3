/**
 * A result as text, in the forms of the transports. One that many readers share is put into each
 * form once, when the first of them needs it.
 */
import { closingFragment } from './frames.ts';
import type { ClosingFragment } from './frames.ts';

export interface Payload {
  /** JSON, on one line. */
  readonly text: string;
  /** The end of a WebSocket message. */
  readonly fragment: () => ClosingFragment;
  /** A server-sent event. */
  readonly event: () => Buffer;
}

export function createPayload(result: unknown): Payload {
  const text = JSON.stringify(result);
  let fragment: ClosingFragment | undefined;
  let event: Buffer | undefined;
  return {
    text,
    fragment: () => (fragment ??= closingFragment(text)),
    event: () => (event ??= toBuffer(nextEvent(text))),
  };
}

/** Of graphql-sse's protocol, "distinct connections mode". JSON has no line breaks. */
export function nextEvent(json: string): string {
  return `event: next\ndata: ${json}\n\n`;
}

/** Outside the pool: one small event would keep a slab of it. */
function toBuffer(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
