/**
 * Drives every job to its end: claim due jobs by fenced lease, observe, decide, act, save. Several
 * reconcilers may share one database: each job is one's at a time, and what a late one writes
 * changes nothing.
 *
 * - RUNNING   looks for due jobs, lists pods once a tick, sweeps under a lease of its own
 * - DRAINING  claims nothing more; steps in flight have until the grace is over
 * - CLOSED    nothing runs; what was left is taken up by whoever starts next
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Platform } from '../datasources/platform.ts';
import { AppError } from '../errors.ts';
import { msUntilLimit, nextStep } from '../domain/job/next-step.ts';
import type { Step, StepPolicy } from '../domain/job/next-step.ts';
import type { Database } from '../store/database.ts';
import { claimDue, LeaseLost, msUntilDue, releaseLease, renewLease } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { dropLease, holdLease } from '../store/leases.ts';
import { observe } from './observe.ts';
import type { Observed, ObserveDeps } from './observe.ts';
import { perform } from './perform.ts';
import type { PerformDeps } from './perform.ts';
import type { Listing, PodWatch } from './pod-watch.ts';
import type { Sweeper } from './sweeper.ts';

const MAX_STEPS = 16;
/** Deliveries and collections, which may take hours: they have room of their own. */
const MAX_TRANSFERS = 64;
/** After a failure that has no meaning of its own. */
const RETRY_MS = 5_000;
/** Below this share of the platform's rate budget the listing slows down. */
const TIGHT_BUDGET = 0.6;
const SCARCE_BUDGET = 0.2;

/** Of setTimeout. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A transfer was stopped for a decision to be made; it goes on if that allows. */
class Interrupted extends Error {}

export interface ReconcilerDeps {
  readonly db: Database;
  readonly platform: Platform;
  readonly workerId: string;
  readonly tenantId: string;
  readonly credentialId: string;
  readonly leaseMs: number;
  readonly policy: StepPolicy;
  readonly watch: PodWatch;
  readonly sweeper: Sweeper;
  readonly observe: ObserveDeps;
  readonly perform: PerformDeps;
  /** Told after a step, which may have changed the job. */
  readonly onChange: (jobId: string) => void;
  readonly log: Logger;
  readonly now: () => number;
}

