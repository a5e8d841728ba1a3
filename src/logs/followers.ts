/**
 * Who follows which job here: one follower of its lines and one of its pod's system lines each,
 * under a named lease, so that among all replicas there is one. The lease is courtesy: what makes
 * lines come once is the store, which takes each append only behind the last.
 *
 * Whoever is about to end an attempt has its follower store what it holds first. Where that is
 * another server's, it is asked by a second lease, which says that it is wanted, and a wake-up.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { Platform } from '../datasources/platform.ts';
import type { Bus } from '../bus/bus.ts';
import type { AgentRecord } from '../datasources/agent-schemas.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import { NO_HISTORY, watchRun } from '../domain/job/divergence.ts';
import { findAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { findLaunches } from '../store/launches.ts';
import { holdLease, isLeaseHeld, removeLease } from '../store/leases.ts';
import { startFollower } from './follower.ts';
import type { Follower, FollowerDeps, FollowerTiming } from './follower.ts';
import { followSystem } from './follower-system.ts';
import { LaneStale } from './ingest.ts';
import type { LogWriter } from './ingest.ts';
import { createLinesOfPlatform } from './sources.ts';
import { warnOnce } from './warning.ts';

const FINISH_MS = 2_000;
/** For another server to do so, from the question to its answer. */
const FINISH_ELSEWHERE_MS = 4_000;
/** A wake-up may be lost: it is repeated. */
const ASK_AGAIN_MS = 100;

/** A pod that works for an attempt. */
export interface FollowTarget {
  readonly tenantId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly podId: string;
  readonly podName: string;
  /** Null: no boot has got the job yet. */
  readonly bootId: string | null;
}

export interface Followers {
  /** Sees to it that this pod's lines are followed, here or elsewhere. At once; never fails. */
  follow(target: FollowTarget): void;
  /** Resolves when no more lines are to be expected from here, or after `ms`. */
  settled(jobId: string, ms: number): Promise<void>;
  /**
   * Stores what is at hand of an attempt that is about to end, here or at the server that follows
   * it, and follows no more of it. Whether the agent still speaks says where more is to be had.
   * @returns false: another server follows it and did not answer in time
   */
  finish(target: FollowTarget, isAgentThere: boolean): Promise<boolean>;
  close(): Promise<void>;
}

export interface FollowersDeps {
  readonly db: Database;
  readonly writer: LogWriter;
  readonly platform: Pick<Platform, 'logs'>;
  readonly agentOf: (podId: string, podName: string) => Pick<PodAgent, 'stream' | 'lines'>;
  readonly readRecord: (text: string) => AgentRecord | null;
  readonly workerId: string;
  readonly leaseMs: number;
  readonly timing: FollowerTiming;
  readonly log: Logger;
  readonly now: () => number;
  readonly bus: Pick<Bus, 'publish' | 'subscribe'>;
}

/** Held by whoever wants a job's follower to store what it holds and to end. */
function finishLease(jobId: string): string {
  return `finish:${jobId}`;
}

/** One thing that is followed, named by its lease among all replicas. */
interface Task {
  readonly tenantId: string;
  readonly jobId: string;
  readonly leaseName: string;
  /** Of which boot or pod: a task of another one is ended first. */
  readonly of: string;
  /** Whether its attempt still goes on. */
  isWanted(): Promise<boolean>;
  /** Under the lease, until the signal aborts or nothing is left to do. */
  run(running: Running): Promise<void>;
}

interface Running {
  readonly of: string;
  readonly stop: AbortController;
  follower: Follower | null;
  /** Everything is stored: it is not begun again. */
  isComplete: boolean;
  done: Promise<void>;
}

