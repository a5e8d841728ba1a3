/**
 * Who follows which job here: one follower of its lines and one of its pod's system lines each,
 * under a named lease, so that among all replicas there is one. The lease is courtesy: what makes
 * lines come once is the store, which takes each append only behind the last.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors.ts';
import type { Platform } from '../datasources/platform.ts';
import type { AgentRecord } from '../datasources/agent-schemas.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import { NO_HISTORY, watchRun } from '../domain/job/divergence.ts';
import { findAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { findLaunches } from '../store/launches.ts';
import { holdLease, removeLease } from '../store/leases.ts';
import { startFollower } from './follower.ts';
import type { Follower, FollowerDeps, FollowerTiming } from './follower.ts';
import { followSystem } from './follower-system.ts';
import { LaneStale } from './ingest.ts';
import type { LogWriter } from './ingest.ts';
import { createLinesOfPlatform } from './sources.ts';
import { warnOnce } from './warning.ts';

const FINISH_MS = 1_000;

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
  /** Stores what is at hand of a job whose attempt is about to end, and follows no more of it. */
  finish(jobId: string): Promise<void>;
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
  readonly onStored: (jobId: string) => void;
}

/** One thing that is followed: `key` names it among all replicas. */
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
  const { db, log, workerId, leaseMs } = deps;
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
    const { tenantId, jobId, attempt, podId, podName } = target;
    const open = async () => {
      const stored = await findAttempt(db, jobId, attempt);
      return stored?.bootId === bootId && stored.endedAt === null ? stored : null;
    };
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
        entry.follower = startFollower(
          {
            writer: deps.writer,
            agent: deps.agentOf(podId, podName),
            platform: createLinesOfPlatform(deps.platform, podId, deps.readRecord),
            timing: deps.timing,
            now: deps.now,
            onMetric: watcherOf(target),
          },
          { tenantId, jobId, attempt, bootId, bootLine },
          entry.stop.signal,
        );
        entry.isComplete = (await entry.follower.ended) === 'complete';
      },
    };
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
          deps.onStored(jobId);
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
    async finish(jobId) {
      const lines = running.get(`ingest:${jobId}`);
      const system = running.get(`system:${jobId}`);
      system?.stop.abort();
      await Promise.all([
        lines?.follower?.finish(FINISH_MS).catch((error: unknown) => {
          report(error, jobId);
        }),
        system?.done,
      ]);
      lines?.stop.abort();
      running.delete(`ingest:${jobId}`);
    },
    async close() {
      isClosing = true;
      const all = [...running.values()];
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ done }) => done));
    },
  };
}
