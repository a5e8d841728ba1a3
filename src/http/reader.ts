/** Who asked for an operation, as streams see it: the same over every transport. */
import type { Duplex } from 'node:stream';
import type { Interrupt } from '../domain/interruptible.ts';
import type { Payload } from './payload.ts';

export interface Reader {
  /** False once nothing may follow. */
  isOpen(): boolean;
  /** Whether so much waits to be read that nothing is to be added. */
  readonly isFull: () => boolean;
  /** True once nothing waits any more; false after so long, or when interrupted. */
  readonly drained: (ms: number, interrupt: Interrupt) => Promise<boolean>;
  /**
   * A result of the operation, made once for all who share it.
   * @returns false if it was not added, as too much waits
   */
  offer(payload: Payload): boolean;
  /** Its stream says goodbye by itself when the server goes down: it need not be cut. */
  expectGoodbye(): void;
}

/** What waits in one socket to be read by the other side. */
export interface Backlog extends Pick<Reader, 'isFull' | 'drained'> {
  /** Bytes that have left for the network. */
  readonly flushedBytes: () => number;
  readonly waitingBytes: () => number;
}

export function createBacklog(
  socket: Duplex & { readonly bytesWritten?: number },
  maxBufferedBytes: number,
): Backlog {
  const waiting = createWaiting((onDrain) => {
    socket.on('drain', onDrain);
    return () => socket.off('drain', onDrain);
  });

  return {
    isFull: () => socket.writableLength > maxBufferedBytes,
    drained: (ms, interrupt) => waiting.wait(ms, interrupt, socket.writableLength === 0),
    flushedBytes: () => (socket.bytesWritten ?? 0) - socket.writableLength,
    waitingBytes: () => socket.writableLength,
  };
}

/** Those who wait for one event; it is listened to only while somebody waits. */
export function createWaiting(listen: (onEvent: () => void) => () => void) {
  const waiting = new Set<(isDone: boolean) => void>();
  let leave: (() => void) | undefined;

  function onEvent(): void {
    for (const settle of [...waiting]) settle(true);
  }

  return {
    /** True at the event, or if it has happened; false after so long, or when interrupted. */
    wait: (ms: number, interrupt: Interrupt, hasHappened: boolean): Promise<boolean> =>
      new Promise((resolve) => {
        const timer = setTimeout(settle, ms, false);
        if (waiting.size === 0) leave = listen(onEvent);
        waiting.add(settle);
        interrupt.onRaise = () => {
          settle(false);
        };
        if (interrupt.isRaised || hasHappened) settle(!interrupt.isRaised);

        function settle(isDone: boolean): void {
          clearTimeout(timer);
          interrupt.onRaise = undefined;
          waiting.delete(settle);
          if (waiting.size === 0) leave?.();
          resolve(isDone);
        }
      }),
  };
}
