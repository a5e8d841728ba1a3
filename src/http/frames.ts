/**
 * Bytes that many clients share. WebSocket frames of one message are in two parts: what is each
 * client's own, and what all of them have. RFC 6455 §5.4 allows a message in fragments; a client sees one message.
 */

const TEXT = 0x1;
const CONTINUATION = 0x0;
const FIN = 0x80;

/**
 * Up to here one write of a string costs less than two of buffers: Node copies it to the stack and
 * the kernel takes it from there; nothing is allocated, and what waits shares its parts.
 */
const MAX_STRING_BYTES = 1_024;

export interface OpeningFragment {
  readonly bytes: Buffer;
  /** The bytes as a string, one character each. */
  readonly latin1: string;
}

/** Bytes that are written to many sockets as they are. */
export interface SharedBytes {
  readonly bytes: Buffer;
  /** The same; undefined: too long to be worth it. */
  readonly latin1: string | undefined;
}

/** The beginning of every `next` message to one operation of one client. */
export function openingFragment(operationId: string): OpeningFragment {
  const head = `{"id":${JSON.stringify(operationId)},"type":"next","payload":`;
  const bytes = frame(TEXT, Buffer.from(head));
  return { bytes, latin1: bytes.toString('latin1') };
}

/** The rest of a `next` message: the payload, which is JSON, and the end. */
export function closingFragment(payload: string): SharedBytes {
  return share(frame(CONTINUATION | FIN, Buffer.from(`${payload}}`)));
}

/** A chunk of an HTTP answer (RFC 9112 §7.1). */
export function httpChunk(text: string): SharedBytes {
  const size = Buffer.byteLength(text);
  const whole = `${size.toString(16)}\r\n${text}\r\n`;
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(whole));
  bytes.write(whole);
  return share(bytes);
}

function share(bytes: Buffer): SharedBytes {
  return { bytes, latin1: bytes.length <= MAX_STRING_BYTES ? bytes.toString('latin1') : undefined };
}

/** RFC 6455 §5.2; a server does not mask. Outside the pool: one small frame would keep a slab of it. */
function frame(firstByte: number, payload: Buffer): Buffer {
  const { length } = payload;
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = Buffer.allocUnsafeSlow(headerLength + length);
  bytes[0] = firstByte;
  if (headerLength === 2) bytes[1] = length;
  else if (headerLength === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  payload.copy(bytes, headerLength);
  return bytes;
}
