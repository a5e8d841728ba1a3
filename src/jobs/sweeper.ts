/**
 * Sees to it that no pod of ours lives without a live attempt. It looks only at pods whose name
 * bears our installation id:
 *
 * - of a launch that is INTENDED, or LIVE with this pod: its job's business
 * - of a launch that is CONDEMNED or GONE, or a second pod of a LIVE one: terminated
 * - of a launch that the store has never heard of (a restored backup, a cloned database):
 *   quarantined, with an alarm; terminated after a grace, or as decided by hand
 * - of a launch that was condemned long ago and is listed all the same: terminated on and on, with
 *   an alarm
 *
 * The listing is taken before the store is read: a launch is stored before its call, so a pod in
 * the listing whose launch is not in the store was really never heard of.
 */
import type { Logger } from 'pino';
import type { Launch } from '../domain/job/job.ts';
import { isOverdue } from '../domain/job/overdue.ts';
import type { PodEndPatience } from '../domain/job/overdue.ts';
import { readPodName } from '../domain/job/pod-name.ts';
import type { Platform, Pod } from '../datasources/platform.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import { purgeKeys } from '../store/jobs.ts';
import {
  condemnedLaunches,
  condemnSeen,
  findLaunches,
  markGone,
  markTerminated,
  recordAbsence,
  setBilled,
  unbilledLaunches,
} from '../store/launches.ts';
import { purgeLeases } from '../store/leases.ts';
import {
  endQuarantine,
  purgeQuarantine,
  quarantine,
  quarantinedPods,
} from '../store/quarantine.ts';
import type { QuarantinedPod } from '../store/quarantine.ts';
import type { Failpoint } from './failpoint.ts';
import type { Listing } from './pod-watch.ts';

const KEYS_KEPT_MS = 7 * 86_400_000;
/** What became of a pod that is gone, for whoever looks into the store. */
const QUARANTINE_KEPT_MS = 30 * 86_400_000;
const BILLS_PER_SWEEP = 3;
const LEASES_PER_SWEEP = 100;
/** RunPod's records come with a delay; after a day there is nothing more to wait for. */
const BILLING_GIVE_UP_MS = 86_400_000;
/** Ends that are asked for at the same time. */
const CONCURRENT_ENDS = 8;

export interface SweeperPolicy extends PodEndPatience {
  readonly absences: number;
  readonly absentMs: number;
  readonly quarantineMs: number;
  /** The platform's records come with a delay; between two questions. */
  readonly billingMs: number;
  /** A bill may still grow for so long after the pod is gone. */
  readonly billingSettledMs: number;
}

export interface SweeperDeps {
  readonly db: Database;
  readonly platform: Platform;
  readonly tenantId: string;
  readonly credentialId: string;
  readonly installationId: string;
  readonly policy: SweeperPolicy;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
  /** Told how many pods are in quarantine. */
  readonly onQuarantine: (pods: number) => void;
  /** Told how many pods the platform does not let go of. */
  readonly onOverdue: (pods: number) => void;
}

