/** One WebSocket connection as streams see it: how much waits to be read, and a way past ws. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { envelopeOf } from './frames.ts';
import type { Payload } from './payload.ts';
import { createBacklog } from './reader.ts';
import type { Backlog, Reader } from './reader.ts';

export interface Connection extends Backlog {
  readonly client: WebSocket;
  /** False once a close was sent or came: nothing may follow it. */
  readonly isOpen: () => boolean;
  readonly ping: () => void;
  /** A message; ends when it has left, or never will. */
  send(message: string): Promise<void>;
  /** The reader of one of its operations, by the client's name for it. */
  readerOf(operationId: string, expectGoodbye: () => void): Reader;
}

export function createConnection(
  client: WebSocket,
  socket: Duplex & { readonly bytesWritten?: number },
  maxBufferedBytes: number,
): Connection {
  const backlog = createBacklog(socket, maxBufferedBytes);
  const isOpen = () => client.readyState === client.OPEN;

  return {
    ...backlog,
    client,
    isOpen,
    ping: () => {
      client.ping();
    },
    send: (message) =>
      new Promise((resolve) => {
        if (!isOpen()) resolve();
        else
          client.send(message, () => {
            resolve();
          });
      }),
    readerOf: (operationId, expectGoodbye) =>
      new ConnectionReader({
        client,
        socket,
        backlog,
        maxBufferedBytes,
        operationId,
        expectGoodbye,
      }),
  };
}

interface Parts {
  readonly client: WebSocket;
  readonly socket: Duplex;
  readonly backlog: Backlog;
  readonly maxBufferedBytes: number;
  readonly operationId: string;
  readonly expectGoodbye: () => void;
}

/**
 * What `offer` needs lies in one object: with thousands of readers nothing of them is in the
 * processor's cache, and each closure and each scope would be one more miss per message.
 */
class ConnectionReader implements Reader {
  readonly #client: WebSocket;
  readonly #socket: Duplex;
  readonly #maxBufferedBytes: number;
  #envelope: string | undefined;
  readonly #operationId: string;
  readonly isFull: Backlog['isFull'];
  readonly drained: Backlog['drained'];
  readonly expectGoodbye: () => void;

  constructor({ client, socket, backlog, maxBufferedBytes, operationId, expectGoodbye }: Parts) {
    this.#client = client;
    this.#socket = socket;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#operationId = operationId;
    this.isFull = backlog.isFull;
    this.drained = backlog.drained;
    this.expectGoodbye = expectGoodbye;
  }

  isOpen(): boolean {
    return this.#client.readyState === this.#client.OPEN;
  }

  /**
   * Past ws, which writes whole frames at once and never leaves a message open, as compression is
   * off: nothing can come between.
   */
  offer(payload: Payload): boolean {
    const socket = this.#socket;
    const waitingBytes = socket.writableLength;
    if (!this.isOpen()) return true;
    if (waitingBytes > this.#maxBufferedBytes) return false;
    const message = payload.message();
    const envelope = (this.#envelope ??= envelopeOf(this.#operationId));
    const frame = waitingBytes === 0 ? message.frameFor(envelope) : undefined;
    if (frame === undefined) writeAll(socket, message.fragmentsFor(envelope));
    else {
      socket.write(frame);
      // The kernel has not taken all of it.
      if (socket.writableLength > 0) message.leave();
    }
    return true;
  }
}

function writeAll(socket: Duplex, parts: readonly Buffer[]): void {
  socket.cork();
  for (const part of parts) socket.write(part);
  socket.uncork();
}
