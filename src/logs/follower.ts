/**
 * Follows one boot's lines into the store, by whatever road is open. It is one job's only one: its
 * registry holds the lease, and the store takes each line once whoever brings it.
 *
 * - STREAMING  the agent's event stream; reopened when it ends
 * - FALLEN     it does not answer: the platform's own stream brings what it can, and the agent's
 *              pages are asked for the rest, which also shows when the agent answers again
 * - ENDED      every line is stored; the lane failed; or it was stopped; final
 *
 * @see agent/PROTOCOL.md §5
 */
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import type { MetricEvent } from '../domain/job/metric-line.ts';
import { createIntake } from './follower-intake.ts';
import type { LogWriter } from './ingest.ts';
import type { LinesOfPlatform } from './sources.ts';

const LINES_PER_PAGE = 1_000;

export interface FollowerTiming {
  /** Pause after the first failure; it doubles. */
  readonly retryMs: number;
  readonly maxRetryMs: number;
  /** A stream that lives so long without a line is as good as one that brings some. */
  readonly soundMs: number;
  /** Between two pages while the stream does not work. */
  readonly pageMs: number;
  /** How long lines behind a hole wait for what is missing while the agent does not answer. */
  readonly holeMs: number;
}

export const FOLLOWER_TIMING: FollowerTiming = {
  retryMs: 250,
  maxRetryMs: 30_000,
  soundMs: 5_000,
  pageMs: 1_000,
  holeMs: 60_000,
};
/** Streams in a row that did not open, after which the platform is asked too. */
const FAILURES_TO_FALL = 2;

export interface FollowedBoot {
  readonly tenantId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly bootId: string;
  /** The last line that is stored. */
  readonly bootLine: number;
}

export interface FollowerDeps {
  readonly writer: Pick<LogWriter, 'openBoot'>;
  readonly agent: Pick<PodAgent, 'stream' | 'lines'>;
  readonly platform: LinesOfPlatform;
  readonly timing: FollowerTiming;
  readonly now: () => number;
  /** `stored` resolves when the line that it came in is stored. */
  readonly onMetric: (event: MetricEvent, stored: () => Promise<void>) => void;
}

export interface Follower {
  /** Complete: every line is stored and no more will come. Stopped: all that came is stored. */
  readonly ended: Promise<'complete' | 'stopped'>;
  /** Takes what is at hand for so long, then ends; an agent that spoke just now is asked again. */
  finish(graceMs: number, isAgentThere: boolean): Promise<void>;
}

