/**
 * Follows a job: what is stored after a place, then what comes, each record once and in order.
 *
 * - REPLAYING  more is stored than was sent: batch after batch, as fast as the reader takes them
 * - LIVE       waits for a wake-up, looks, sends; after a silence an empty batch
 * - ENDED      a `StreamEnd` was sent: the job has ended and all is sent, or the server goes down
 *
 * A wake-up that comes while it looks makes it look again: nothing falls between.
 */
import { AppError } from '../errors.ts';
import type { Interrupt } from '../domain/interruptible.ts';
import type { JobHead } from '../store/job-heads.ts';
import type { Bell } from './tail-bell.ts';
import type { Feed, Taken } from './tail-feed.ts';

export interface TailBatch<T> {
  readonly kind: 'batch';
  readonly jobId: string;
  /** The places before and behind: records `from + 1` to `to` were looked at. */
  readonly from: number;
  readonly to: number;
  /** Those of them that fit the filter. */
  readonly items: readonly T[];
  /** Whether nothing more was stored at that time. */
  readonly isLive: boolean;
}

export interface TailEnd {
  readonly kind: 'end';
  readonly jobId: string;
  readonly of: 'log' | 'metrics';
  readonly reason: 'JOB_ENDED' | 'SHUTTING_DOWN' | 'LAGGED';
  readonly retry: boolean;
  /** Where to go on. */
  readonly to: number;
}

export type TailEvent<T> = TailBatch<T> | TailEnd;

export interface TailTiming {
  /** An empty batch after so long a silence. */
  readonly heartbeatMs: number;
  /** Between looks when wake-ups are lost. */
  readonly pollMs: number;
}

export interface TailTask<T> {
  readonly jobId: string;
  readonly of: TailEnd['of'];
  readonly from: number;
  readonly feed: Feed<T>;
  readonly head: () => Promise<JobHead | null>;
  readonly bell: Bell;
  readonly timing: TailTiming;
  readonly isClosing: () => boolean;
  /** Whether the reader knows already that it is being served. */
  readonly isGreeted: boolean;
  /** The number it may read to for now, from this place. */
  readonly bound: (from: number) => number;
}

interface Look<T> {
  readonly taken: Taken<T>;
  /** The last number that is stored. */
  readonly last: number;
  readonly bound: number;
  readonly hasEnded: boolean;
}

export async function* tail<T>(
  task: TailTask<T>,
  interrupt: Interrupt,
): AsyncGenerator<TailEvent<T>, void, void> {
  const { bell, timing } = task;
  let sent = task.from;
  let read = task.from;
  let sentAt = task.isGreeted ? performance.now() : -Infinity;
  while (!interrupt.isRaised) {
    if (task.isClosing()) {
      yield endOf(task, 'SHUTTING_DOWN', sent);
      return;
    }
    const look = await lookAt(task, read, sentAt === -Infinity);
    const { items } = look?.taken ?? NOTHING;
    read = look?.taken.to ?? read;
    const silentMs = performance.now() - sentAt;
    const isBound = look !== null && read > sent && read === look.bound;
    const isDue = silentMs >= (read > sent ? timing.pollMs : timing.heartbeatMs);
    if (items.length > 0 || isBound || isDue) {
      const isLive = look !== null && read >= look.last;
      yield { kind: 'batch', jobId: task.jobId, from: sent, to: read, items: items as T[], isLive };
      sent = read;
      sentAt = performance.now();
    }
    if (look !== null && read >= look.last && look.hasEnded) {
      yield endOf(task, 'JOB_ENDED', read);
      return;
    }
    if (look !== null && read < Math.min(look.last, look.bound)) await othersTurn();
    else await bell.sleep(look === null ? timing.pollMs : msUntilDue(timing, sentAt, read > sent));
  }
}

const NOTHING = { items: [] };

/** Null: the store cannot be read for now, which a stream that has begun outlasts. */
async function lookAt<T>(
  { head, feed, bound, jobId }: TailTask<T>,
  read: number,
  isFirst: boolean,
): Promise<Look<T> | null> {
  try {
    const seen = await head();
    if (seen === null) throw new AppError('NOT_FOUND', `There is no training job ${jobId}.`);
    const last = feed.last(seen);
    const upTo = bound(read);
    const limit = Math.min(last, upTo);
    const taken = read < limit ? await feed.take(read, limit) : { items: [], to: read };
    return { taken, last, bound: upTo, hasEnded: seen.hasEnded };
  } catch (error) {
    if (!isFirst && error instanceof AppError && error.retryable) return null;
    throw error;
  }
}

/** Until something is sent at the latest; what was only looked at is told sooner. */
function msUntilDue(
  { heartbeatMs, pollMs }: TailTiming,
  sentAt: number,
  isBehind: boolean,
): number {
  return Math.max(1, sentAt + (isBehind ? pollMs : heartbeatMs) - performance.now());
}

export function endOf(
  { jobId, of }: Pick<TailTask<unknown>, 'jobId' | 'of'>,
  reason: TailEnd['reason'],
  to: number,
): TailEnd {
  return { kind: 'end', jobId, of, reason, retry: reason !== 'JOB_ENDED', to };
}

/** Whoever replays a long log must not keep everybody else waiting. */
function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