export interface Reconciler {
  start(): void;
  /** Something is due: look now. A transfer of this very job is interrupted, to go on if it may. */
  kick(jobId?: string): void;
  close(graceMs: number): Promise<void>;
}

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { db, policy, log, now } = deps;
  const draining = new AbortController();
  const stopping = new AbortController();
  const steps = new Set<Promise<void>>();
  const transfers = new Map<string, AbortController>();
  let woken = new AbortController();
  let listedAt = 0;
  let isListing = false;
  let isSweeping = false;
  let loop: Promise<void> = Promise.resolve();

  function kick(jobId?: string): void {
    if (jobId !== undefined) transfers.get(jobId)?.abort(new Interrupted());
    woken.abort();
  }

  async function run(): Promise<void> {
    while (!draining.signal.aborted) {
      woken = new AbortController();
      const waitMs = await pass().catch((error: unknown) => {
        report(error, 'reconciler');
        return RETRY_MS;
      });
      // Whoever kicked during the pass has ended this pause before it began.
      await pause(waitMs, undefined, { signal: woken.signal }).catch(() => undefined);
    }
  }

  /** @returns how long there is nothing to do */
  async function pass(): Promise<number> {
    const free = MAX_STEPS - (steps.size - transfers.size);
    const leases = free > 0 ? await claim(free) : [];
    for (const lease of leases) track(step(lease));
    // One at a time: calls that hang must not take the place of steps. Its end wakes this up.
    // Never more than a tick, whatever the clock does.
    const listingInMs = isListing ? Infinity : Math.min(tickMs(), listedAt + tickMs() - now());
    if (listingInMs <= 0) track(tick());
    const dueInMs = free > leases.length ? await msUntilDue(db) : null;
    // A moment at least: a job that cannot be claimed yet must not make this spin.
    return Math.max(20, Math.min(policy.tickMs, dueInMs ?? Infinity, Math.max(listingInMs, 20)));
  }

  function claim(limit: number): Promise<readonly Lease[]> {
    return claimDue(db, { workerId: deps.workerId, leaseMs: deps.leaseMs, limit });
  }

  /** Slower while the platform's budget is short: people's own requests come first. */
  function tickMs(): number {
    const share = deps.platform.rateBudgetShare() ?? 1;
    if (share >= TIGHT_BUDGET) return policy.tickMs;
    return policy.tickMs * (share >= SCARCE_BUDGET ? 4 : 12);
  }

  function track(work: Promise<void>): void {
    const tracked = work.finally(() => {
      steps.delete(tracked);
      kick();
    });
    steps.add(tracked);
  }

  async function tick(): Promise<void> {
    listedAt = now();
    isListing = true;
    try {
      const listing = await deps.watch.refresh(stopping.signal).finally(() => {
        isListing = false;
      });
      if (listing !== null && !isSweeping) track(sweep(listing));
    } catch (error) {
      report(error, 'listing');
    }
  }

  async function sweep(listing: Listing): Promise<void> {
    isSweeping = true;
    try {
      const { tenantId, workerId } = deps;
      const name = `sweeper:${deps.credentialId}`;
      if (!(await holdLease(db, { tenantId, name, workerId, leaseMs: deps.leaseMs }))) return;
      await deps.sweeper.sweep(listing, stopping.signal);
    } catch (error) {
      report(error, 'sweeper');
    } finally {
      isSweeping = false;
    }
  }

  async function step(lease: Lease): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, stopping.signal]);
    const renewal = setInterval(() => void renew(lease, lost), deps.leaseMs / 3);
    let dueInMs: number | null = RETRY_MS;
    try {
      const seen = await observe(deps.observe, lease, signal);
      const decision = nextStep(seen.situation, policy);
      const isTransfer = ['deliver', 'collect', 'save'].includes(decision.kind);
      if (isTransfer) dueInMs = await transfer(lease, decision, seen, { lost, signal });
      else dueInMs = await perform(deps.perform, lease, decision, seen, signal);
    } catch (error) {
      if (lost.signal.reason instanceof Interrupted) dueInMs = 0;
      const isLost = error instanceof LeaseLost || lost.signal.aborted;
      if (!isLost) report(error, 'step', lease.job.id);
    } finally {
      clearInterval(renewal);
    }
    deps.onChange(lease.job.id);
    await releaseLease(db, lease, dueInMs).catch((error: unknown) => {
      // The lease runs out by itself.
      report(error, 'release', lease.job.id);
    });
  }

  /**
   * Files may take hours to move, and nothing is decided meanwhile: so the transfer is interrupted
   * when a limit or a deadline is reached, or the job is cancelled; what has moved stays.
   */
  async function transfer(
    lease: Lease,
    decision: Step,
    seen: Observed,
    { lost, signal }: { readonly lost: AbortController; readonly signal: AbortSignal },
  ): Promise<number | null> {
    if (transfers.size >= MAX_TRANSFERS) return policy.tickMs;
    transfers.set(lease.job.id, lost);
    const timer = setTimeout(
      () => {
        lost.abort(new Interrupted());
      },
      Math.min(MAX_TIMER_MS, msUntilLimit(seen.situation, seen.launch?.usdPerHour ?? 0, policy)),
    );
    try {
      return await perform(deps.perform, lease, decision, seen, signal);
    } finally {
      clearTimeout(timer);
      transfers.delete(lease.job.id);
    }
  }

  async function renew(lease: Lease, lost: AbortController): Promise<void> {
    try {
      const held = await renewLease(db, lease.job.id, lease.token, deps.leaseMs);
      if (held === null) lost.abort();
      // Another server may have taken the wish.
      else if (isNews(held, lease) && transfers.has(lease.job.id)) lost.abort(new Interrupted());
    } catch (error) {
      report(error, 'renewal', lease.job.id);
    }
  }

  /** A pause that the step knew of is no reason to interrupt it again and again. */
  function isNews(held: { isCancelled: boolean; isPaused: boolean }, { job }: Lease): boolean {
    return held.isCancelled || (held.isPaused && job.pauseRequestedAt === null);
  }

  function report(error: unknown, where: string, jobId?: string): void {
    if (stopping.signal.aborted) return;
    if (error instanceof AppError) log.warn({ jobId, reason: error.message }, `${where}: later`);
    else log.error({ err: error, jobId }, `${where}: a bug`);
  }

  return {
    start() {
      loop = run();
    },
    kick,
    async close(graceMs) {
      draining.abort();
      kick();
      await loop;
      const timer = setTimeout(() => {
        stopping.abort();
      }, graceMs);
      while (steps.size > 0) await Promise.allSettled(steps);
      clearTimeout(timer);
      stopping.abort();
      const { tenantId, workerId } = deps;
      const name = `sweeper:${deps.credentialId}`;
      await dropLease(db, { tenantId, name, workerId }).catch(() => undefined);
    },
  };
}
