/**
 * Bytes that many clients share. Of a WebSocket message each client has a beginning of its own, its
 * envelope, and all have the rest: it is made once, and each envelope is put before it in its turn.
 */

const TEXT = 0x1;
const CONTINUATION = 0x0;
const FIN = 0x80;
const MAX_HEADER_BYTES = 10;

/** Names of operations are UUIDs or numbers. */
const MAX_ENVELOPE_BYTES = 128;
/** Above, writing two parts costs little against copying them, and a client that does not read holds no copy. */
const MAX_WHOLE_BYTES = 16 * 1024;
const RESERVED_BYTES = MAX_HEADER_BYTES + MAX_ENVELOPE_BYTES;

/** The beginning of every `next` message to one operation of one client: bytes of JSON, one character each. */
export function envelopeOf(operationId: string): string {
  const head = `{"id":${JSON.stringify(operationId)},"type":"next","payload":`;
  return Buffer.from(head).toString('latin1');
}

/** A `next` message to many. */
export interface Message {
  /**
   * The frame for this client, in the place where all of them are made: it is the client's until the
   * next is asked for. Undefined: it is too long for that.
   */
  frameFor(envelope: string): Buffer | undefined;
  /** The last frame waits in a socket: what comes is made in another place. */
  leave(): void;
  /**
   * The same in two frames, of which all share the second, however long they wait. RFC 6455 §5.4
   * allows a message in fragments; a client sees one message.
   */
  fragmentsFor(envelope: string): readonly [Buffer, Buffer];
}

/** @param payload JSON */
export function createMessage(payload: string): Message {
  const bodyBytes = Buffer.byteLength(payload) + 1;
  let place: Buffer | undefined;
  let frame: Buffer | undefined;
  let frameStart = 0;
  let closing: Buffer | undefined;

  function makePlace(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(RESERVED_BYTES + bodyBytes);
    bytes.write(payload, RESERVED_BYTES);
    bytes[bytes.length - 1] = 0x7d; // }
    return bytes;
  }

  return {
    frameFor(envelope) {
      if (envelope.length > MAX_ENVELOPE_BYTES || bodyBytes > MAX_WHOLE_BYTES) return undefined;
      place ??= makePlace();
      const length = envelope.length + bodyBytes;
      const start = RESERVED_BYTES - envelope.length - headerBytes(length);
      // Most envelopes are of one length.
      if (frame === undefined || frameStart !== start) {
        frame = place.subarray(start);
        frameStart = start;
        writeHeader(frame, FIN | TEXT, length);
      }
      place.write(envelope, RESERVED_BYTES - envelope.length, 'latin1');
      return frame;
    },
    leave() {
      place = undefined;
      frame = undefined;
    },
    fragmentsFor(envelope) {
      const opening = frameOf(TEXT, Buffer.from(envelope, 'latin1'));
      return [opening, (closing ??= frameOf(FIN | CONTINUATION, Buffer.from(`${payload}}`)))];
    },
  };
}

/** A chunk of an HTTP answer (RFC 9112 §7.1). */
export function httpChunk(text: string): Buffer {
  const size = Buffer.byteLength(text);
  const whole = `${size.toString(16)}\r\n${text}\r\n`;
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(whole));
  bytes.write(whole);
  return bytes;
}

/** Outside the pool: one small frame would keep a slab of it. */
function frameOf(firstByte: number, payload: Buffer): Buffer {
  const header = headerBytes(payload.length);
  const bytes = Buffer.allocUnsafeSlow(header + payload.length);
  writeHeader(bytes, firstByte, payload.length);
  payload.copy(bytes, header);
  return bytes;
}

/** RFC 6455 §5.2; a server does not mask. */
function headerBytes(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : MAX_HEADER_BYTES;
}

function writeHeader(bytes: Buffer, firstByte: number, length: number): void {
  bytes[0] = firstByte;
  if (length < 126) bytes[1] = length;
  else if (length < 65_536) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
}
