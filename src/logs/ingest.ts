/**
 * Brings what all followers read into the store: one transaction a tick for all of them, at most
 * {@link TICK_MS} after a line came or as soon as {@link BATCH_LINES} of one source are there.
 * Committed first, then acknowledged to the follower, then told to those who wait.
 *
 * A lane is one source's way in:
 * - OPEN    takes lines; whoever brings more than it holds waits
 * - FAILED  its mark is elsewhere in the store, or the store failed: nothing more is written, and
 *           whoever opens it anew begins with what the store says
 */
import { AppError } from '../errors.ts';
import type { JobProgress } from '../domain/job/job.ts';
import type { NewLogLine, NewMetricPoint } from '../domain/job/log-line.ts';
import type { Failpoint } from '../jobs/failpoint.ts';
import type { Database } from '../store/database.ts';
import { appendAll } from '../store/log-appends.ts';
import type { LogAppend, LogMark } from '../store/log-appends.ts';
import { toChunks } from '../store/log-lines.ts';

const TICK_MS = 25;
const BATCH_LINES = 1_000;
/** What a lane holds before whoever fills it has to wait. */
const LANE_LINES = 4_000;
const LANE_CHARACTERS = 1024 * 1024;
/** What one transaction takes of all lanes: the rest is the next one's. */
const TICK_CHARACTERS = 8 * 1024 * 1024;

/** Lines of one source, and the mark behind them. */
export interface LogPart {
  readonly lines: readonly NewLogLine[];
  readonly points?: readonly NewMetricPoint[];
  readonly progress?: JobProgress | null;
}

export interface BootPart extends LogPart {
  readonly to: number;
}

export interface SystemPart extends LogPart {
  readonly to: string;
  readonly imageFault: string | null;
}

export interface LogLane<Part> {
  /** Takes it at once; resolves when there is room for more. @throws when the lane has failed */
  push(part: Part): Promise<void>;
  /** Resolves when everything that was pushed is stored. @throws when the lane has failed */
  flushed(): Promise<void>;
  /** What was pushed and is not being stored yet is forgotten. */
  close(): void;
}

interface LaneOwner {
  readonly tenantId: string;
  readonly jobId: string;
}

export interface BootLane extends LaneOwner {
  readonly attempt: number;
  readonly bootId: string;
  /** The last line that is stored. */
  readonly from: number;
}

export interface SystemLane extends LaneOwner {
  readonly podName: string;
  /** The last event that is stored; '': none. */
  readonly from: string;
}

/** Another has stored these lines, or their attempt has ended. */
export class LaneStale extends Error {
  override readonly name = 'LaneStale';
}

export interface LogWriter {
  openBoot(lane: BootLane): LogLane<BootPart>;
  openSystem(lane: SystemLane): LogLane<SystemPart>;
  /** Stores what is pending. */
  close(): Promise<void>;
}

export interface LogWriterDeps {
  readonly db: Database;
  readonly onStored: (jobId: string) => void;
  readonly failpoint: Failpoint;
}

interface AnyLane {
  readonly lines: () => number;
  readonly characters: () => number;
  readonly isClosed: () => boolean;
  /** Everything pending, as one append. */
  take(): LogAppend;
  stored(): void;
  fail(error: unknown): void;
}

