/** One WebSocket connection as streams see it: how much waits to be read, and a way past ws. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ClosingFragment, OpeningFragment } from './frames.ts';
import type { Interrupt } from '../domain/interruptible.ts';

export interface Connection {
  readonly client: WebSocket;
  /** False once a close was sent or came: nothing may follow it. */
  readonly isOpen: () => boolean;
  /** Whether so much waits for the client to read that nothing is to be added. */
  readonly isFull: () => boolean;
  /** Bytes that have left for the network. */
  readonly flushedBytes: () => number;
  readonly waitingBytes: () => number;
  /** A message; ends when it has left, or never will. */
  send(message: string): Promise<void>;
  /**
   * One message in two fragments, at once. ws writes whole frames and never leaves a message open,
   * as compression is off, so nothing can come between.
   */
  write(opening: OpeningFragment, closing: ClosingFragment): void;
  /** True once nothing waits any more; false after so long, or when interrupted. */
  drained(ms: number, interrupt: Interrupt): Promise<boolean>;
}

export function createConnection(
  client: WebSocket,
  socket: Duplex & { readonly bytesWritten?: number },
  maxBufferedBytes: number,
): Connection {
  const waiting = new Set<(isDrained: boolean) => void>();

  function onDrain(): void {
    for (const settle of [...waiting]) settle(true);
  }

  return {
    client,
    isOpen: () => client.readyState === client.OPEN,
    isFull: () => socket.writableLength > maxBufferedBytes,
    flushedBytes: () => (socket.bytesWritten ?? 0) - socket.writableLength,
    waitingBytes: () => socket.writableLength,
    send: (message) =>
      new Promise((resolve) => {
        if (client.readyState !== client.OPEN) resolve();
        else
          client.send(message, () => {
            resolve();
          });
      }),
    write(opening, closing) {
      if (closing.latin1 !== undefined) {
        socket.write(opening.latin1 + closing.latin1, 'latin1');
        return;
      }
      socket.cork();
      socket.write(opening.bytes);
      socket.write(closing.bytes);
      socket.uncork();
    },
    drained: (ms, interrupt) =>
      new Promise((resolve) => {
        const timer = setTimeout(settle, ms, false);
        if (waiting.size === 0) socket.on('drain', onDrain);
        waiting.add(settle);
        interrupt.onRaise = () => {
          settle(false);
        };
        if (interrupt.isRaised || socket.writableLength === 0) settle(!interrupt.isRaised);

        function settle(isDrained: boolean): void {
          clearTimeout(timer);
          interrupt.onRaise = undefined;
          waiting.delete(settle);
          if (waiting.size === 0) socket.off('drain', onDrain);
          resolve(isDrained);
        }
      }),
  };
}
