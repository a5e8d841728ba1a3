/** Streams of jobs as subscribers get them: log lines, metric points, states. */
import { interruptible } from '../domain/interruptible.ts';
import type { Interrupt } from '../domain/interruptible.ts';
import { decodeCursor } from '../domain/job/log-cursor.ts';
import type { CursorKind } from '../domain/job/log-cursor.ts';
import type { LogLine, MetricPoint } from '../domain/job/log-line.ts';
import { hasEnded } from '../domain/job/job.ts';
import type { Job } from '../domain/job/job.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import type { JobHead } from '../store/job-heads.ts';
import { findJobs } from '../store/jobs.ts';
import { toFilter } from './reader.ts';
import type { LogFilter } from './reader.ts';
import { createBell } from './tail-bell.ts';
import type { Bell } from './tail-bell.ts';
import { createLogFeed, createMetricFeed } from './tail-feed.ts';
import { createTailLoaders } from './tail-loaders.ts';
import { endOf, tail } from './tail.ts';
import type { TailEnd, TailEvent, TailTask, TailTiming } from './tail.ts';
import type { Waker } from './tail-waker.ts';

/** One reader's log. It may be told to stop for now at a place, and gone on with elsewhere. */
export interface LogStream extends AsyncIterableIterator<TailEvent<LogLine>, void, void> {
  readonly kind: 'logs';
  /** The number up to which it may read for now, from a place; `poke` when that has changed. */
  bound: (from: number) => number;
  readonly poke: () => void;
  /** The same lines from another place, in a stream of its own, which does not begin with a sign of life. */
  resume(from: number): LogStream;
  /** What tells a reader of this stream that it was too slow. */
  laggedAt(to: number): TailEnd;
}

export interface MetricStream extends AsyncIterableIterator<TailEvent<MetricPoint>, void, void> {
  readonly kind: 'metrics';
}

export interface LogStreamQuery {
  readonly after?: string | null | undefined;
  readonly filter?: LogFilter | null | undefined;
}

export interface JobStreams {
  /** @throws {AppError} NOT_FOUND INVALID_CURSOR BAD_USER_INPUT STORE_UNAVAILABLE */
  logs(jobId: string, query: LogStreamQuery): Promise<LogStream>;
  /** @throws {AppError} NOT_FOUND INVALID_CURSOR STORE_UNAVAILABLE */
  metrics(jobId: string, after: string | null | undefined): Promise<MetricStream>;
  /**
   * The job now and after every change; some may be left out, the last never. Ends with the job.
   * @throws {AppError} NOT_FOUND STORE_UNAVAILABLE
   */
  changes(jobId: string): Promise<AsyncIterableIterator<Job, void, void>>;
  /** Ends streams of lines and points, those to come as well, with SHUTTING_DOWN. */
  close(): void;
}

export interface JobStreamsDeps {
  readonly db: Database;
  readonly tenantId: string;
  readonly waker: Waker;
  readonly timing: TailTiming;
}

export function createJobStreams({ db, tenantId, waker, timing }: JobStreamsDeps): JobStreams {
  const bells = new Set<Bell>();
  const loaders = createTailLoaders(db, tenantId);
  let isClosing = false;

  async function headOf(jobId: string): Promise<JobHead> {
    const head = await loaders.head(jobId);
    if (head === null) throw noSuchJob(jobId);
    return head;
  }

  /** Numbers are given in order: one that was not given yet is no place that a reader can be at. */
  function placeOf(
    kind: CursorKind,
    jobId: string,
    after: string | null | undefined,
    last: number,
  ) {
    const place = after == null ? 0 : decodeCursor(kind, jobId, after);
    if (place <= last) return place;
    throw new AppError(
      'INVALID_CURSOR',
      'This cursor is behind the last line: the log it came from is not this one. Begin without one.',
    );
  }

  /** Listens before it first looks. */
  async function* withBell<T>(
    jobId: string,
    interrupt: Interrupt,
    bell: Bell,
    run: () => AsyncGenerator<T, void, void>,
  ): AsyncGenerator<T, void, void> {
    interrupt.onRaise = () => {
      bell.ring();
    };
    const leave = waker.subscribe(jobId, interrupt.onRaise);
    bells.add(bell);
    try {
      yield* run();
    } finally {
      bells.delete(bell);
      leave();
    }
  }

  function follow<T>(
    task: Pick<TailTask<T>, 'jobId' | 'of' | 'from' | 'feed' | 'bell' | 'isGreeted' | 'bound'>,
  ): AsyncIterableIterator<TailEvent<T>, void, void> {
    const { jobId, bell } = task;
    const head = () => loaders.head(jobId);
    const whole = { ...task, head, timing, isClosing: () => isClosing };
    return interruptible((interrupt) =>
      withBell(jobId, interrupt, bell, () => tail(whole, interrupt)),
    );
  }

  function logStream(
    place: { jobId: string; from: number; isGreeted: boolean },
    fits: (line: LogLine) => boolean,
  ): LogStream {
    const bell = createBell();
    const feed = createLogFeed(loaders, place.jobId, fits);
    const bound = (at: number) => stream.bound(at);
    const stream: LogStream = {
      ...follow({ ...place, of: 'log', feed, bell, bound }),
      kind: 'logs',
      bound: () => Infinity,
      poke: () => {
        bell.ring();
      },
      resume: (from) => logStream({ jobId: place.jobId, from, isGreeted: true }, fits),
      laggedAt: (to) => endOf({ jobId: place.jobId, of: 'log' }, 'LAGGED', to),
    };
    return stream;
  }

  async function* changesOf(
    jobId: string,
    interrupt: Interrupt,
    bell: Bell,
  ): AsyncGenerator<Job, void, void> {
    let shown = '';
    while (!interrupt.isRaised) {
      const job = await readJob(jobId, shown === '');
      const seen = job === null ? shown : JSON.stringify(job);
      if (job !== null && seen !== shown) {
        shown = seen;
        yield job;
        if (hasEnded(job.status)) return;
      }
      await bell.sleep(job === null ? timing.pollMs : timing.heartbeatMs);
    }
  }

  /** Null: the store cannot be read for now, which a stream that has begun outlasts. */
  async function readJob(jobId: string, isFirst: boolean): Promise<Job | null> {
    try {
      const [job] = await findJobs(db, tenantId, [jobId]);
      if (job == null) throw noSuchJob(jobId);
      return job;
    } catch (error) {
      if (!isFirst && error instanceof AppError && error.retryable) return null;
      throw error;
    }
  }

  return {
    async logs(jobId, { after, filter }) {
      const fits = toFilter(filter);
      const { log } = await headOf(jobId);
      const from = placeOf('log', jobId, after, log);
      return logStream({ jobId, from, isGreeted: false }, fits);
    },
    async metrics(jobId, after) {
      const { metrics } = await headOf(jobId);
      const from = placeOf('metrics', jobId, after, metrics);
      const events = follow({
        jobId,
        of: 'metrics',
        from,
        feed: createMetricFeed(db, jobId),
        bell: createBell(),
        isGreeted: false,
        bound: () => Infinity,
      });
      return { ...events, kind: 'metrics' };
    },
    async changes(jobId) {
      await headOf(jobId);
      const bell = createBell();
      return interruptible((interrupt) =>
        withBell(jobId, interrupt, bell, () => changesOf(jobId, interrupt, bell)),
      );
    },
    close() {
      isClosing = true;
      for (const bell of bells) bell.ring();
    },
  };
}

function noSuchJob(jobId: string): AppError {
  return new AppError('NOT_FOUND', `There is no training job ${JSON.stringify(jobId)}.`);
}