export interface Sweeper {
  sweep(listing: Listing, signal: AbortSignal): Promise<void>;
  /**
   * Terminates the pods of these launches now, as far as they are known; what the platform or the
   * store refuses is the next sweep's.
   */
  end(launches: readonly Launch[], signal: AbortSignal): Promise<void>;
}

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { db, platform, credentialId, tenantId, policy, log, now, failpoint } = deps;
  /** Pods of the last sweep that should long be gone: each is an alarm once. */
  let overdue: ReadonlySet<string> = new Set();

  async function sweep(listing: Listing, signal: AbortSignal): Promise<void> {
    const ours = listing.pods.filter(
      ({ name }) => readPodName(name)?.installationId === deps.installationId,
    );
    const launches = await findLaunches(
      db,
      ours.map(({ name }) => name),
    );
    const unowned: Pod[] = [];
    const strangers: Pod[] = [];
    for (const pod of ours) {
      const launch = launches.get(pod.name);
      if (launch === undefined) strangers.push(pod);
      else if (!isOwned(launch, pod)) unowned.push(pod);
    }
    await inParallel(unowned, (pod) => endUnowned(pod, pod.name, signal));
    await sweepStrangers(strangers, listing, signal);
    await sweepCondemned(listing, new Set(ours), signal);
    await askForBills(signal);
    await purgeRows();
  }

  async function purgeRows(): Promise<void> {
    await purgeKeys(db, now() - KEYS_KEPT_MS);
    await purgeQuarantine(db, now() - QUARANTINE_KEPT_MS);
    await purgeLeases(db, LEASES_PER_SWEEP);
  }

  /** `launchName` is the pod's own, unless somebody renamed it. */
  async function endUnowned(pod: Pod, launchName: string, signal: AbortSignal): Promise<void> {
    await condemnSeen(db, launchName, pod.id, pod.usdPerHour);
    failpoint('sweep.condemned');
    await terminate(pod.id, launchName, signal);
  }

  /** What fails is tried again at the next sweep: the pod is still listed then. */
  async function terminate(
    podId: string,
    podName: string | null,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      failpoint('terminate.intended');
      await platform.terminate(podId, { signal, urgency: 'interactive' });
      failpoint('terminate.called');
      if (podName !== null) await markTerminated(db, podName, podId, now());
      failpoint('terminate.saved');
      log.info({ podId, podName }, 'pod terminated');
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      log.warn({ podId, podName, reason: error.message }, 'pod not terminated yet');
    }
  }

  async function sweepStrangers(
    strangers: readonly Pod[],
    listing: Listing,
    signal: AbortSignal,
  ): Promise<void> {
    for (const pod of strangers) {
      const { id: podId, name: podName, usdPerHour } = pod;
      const at = { podId, podName, usdPerHour, tenantId, credentialId, now: now() };
      if (await quarantine(db, at)) {
        failpoint('sweep.quarantined');
        log.error(
          { podId, podName, usdPerHour },
          'a pod with our name is unknown to the store: quarantined; see `npm run cli -- pods`',
        );
      }
    }
    const listed = new Set(listing.pods.map(({ id }) => id));
    const known = await quarantinedPods(db, credentialId);
    let left = 0;
    for (const pod of known) {
      // Only what was listed before and is not now has ended: a lagging listing shows it first.
      if (!listed.has(pod.podId)) await endQuarantine(db, pod.podId, now());
      else if (isDoomed(pod)) await terminate(pod.podId, null, signal);
      else left += 1;
    }
    deps.onQuarantine(left);
  }

  function isDoomed({ decision, firstSeenAt }: QuarantinedPod): boolean {
    if (decision === 'KEEP') return false;
    return decision === 'TERMINATE' || now() - firstSeenAt >= policy.quarantineMs;
  }

  /** A condemned launch is gone when its pod was missing often and long enough. */
  async function sweepCondemned(
    listing: Listing,
    seenTo: ReadonlySet<Pod>,
    signal: AbortSignal,
  ): Promise<void> {
    const condemned = await condemnedLaunches(db, credentialId);
    const byId = new Map(listing.pods.map((pod) => [pod.id, pod]));
    const unended: Launch[] = [];
    const undying: Launch[] = [];
    for (const launch of condemned) {
      const pod = listing.byName.get(launch.podName)?.[0] ?? byId.get(launch.podId ?? '');
      if (pod !== undefined) {
        if (isOverdue(launch, now(), policy)) undying.push(launch);
        // It was renamed, or this installation's id has changed: the ledger knows it all the same.
        if (!seenTo.has(pod)) await endUnowned(pod, launch.podName, signal);
        continue;
      }
      await recordAbsence(db, launch.podName, listing.takenAt);
      if (isGone(launch, listing.takenAt)) {
        await markGone(db, launch.podName, now(), now() + policy.billingMs);
        failpoint('sweep.gone');
      } else if (launch.podId !== null && launch.terminatedAt === null) unended.push(launch);
    }
    raiseAlarm(undying);
    // A listing may lag behind a pod whose id we know.
    await end(unended, signal);
  }

  function raiseAlarm(undying: readonly Launch[]): void {
    for (const { podName, podId, jobId, usdPerHour } of undying) {
      if (overdue.has(podName)) continue;
      log.error(
        { podName, podId, jobId, usdPerHour },
        'a pod is still listed long after its end was asked for: end it by hand; its job goes on without it',
      );
    }
    overdue = new Set(undying.map(({ podName }) => podName));
    deps.onOverdue(undying.length);
  }

  function isGone(launch: Launch, takenAt: number): boolean {
    const { absentSince, absences, unsureUntil, podId } = launch;
    if (absentSince === null) return false;
    // One call makes one pod: once that is known, nothing more comes of it.
    if (podId === null && takenAt < unsureUntil) return false;
    return absences + 1 >= policy.absences && takenAt - absentSince >= policy.absentMs;
  }

  async function end(launches: readonly Launch[], signal: AbortSignal): Promise<void> {
    await inParallel(
      launches.filter(({ podId, terminatedAt }) => podId !== null && terminatedAt === null),
      async ({ podId, podName }) => {
        if (podId !== null) await terminate(podId, podName, signal);
      },
    );
  }

  async function askForBills(signal: AbortSignal): Promise<void> {
    const due = await unbilledLaunches(db, credentialId, now(), BILLS_PER_SWEEP);
    for (const { podName, podId, intendedAt, goneAt } of due) {
      const usd = await billOf(podId ?? '', intendedAt, signal);
      const ageMs = now() - (goneAt ?? 0);
      const isSettled = usd === null ? ageMs > BILLING_GIVE_UP_MS : ageMs > policy.billingSettledMs;
      const nextAt = isSettled ? null : now() + policy.billingMs;
      await setBilled(db, podName, usd, nextAt);
    }
  }

  async function billOf(podId: string, since: number, signal: AbortSignal): Promise<number | null> {
    try {
      return await platform.billedUsd(podId, since, { signal, urgency: 'background' });
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  return { sweep, end };
}

function isOwned(launch: Launch, pod: Pod): boolean {
  return launch.state === 'INTENDED' || (launch.state === 'LIVE' && launch.podId === pod.id);
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += CONCURRENT_ENDS) {
    await Promise.all(items.slice(at, at + CONCURRENT_ENDS).map(work));
  }
}
