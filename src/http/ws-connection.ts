/** One WebSocket connection as streams see it: how much waits to be read, and a way past ws. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { openingFragment } from './frames.ts';
import type { OpeningFragment } from './frames.ts';
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

  /**
   * One message in two fragments, at once. ws writes whole frames and never leaves a message open,
   * as compression is off, so nothing can come between.
   */
  function write(opening: OpeningFragment, payload: Payload): void {
    const closing = payload.fragment();
    if (closing.latin1 !== undefined) {
      socket.write(opening.latin1 + closing.latin1, 'latin1');
      return;
    }
    socket.cork();
    socket.write(opening.bytes);
    socket.write(closing.bytes);
    socket.uncork();
  }

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
    readerOf(operationId, expectGoodbye) {
      let opening: OpeningFragment | undefined;
      return {
        isOpen,
        isFull: backlog.isFull,
        drained: backlog.drained,
        expectGoodbye,
        write(payload) {
          write((opening ??= openingFragment(operationId)), payload);
        },
      };
    },
  };
}
