/**
 * Finds out which clients are gone. One that is slow is not: as long as it reads, its answer to a
 * ping may wait behind megabytes.
 */
import type { Connection } from './connection.ts';

/** Between two turns of others, when many are pinged. */
const PINGS_PER_TURN = 256;

interface Life {
  /** Whether it has said anything since the last look. */
  hasSpoken: boolean;
  flushedBytes: number;
}

export interface KeepAlive {
  watch(connection: Connection): void;
  stop(): void;
}

/** `onStalled` is told of those that neither answer nor read for a whole interval. */
export function createKeepAlive(
  everyMs: number,
  onStalled: (connection: Connection) => void,
): KeepAlive {
  const lives = new Map<Connection, Life>();

  function look(connection: Connection, life: Life): void {
    const flushedBytes = connection.flushedBytes();
    if (!life.hasSpoken && flushedBytes === life.flushedBytes) onStalled(connection);
    else if (connection.isOpen()) connection.client.ping();
    life.hasSpoken = false;
    life.flushedBytes = connection.flushedBytes();
  }

  async function lookAtAll(): Promise<void> {
    let count = 0;
    for (const [connection, life] of [...lives]) {
      if (lives.has(connection)) look(connection, life);
      count += 1;
      if (count % PINGS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const timer = setInterval(() => void lookAtAll(), everyMs);
  timer.unref();

  return {
    watch(connection) {
      const life = { hasSpoken: true, flushedBytes: 0 };
      lives.set(connection, life);
      const speak = () => {
        life.hasSpoken = true;
      };
      connection.client.on('pong', speak).on('message', speak);
      connection.client.on('close', () => lives.delete(connection));
    },
    stop() {
      clearInterval(timer);
    },
  };
}
