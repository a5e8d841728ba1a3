/**
 * A job's log as the reconciler sees it: followed while its pod lives, and waited for at the end, but
 * not for ever: what the pod says it has written and cannot deliver is given up, and the log says so.
 */
import type { AgentStatus } from '../datasources/pod-agent.ts';
import type { Attempt, Launch } from '../domain/job/job.ts';
import { gpuPointsOf, newSamples } from '../domain/job/gpu-points.ts';
import { missingText } from '../logs/follower-intake.ts';
import type { Followers, FollowTarget } from '../logs/followers.ts';
import { findAttempt, setBootLine, setGpuSampleAt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import { appendPoints } from '../store/metric-points.ts';

/** How long one look at a job waits for the last lines of a closed log. */
const SETTLE_MS = 2_000;

const UNSURE =
  'Lines may be missing here: the server that followed this attempt did not answer at its end.';

export interface LogWatch {
  /** The pod of this launch works for the job, as far as is known. */
  follow(lease: Lease, launch: Launch, attempt: Attempt | null): void;
  /** Takes what the status tells. @returns whether every line the boot wrote is stored */
  take(lease: Lease, attempt: Attempt, status: AgentStatus): Promise<boolean>;
  /** The attempt is about to end: what is at hand is stored, and what is not to be had is told. */
  finish(lease: Lease, seen: LastSeen): Promise<void>;
}

/** The attempt's pod, and its agent's last word; null: there is none. */
export interface LastSeen {
  readonly launch: Launch | null;
  readonly status: AgentStatus | null;
}

export interface LogWatchDeps {
  readonly db: Database;
  readonly followers: Pick<Followers, 'follow' | 'settled' | 'finish'>;
  /** Without a new line of a closed log for so long, the rest is given up. */
  readonly patienceMs: number;
  readonly now: () => number;
}

export function createLogWatch({ db, followers, patienceMs, now }: LogWatchDeps): LogWatch {
  /** Of jobs whose log is closed and not whole: where it stood, and since when this server saw so. */
  const stuck = new Map<string, { readonly line: number; readonly since: number }>();

  async function isWhole(lease: Lease, attempt: Attempt, status: AgentStatus): Promise<boolean> {
    const { id } = lease.job;
    if (!status.logClosed) return false;
    if (attempt.bootLine >= status.lastLine) return true;
    await followers.settled(id, SETTLE_MS);
    const { bootLine = 0 } = (await findAttempt(db, id, attempt.number)) ?? {};
    if (bootLine >= status.lastLine) return true;
    const seen = stuck.get(id);
    if (seen?.line !== bootLine) {
      stuck.set(id, { line: bootLine, since: now() });
      return false;
    }
    return now() - seen.since >= patienceMs && giveUp(lease, attempt, status.lastLine);
  }

  async function giveUp(lease: Lease, { number }: Attempt, lastLine: number): Promise<boolean> {
    await fenced(db, lease, async (tx, job) => {
      const { bootLine = lastLine } = (await findAttempt(tx, job.id, number)) ?? {};
      if (bootLine >= lastLine) return;
      const text = missingText(lastLine - bootLine);
      await appendLifecycle(tx, job, { at: now(), attempt: number, text });
      await setBootLine(tx, job.id, number, lastLine);
    });
    return true;
  }

  async function tellUnsure(lease: Lease): Promise<void> {
    await fenced(db, lease, (tx, job) =>
      appendLifecycle(tx, job, { at: now(), attempt: job.attempt, text: UNSURE }),
    );
  }

  async function storeSamples(lease: Lease, attempt: Attempt, status: AgentStatus): Promise<void> {
    if (newSamples(status.gpuSamples, attempt.gpuSampleAt).length === 0) return;
    await fenced(db, lease, async (tx, job) => {
      const stored = await findAttempt(tx, job.id, attempt.number);
      const samples = newSamples(status.gpuSamples, stored?.gpuSampleAt ?? null);
      const last = samples.at(-1);
      if (last === undefined) return;
      await appendPoints(tx, job, samples.flatMap(gpuPointsOf));
      await setGpuSampleAt(tx, job.id, attempt.number, last.at);
    });
  }

  return {
    follow(lease, launch, attempt) {
      const target = targetOf(lease, launch, attempt);
      if (target !== null) followers.follow(target);
    },
    async take(lease, attempt, status) {
      await storeSamples(lease, attempt, status);
      const isDone = await isWhole(lease, attempt, status);
      if (isDone) stuck.delete(lease.job.id);
      return isDone;
    },
    async finish(lease, { launch, status }) {
      const { id, attempt: number } = lease.job;
      stuck.delete(id);
      const attempt = await findAttempt(db, id, number);
      const target = launch === null ? null : targetOf(lease, launch, attempt);
      if (target === null || attempt === null) return;
      const isSure = await followers.finish(target, status !== null);
      if (status === null && !isSure) await tellUnsure(lease);
      const written = status === null ? null : lastLineOf(status, attempt.bootId);
      if (written !== null) await giveUp(lease, attempt, written);
    },
  };
}

/** Null: there is no pod to follow. */
function targetOf(
  { job }: Lease,
  { podId, podName }: Launch,
  attempt: Attempt | null,
): FollowTarget | null {
  if (podId === null) return null;
  const { id: jobId, tenantId } = job;
  const bootId = attempt?.bootId ?? null;
  return { tenantId, jobId, attempt: job.attempt, podId, podName, bootId };
}

/** How many lines a boot has written; null: nothing is known of it any more. */
function lastLineOf(
  { bootId, lastLine, previousBoot }: AgentStatus,
  wanted: string | null,
): number | null {
  if (bootId === wanted) return lastLine;
  return previousBoot?.bootId === wanted ? previousBoot.lastLine : null;
}