export function createFollowers(deps: FollowersDeps): Followers {
  const { db, log, workerId, leaseMs, bus } = deps;
  const running = new Map<string, Running>();
  let isClosing = false;

  function begin(task: Task): void {
    const known = running.get(task.leaseName);
    if (isClosing || known?.of === task.of) return;
    if (known !== undefined) {
      known.stop.abort();
      return;
    }
    const entry: Running = {
      of: task.of,
      stop: new AbortController(),
      follower: null,
      isComplete: false,
      done: Promise.resolve(),
    };
    running.set(task.leaseName, entry);
    entry.done = runTask(task, entry).finally(() => {
      const isOver = !entry.isComplete || entry.stop.signal.aborted;
      if (isOver && running.get(task.leaseName) === entry) running.delete(task.leaseName);
    });
  }

  /** Never rejects: whoever looks at the job next begins it anew. */
  async function runTask(task: Task, entry: Running): Promise<void> {
    const { tenantId, leaseName: name } = task;
    const lease = { tenantId, name, workerId };
    const hold = async () => (await holdLease(db, { ...lease, leaseMs })) && task.isWanted();
    let renewal: NodeJS.Timeout | undefined;
    try {
      if (!(await hold())) return;
      renewal = setInterval(() => {
        void hold().then(
          (isHeld) => {
            if (!isHeld) entry.stop.abort();
          },
          (error: unknown) => {
            report(error, task.jobId);
          },
        );
      }, leaseMs / 3);
      await task.run(entry);
    } catch (error) {
      report(error, task.jobId);
    } finally {
      clearInterval(renewal);
      // Where this fails too, it runs out by itself.
      await removeLease(db, lease).catch(() => undefined);
    }
  }

  function report(error: unknown, jobId: string): void {
    if (isClosing || error instanceof LaneStale) return;
    if (error instanceof AppError) log.warn({ jobId, reason: error.message }, 'log: later');
    else log.error({ err: error, jobId }, 'log: a bug');
  }

  function linesTask(target: FollowTarget, bootId: string): Task {
    const { tenantId, jobId, attempt } = target;
    const open = () => findOpen(target, bootId);
    return {
      tenantId,
      jobId,
      leaseName: `ingest:${jobId}`,
      of: `${attempt}/${bootId}`,
      isWanted: async () => (await open()) !== null,
      async run(entry) {
        // Read under the lease: the last holder may have stored lines until just now.
        const bootLine = (await open())?.bootLine;
        if (bootLine === undefined) return;
        entry.follower = followLines(target, { bootId, bootLine }, entry.stop.signal);
        const finishing = finishWhenAsked(target, entry.follower);
        try {
          entry.isComplete = (await entry.follower.ended) === 'complete';
        } finally {
          await finishing.end();
        }
      },
    };
  }

  /** Null: the attempt is over, or another boot's. */
  async function findOpen({ jobId, attempt }: FollowTarget, bootId: string) {
    const stored = await findAttempt(db, jobId, attempt);
    return stored?.bootId === bootId && stored.endedAt === null ? stored : null;
  }

  function followLines(
    target: FollowTarget,
    boot: { readonly bootId: string; readonly bootLine: number },
    signal: AbortSignal,
  ): Follower {
    const { tenantId, jobId, attempt, podId, podName } = target;
    const from = {
      writer: deps.writer,
      agent: deps.agentOf(podId, podName),
      platform: createLinesOfPlatform(deps.platform, podId, deps.readRecord),
      timing: deps.timing,
      now: deps.now,
      onMetric: watcherOf(target),
    };
    return startFollower(from, { tenantId, jobId, attempt, ...boot }, signal);
  }

  /** The lease is kept until it is done: whoever asked waits for its end. */
  function finishWhenAsked({ tenantId, jobId }: FollowTarget, follower: Follower) {
    const name = finishLease(jobId);
    let finished: Promise<void> | null = null;
    // Wake-ups may mean nothing: what counts is whether somebody asks.
    const leave = bus.subscribe(name, () => {
      isLeaseHeld(db, { tenantId, name }).then(
        (isAsked) => {
          if (isAsked) finished ??= finishHere(follower, jobId, false);
        },
        (error: unknown) => {
          report(error, jobId);
        },
      );
    });
    return {
      async end() {
        leave();
        await finished;
      },
    };
  }

  /** Without the lease: whoever has it is gone, or has let go of the job. */
  async function takeRest(target: FollowTarget, bootId: string): Promise<void> {
    const stored = await findOpen(target, bootId);
    if (stored === null) return;
    const { bootLine } = stored;
    const follower = followLines(target, { bootId, bootLine }, new AbortController().signal);
    await finishHere(follower, target.jobId, true);
  }

  async function finishHere(follower: Follower, jobId: string, isThere: boolean): Promise<void> {
    await follower.finish(FINISH_MS, isThere).catch((error: unknown) => {
      report(error, jobId);
    });
  }

  async function finishElsewhere(tenantId: string, jobId: string): Promise<boolean> {
    const followed = { tenantId, name: `ingest:${jobId}` };
    if (!(await isLeaseHeld(db, followed))) return true;
    const asked = { tenantId, name: finishLease(jobId), workerId };
    await holdLease(db, { ...asked, leaseMs: FINISH_ELSEWHERE_MS });
    try {
      const until = performance.now() + FINISH_ELSEWHERE_MS;
      while (performance.now() < until) {
        bus.publish(asked.name);
        await pause(ASK_AGAIN_MS);
        if (!(await isLeaseHeld(db, followed))) return true;
      }
      return false;
    } finally {
      await removeLease(db, asked);
    }
  }

  function systemTask(target: FollowTarget): Task {
    const { tenantId, jobId, podName } = target;
    const live = async () => {
      const launch = (await findLaunches(db, [podName])).get(podName);
      return launch?.state === 'LIVE' ? launch : null;
    };
    return {
      tenantId,
      jobId,
      leaseName: `system:${jobId}`,
      of: podName,
      isWanted: async () => (await live()) !== null,
      async run({ stop }) {
        const launch = await live();
        if (launch === null) return;
        await followSystem(deps, { ...target, logEventId: launch.logEventId }, stop.signal);
      },
    };
  }

  /** The warning comes behind the line that gave rise to it. */
  function watcherOf({ tenantId, jobId, attempt }: FollowTarget): FollowerDeps['onMetric'] {
    let history = NO_HISTORY;
    let isWarned = false;
    return (event, stored) => {
      const seen = watchRun(history, event);
      history = seen.history;
      if (seen.warning === null || isWarned) return;
      isWarned = true;
      const warning = { tenantId, jobId, attempt, text: seen.warning, now: deps.now() };
      const warn = stored().then(() => warnOnce(db, warning));
      warn.then(
        () => {
          bus.publish(jobId);
        },
        (error: unknown) => {
          isWarned = false;
          report(error, jobId);
        },
      );
    };
  }

  return {
    follow(target) {
      begin(systemTask(target));
      if (target.bootId !== null) begin(linesTask(target, target.bootId));
    },
    async settled(jobId, ms) {
      const entry = running.get(`ingest:${jobId}`);
      if (entry === undefined) return;
      const waiting = new AbortController();
      const timer = pause(ms, undefined, { signal: waiting.signal }).catch(() => undefined);
      await Promise.race([entry.done, timer]);
      waiting.abort();
    },
    async finish(target, isAgentThere) {
      const { tenantId, jobId, bootId } = target;
      const lines = running.get(`ingest:${jobId}`);
      const system = running.get(`system:${jobId}`);
      system?.stop.abort();
      const follower = lines?.follower ?? null;
      await Promise.all([follower && finishHere(follower, jobId, isAgentThere), system?.done]);
      lines?.stop.abort();
      running.delete(`ingest:${jobId}`);
      if (follower !== null || bootId === null) return true;
      const isSure = await finishElsewhere(tenantId, jobId);
      if (isAgentThere) await takeRest(target, bootId);
      return isSure;
    },
    async close() {
      isClosing = true;
      const all = [...running.values()];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}