export function createLogWriter(deps: LogWriterDeps): LogWriter {
  const { db, onStored, failpoint } = deps;
  /** Those with something pending, in the order in which it came. */
  const waiting = new Set<AnyLane>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;

  function onPush(lane: AnyLane): void {
    waiting.add(lane);
    if (running !== null) return;
    if (lane.lines() >= BATCH_LINES) start();
    else timer ??= setTimeout(start, TICK_MS);
  }

  /** After a commit, during which lanes have filled. */
  function resume(): void {
    for (const lane of waiting) {
      onPush(lane);
      if (running !== null) return;
    }
  }

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (running !== null) return;
    running = tick().finally(() => {
      running = null;
      resume();
    });
  }

  async function tick(): Promise<void> {
    const taken = new Map<LogAppend, AnyLane>();
    let characters = 0;
    for (const lane of waiting) {
      if (characters >= TICK_CHARACTERS) break;
      waiting.delete(lane);
      if (lane.isClosed()) continue;
      characters += lane.characters();
      taken.set(lane.take(), lane);
    }
    if (taken.size === 0) return;
    try {
      const written = await appendAll(db, [...taken.keys()]);
      failpoint('ingest.committed');
      for (const [append, lane] of taken) acknowledge(append, lane, written.has(append));
    } catch (error) {
      // Perhaps it was written all the same: only the store knows, so everybody asks it again.
      for (const lane of taken.values()) lane.fail(error);
    }
  }

  function acknowledge({ jobId }: LogAppend, lane: AnyLane, isWritten: boolean): void {
    if (!isWritten) {
      lane.fail(new LaneStale('the store has gone on without this reader'));
      return;
    }
    lane.stored();
    onStored(jobId);
  }

  return {
    openBoot: ({ from, attempt, bootId, ...owner }) =>
      createLane<BootPart, number>(owner, from, onPush, (begin, part) => ({
        kind: 'boot',
        attempt,
        bootId,
        from: begin,
        to: part.to,
      })),
    openSystem: ({ from, podName, ...owner }) =>
      createLane<SystemPart, string>(owner, from, onPush, (begin, part) => ({
        kind: 'system',
        podName,
        from: begin,
        to: part.to,
        imageFault: part.imageFault,
      })),
    async close() {
      while (running !== null || waiting.size > 0) {
        start();
        await running;
      }
      clearTimeout(timer);
    },
  };
}

interface Pending<Part> {
  readonly lines: NewLogLine[];
  readonly points: NewMetricPoint[];
  progress: JobProgress | null;
  characters: number;
  last: Part | null;
}

function nothingPending<Part>(): Pending<Part> {
  return { lines: [], points: [], progress: null, characters: 0, last: null };
}

function createLane<Part extends LogPart & { readonly to: At }, At extends number | string>(
  owner: LaneOwner,
  from: At,
  onPush: (lane: AnyLane) => void,
  markOf: (begin: At, last: Part) => LogMark,
): LogLane<Part> {
  let pending = nothingPending<Part>();
  /** Behind everything that was taken. */
  let begin = from;
  let isStoring = false;
  let failure: { readonly error: unknown } | null = null;
  let isClosed = false;
  let listeners: (() => void)[] = [];

  const inner: AnyLane = {
    lines: () => pending.lines.length,
    characters: () => pending.characters,
    isClosed: () => isClosed || failure !== null,
    take() {
      const { lines, points, progress, last } = pending;
      if (last === null) throw new Error('nothing is pending');
      pending = nothingPending();
      const mark = markOf(begin, last);
      begin = last.to;
      isStoring = true;
      return { ...owner, mark, chunks: toChunks(lines), points, progress };
    },
    stored() {
      isStoring = false;
      tell();
    },
    fail(error) {
      failure ??= { error };
      isStoring = false;
      tell();
    },
  };

  function tell(): void {
    const told = listeners;
    listeners = [];
    for (const listener of told) listener();
  }

  async function until(isSo: () => boolean): Promise<void> {
    while (failure === null && !isClosed && !isSo()) {
      await new Promise<void>((resolve) => {
        listeners.push(resolve);
      });
    }
    if (failure !== null) throw asError(failure.error);
  }

  return {
    push(part) {
      if (failure !== null || isClosed) return until(() => true);
      for (const line of part.lines) {
        pending.lines.push(line);
        pending.characters += line.text.length;
      }
      for (const point of part.points ?? []) pending.points.push(point);
      pending.progress = part.progress ?? pending.progress;
      pending.last = part;
      onPush(inner);
      return until(() => pending.lines.length < LANE_LINES && pending.characters < LANE_CHARACTERS);
    },
    flushed: () => until(() => pending.last === null && !isStoring),
    close() {
      isClosed = true;
      tell();
    },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new AppError('STORE_UNAVAILABLE', 'The store failed.', { cause: error, retryable: true });
}
