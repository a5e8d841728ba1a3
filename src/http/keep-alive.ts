/**
 * Finds out which clients are gone. One that is slow is not: as long as it reads, its answer to a
 * ping may wait behind megabytes.
 */
import type { Backlog } from './reader.ts';

/** Between two turns of others, when many are pinged. */
const PINGS_PER_TURN = 256;

interface Life {
  /** Whether it has said anything since the last look. */
  hasSpoken: boolean;
  flushedBytes: number;
}

/** A connection as far as it may be dead. */
export interface Pulse extends Pick<Backlog, 'flushedBytes'> {
  readonly isOpen: () => boolean;
  /** Something that the other side answers, or at least reads. */
  readonly ping: () => void;
  /** It neither answers nor reads for a whole interval. */
  readonly onStalled: () => void;
}

export interface Watched {
  /** It has said something. */
  readonly speak: () => void;
  /** It is gone. */
  readonly forget: () => void;
}

export interface KeepAlive {
  watch(pulse: Pulse): Watched;
  stop(): void;
}

export function createKeepAlive(everyMs: number): KeepAlive {
  const lives = new Map<Pulse, Life>();

  function look(pulse: Pulse, life: Life): void {
    const flushedBytes = pulse.flushedBytes();
    if (!life.hasSpoken && flushedBytes === life.flushedBytes) pulse.onStalled();
    else if (pulse.isOpen()) pulse.ping();
    life.hasSpoken = false;
    life.flushedBytes = pulse.flushedBytes();
  }

  async function lookAtAll(): Promise<void> {
    let count = 0;
    for (const [pulse, life] of [...lives]) {
      if (lives.has(pulse)) look(pulse, life);
      count += 1;
      if (count % PINGS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  const timer = setInterval(() => void lookAtAll(), everyMs);
  timer.unref();

  return {
    watch(pulse) {
      const life = { hasSpoken: true, flushedBytes: 0 };
      lives.set(pulse, life);
      return {
        speak() {
          life.hasSpoken = true;
        },
        forget() {
          lives.delete(pulse);
        },
      };
    },
    stop() {
      clearInterval(timer);
    },
  };
}
