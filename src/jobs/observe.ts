/** What is seen of one job's pod and agent now. Reads, and records absences; decides nothing. */
import { AppError } from '../errors.ts';
import type { AgentStatus, PodAgent } from '../datasources/pod-agent.ts';
import type { Pod } from '../datasources/platform.ts';
import { usdAccrued } from '../domain/job/cost.ts';
import type { Attempt, Launch } from '../domain/job/job.ts';
import type { AgentSeen, PodSeen, Situation } from '../domain/job/next-step.ts';
import { isOverdue } from '../domain/job/overdue.ts';
import type { PodEndPatience } from '../domain/job/overdue.ts';
import { failureOfAgent, isEnvironmental } from '../domain/training/agent-spec.ts';
import { findAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import type { Lease } from '../store/jobs.ts';
import { launchesOf, recordAbsence, recordPresence } from '../store/launches.ts';
import type { CheckpointKeeper } from './checkpoint-keeper.ts';
import { savedStep } from './checkpoints.ts';
import type { Failpoint } from './failpoint.ts';
import type { LogWatch } from './log-watch.ts';
import type { Listing, PodWatch } from './pod-watch.ts';
import { noteStart } from './resume.ts';

/** Its patience is how long a next attempt waits for the last one's pod to go. */
export interface ObserveDeps extends PodEndPatience {
  readonly db: Database;
  readonly watch: PodWatch;
  readonly logs: LogWatch;
  readonly checkpoints: Pick<CheckpointKeeper, 'note'>;
  readonly agentOf: (podId: string, podName: string) => PodAgent;
  readonly now: () => number;
  /** How long a new pod may be missing in listings. */
  readonly listingGraceMs: number;
  readonly failpoint: Failpoint;
}

export interface Observed {
  readonly situation: Situation;
  readonly launches: readonly Launch[];
  readonly launch: Launch | null;
  /** The pod of an intended launch that was found by its name: the oldest, if there are several. */
  readonly found: Pod | null;
  readonly agent: PodAgent | null;
  readonly status: AgentStatus | null;
}

const HAS_ENDED: ReadonlySet<Pod['status']> = new Set(['EXITED', 'ERROR', 'TERMINATED']);

export async function observe(
  deps: ObserveDeps,
  lease: Lease,
  signal: AbortSignal,
): Promise<Observed> {
  const { db, now } = deps;
  const { job } = lease;
  const [launches = []] = await launchesOf(db, [job.id]);
  const attempt = await findAttempt(db, job.id, job.attempt);
  const launch =
    launches.findLast(
      (each) =>
        each.attempt === job.attempt && (each.state === 'INTENDED' || each.state === 'LIVE'),
    ) ?? null;
  const listing = deps.watch.latest();
  const { pod, found } = await lookForPod(deps, launch, listing);
  const agent =
    launch?.state === 'LIVE' && launch.podId !== null && pod.kind !== 'absent'
      ? deps.agentOf(launch.podId, launch.podName)
      : null;
  if (agent !== null && launch !== null) deps.logs.follow(lease, launch, attempt);
  const { seen, status } = await askAgent(deps, lease, attempt, agent, signal);
  return {
    situation: {
      now: now(),
      job,
      launch,
      bootId: attempt?.bootId ?? null,
      stoppingSince: attempt?.stoppingSince ?? null,
      isCheckpointLeft: await isCheckpointLeft(db, attempt, status),
      warning: attempt?.warning ?? null,
      isPodLeft: launches.some(
        (each) => each.state === 'CONDEMNED' && !isOverdue(each, now(), deps),
      ),
      usdSoFar: usdAccrued(launches, now()),
      pod,
      agent: seen,
    },
    launches,
    launch,
    found,
    agent,
    status,
  };
}

async function lookForPod(
  { db, listingGraceMs }: ObserveDeps,
  launch: Launch | null,
  listing: Listing | null,
): Promise<{ pod: PodSeen; found: Pod | null }> {
  const nothing = { pod: { kind: 'unknown' }, found: null } as const;
  if (launch === null || listing === null) return nothing;
  // What was listed before the call says nothing about its pod.
  if (listing.takenAt <= (launch.liveAt ?? launch.intendedAt)) return nothing;
  const named = listing.byName.get(launch.podName) ?? [];
  const [oldest] = [...named].sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0));
  const pod = launch.podId === null ? oldest : named.find(({ id }) => id === launch.podId);
  // A job is looked at more often than pods are listed: each listing counts, and is written, once.
  const isNew = (launch.observedAt ?? 0) < listing.takenAt;
  if (pod !== undefined) {
    if (isNew) await recordPresence(db, launch.podName, listing.takenAt);
    const { isReady, status } = pod;
    return { pod: { kind: 'present', isReady, hasEnded: HAS_ENDED.has(status) }, found: pod };
  }
  // A pod that is known by its id may be listed late; one without stays unsure by itself.
  const isYoung = launch.liveAt !== null && listing.takenAt < launch.liveAt + listingGraceMs;
  if (isYoung && launch.observedAt === null) return nothing;
  if (isNew) await recordAbsence(db, launch.podName, listing.takenAt);
  const since = launch.absentSince ?? listing.takenAt;
  return {
    pod: { kind: 'absent', since, times: launch.absences + (isNew ? 1 : 0) },
    found: null,
  };
}

async function askAgent(
  deps: ObserveDeps,
  lease: Lease,
  attempt: Attempt | null,
  agent: PodAgent | null,
  signal: AbortSignal,
): Promise<{ seen: AgentSeen; status: AgentStatus | null }> {
  if (agent === null) return { seen: { kind: 'unasked' }, status: null };
  try {
    const status = await agent.status(signal);
    const isOurs = attempt?.bootId === status.bootId;
    const isLogStored =
      attempt !== null && isOurs ? await deps.logs.take(lease, attempt, status) : false;
    if (isOurs) deps.failpoint('observe.lines-saved');
    if (attempt !== null && isOurs) await noteRun(deps, lease, attempt, agent, status);
    return { seen: toSeen(status, isLogStored), status };
  } catch (error) {
    // An answer that is not our agent's says as little as none.
    if (error instanceof AppError && error.code.startsWith('POD_')) {
      return { seen: { kind: 'silent' }, status: null };
    }
    throw error;
  }
}

/** Of a trainer that has ended: while it runs, this is the keeper's. */
async function isCheckpointLeft(
  db: Database,
  attempt: Attempt | null,
  status: AgentStatus | null,
): Promise<boolean> {
  if (attempt === null || status?.phase !== 'FAILED' || status.checkpointStep === null)
    return false;
  return status.checkpointStep > (await savedStep(db, attempt.jobId, attempt.number));
}

/** What the trainer did with its checkpoint, and those it has made. */
async function noteRun(
  deps: ObserveDeps,
  lease: Lease,
  attempt: Attempt,
  agent: PodAgent,
  status: AgentStatus,
): Promise<void> {
  if (attempt.startStep === null && status.startStep !== null) {
    await noteStart(deps, lease, status.startStep);
  }
  if (status.phase === 'RUNNING') deps.checkpoints.note(lease.job, attempt, agent, status);
}

function toSeen(status: AgentStatus, isLogStored: boolean): AgentSeen {
  const { bootId, phase, exitCode, failure } = status;
  return {
    kind: 'speaks',
    bootId,
    phase,
    exitCode,
    failure: phase === 'FAILED' ? failureOfAgent(failure, exitCode) : null,
    isStopped: failure?.code === 'STOPPED',
    isEnvironmental: isEnvironmental(failure),
    isLogStored,
  };
}