export function startFollower(
  deps: FollowerDeps,
  boot: FollowedBoot,
  signal: AbortSignal,
): Follower {
  const { agent, platform, timing, now } = deps;
  const lane = deps.writer.openBoot({ ...boot, from: boot.bootLine });
  const { attempt, bootId } = boot;
  const intake = createIntake({
    lane,
    attempt,
    position: boot.bootLine,
    now,
    onMetric: (event) => {
      // Its own line is pushed once the batch has been looked through: after this turn.
      deps.onMetric(event, () => Promise.resolve().then(() => lane.flushed()));
    },
  });
  const finishing = new AbortController();
  const following = AbortSignal.any([signal, finishing.signal]);
  let failures = 0;
  let retryAt = 0;
  /** Since when the agent does not answer; null: it does. */
  let silentSince: number | null = null;

  async function follow(): Promise<'complete' | 'stopped'> {
    while (!following.aborted) {
      if (await streamOnce(noop)) return 'complete';
      if (failures < FAILURES_TO_FALL) await rest(failures === 0 ? 10 : timing.retryMs, following);
      else if (await fallBack()) return 'complete';
    }
    return 'stopped';
  }

  /** `onSound`: it works. @returns whether that was the last line */
  async function streamOnce(onSound: () => void): Promise<boolean> {
    const openedAt = now();
    const from = intake.position();
    try {
      for await (const event of agent.stream(bootId, from, following)) {
        if (event.kind === 'lines') await intake.take(event.lines);
        if (event.kind === 'end') return intake.position() >= event.lastLine;
        // One that is cut before it brings anything may be cut so for ever.
        const hasBrought = event.kind === 'lines' && event.lines.length > 0;
        if (!hasBrought && now() - openedAt < timing.soundMs) continue;
        noteSound();
        onSound();
      }
      noteSound();
    } catch (error) {
      if (!isPassing(error, following)) throw error;
      failures += 1;
      silentSince ??= now();
    }
    retryAt = now() + Math.min(timing.maxRetryMs, timing.retryMs * 2 ** failures);
    return false;
  }

  function noteSound(): void {
    failures = 0;
    silentSince = null;
  }

  /** Until the stream works again. @returns whether the last line is there */
  async function fallBack(): Promise<boolean> {
    const leaving = new AbortController();
    const reading = AbortSignal.any([following, leaving.signal]);
    const leave = () => {
      leaving.abort();
    };
    const [own, aside] = await Promise.allSettled([
      askAgent(reading, leave).finally(leave),
      platform.read(bootId, reading, (line) => intake.offer(line)).finally(leave),
    ]);
    if (aside.status === 'rejected') throw aside.reason;
    if (own.status === 'rejected') throw own.reason;
    return own.value;
  }

  async function askAgent(reading: AbortSignal, leave: () => void): Promise<boolean> {
    const isOver = () => reading.aborted;
    while (!isOver()) {
      if (await readPages(reading)) return true;
      if (!isOver() && (await streamOnce(leave))) return true;
    }
    return false;
  }

  /** Until it is time to try the stream again. @returns whether the last line is there */
  async function readPages(reading: AbortSignal): Promise<boolean> {
    while (!reading.aborted) {
      const page = await readPage(reading);
      if (page === 'last') return true;
      if (page === 'failed') silentSince ??= now();
      else silentSince = null;
      // It answers again: so may its stream, unless that alone has failed often.
      if (page !== 'failed' && failures <= FAILURES_TO_FALL) return false;
      const isHopeless = silentSince !== null && now() - silentSince >= timing.holeMs;
      if (intake.hasHole() && isHopeless) await intake.skipHole();
      if (now() >= retryAt) return false;
      if (page !== 'more') await rest(timing.pageMs, reading);
    }
    return false;
  }

  async function readPage(reading: AbortSignal): Promise<'more' | 'all' | 'last' | 'failed'> {
    try {
      const page = await agent.lines(bootId, intake.position(), LINES_PER_PAGE, reading);
      await intake.take(page.lines);
      if (intake.position() < page.lastLine) return page.lines.length > 0 ? 'more' : 'failed';
      return page.closed ? 'last' : 'all';
    } catch (error) {
      if (!isPassing(error, reading)) throw error;
      return 'failed';
    }
  }

  async function run(): Promise<'complete' | 'stopped'> {
    try {
      const outcome = await follow();
      if (outcome === 'complete' || !signal.aborted) await lane.flushed();
      return outcome;
    } finally {
      if (!finishing.signal.aborted) lane.close();
    }
  }

  const ended = run();
  return {
    ended,
    async finish(graceMs, isAgentThere) {
      finishing.abort();
      await ended.catch(() => undefined);
      const draining = AbortSignal.any([signal, AbortSignal.timeout(graceMs)]);
      while (!draining.aborted) {
        const page = await readPage(draining);
        if (page === 'failed' && isAgentThere) await rest(timing.retryMs, draining);
        else if (page !== 'more') break;
      }
      while (intake.hasHole()) await intake.skipHole();
      await lane.flushed().finally(() => {
        lane.close();
      });
    },
  };
}

function noop(): void {
  // Nothing has to be left.
}

/** A pod's or a platform's failure, or our own leaving: tried again, or no failure at all. */
function isPassing(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (error instanceof AppError && error.code !== 'STORE_UNAVAILABLE');
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined);
}
