/**
 * Rents a pod for a job: candidates in order of preference or price, each with a name of its own
 * that is stored before the call. No create is ever sent twice.
 *
 * What the platform's refusals mean (the table of `createPod` in its contract): 400 the next
 * candidate, 401 and 402 stop, 403 the next candidate, 422 never again, 429 wait, anything else
 * (5xx, no answer): the pod may exist, so the launch stays INTENDED and is looked for by its name.
 */
import { randomBytes } from 'node:crypto';
import { agentEnv, agentCommand } from '../datasources/agent-payload.ts';
import type { LaunchRequest, Platform, Pod } from '../datasources/platform.ts';
import type { PriceBook } from '../datasources/price-book.ts';
import { AppError } from '../errors.ts';
import type { Job, Launch } from '../domain/job/job.ts';
import { podNameOf } from '../domain/job/pod-name.ts';
import { makeFailure } from '../domain/training/failure.ts';
import type { FailureCode, TrainingFailure } from '../domain/training/failure.ts';
import type { PodProgram } from '../domain/training/trainer.ts';
import { offerOfPlacement, planTraining } from '../domain/training/training-plan.ts';
import type { TrainingOption } from '../domain/training/training-plan.ts';
import { beginAttempt, placeAttempt } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { adoptLaunch, intendLaunch, refuseLaunch } from '../store/launches.ts';
import { appendLifecycle } from '../store/log-lines.ts';
import type { Failpoint } from './failpoint.ts';

export const AGENT_PORT = 8_000;
const VOLUME_PATH = '/workspace';
/** A candidate that had no machine is not asked again for so long. */
const CANDIDATE_PAUSE_MS = 30_000;
const MAX_CANDIDATES = 20;
/** The agent outlives the job's own limit a little, so that the owner can end it in good order. */
const RUNTIME_MARGIN_SECONDS = 600;

export interface RentPolicy {
  /** The platform's own deadline of a create call. */
  readonly createTimeoutMs: number;
  readonly leaseMs: number;
  /** How long a new pod may be missing in listings. */
  readonly listingGraceMs: number;
  readonly capacityRetryMs: number;
  readonly uploadGraceSeconds: number;
  readonly resultGraceSeconds: number;
}

export interface RentDeps {
  readonly db: Database;
  readonly platform: Platform;
  readonly book: PriceBook;
  readonly installationId: string;
  readonly policy: RentPolicy;
  readonly tokenOf: (podName: string) => string;
  readonly programOf: (job: Job) => Pick<PodProgram, 'backend' | 'image' | 'minCudaVersion'>;
  /** More variables of every pod; others can read them. */
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export type RentResult =
  | { readonly kind: 'rented'; readonly pod: Pod }
  /** The call gave no answer: the pod may exist. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'later'; readonly reason: string; readonly ms: number }
  | { readonly kind: 'failed'; readonly failure: TrainingFailure };

export function createRenter(deps: RentDeps) {
  const { db, platform, policy, now, failpoint } = deps;

  /** `launches` are those of the job so far. */
  async function rent(
    lease: Lease,
    launches: readonly Launch[],
    signal: AbortSignal,
  ): Promise<RentResult> {
    const { job } = lease;
    const [table] = await deps.book.load([offerOfPlacement(job.placement)]);
    if (table === undefined || table instanceof AppError) {
      return later(`Prices are not to be had: ${table?.message ?? ''}`, policy.capacityRetryMs);
    }
    const plan = planTraining(job, table);
    const candidates = candidatesOf(job, plan.options, launches, now());
    if (candidates.length === 0) {
      return later('No machine that may be used is free.', policy.capacityRetryMs);
    }
    const refusals: AppError[] = [];
    for (const candidate of candidates.slice(0, MAX_CANDIDATES)) {
      signal.throwIfAborted();
      const outcome = await tryCandidate(lease, candidate, signal);
      if (outcome.kind !== 'next') return outcome;
      refusals.push(outcome.error);
    }
    // A rule that is broken everywhere is the request's fault, and no other machine mends it.
    if (refusals.every(({ code }) => code === 'PLATFORM_REJECTED')) {
      return failed('PLATFORM_REJECTED', refusals[0]?.message ?? '');
    }
    if (refusals.every(({ code }) => code === 'PLATFORM_FORBIDDEN')) {
      return failed('UNAUTHORIZED', refusals[0]?.message ?? '');
    }
    return later('No machine that may be used is free.', policy.capacityRetryMs);
  }

  async function tryCandidate(
    lease: Lease,
    candidate: TrainingOption,
    signal: AbortSignal,
  ): Promise<RentResult | { readonly kind: 'next'; readonly error: AppError }> {
    const podName = await intend(lease, candidate);
    if (podName === null) return later('Cancelled, or to be paused.', 0);
    failpoint('rent.intended');
    try {
      const pod = await platform.launch(requestOf(lease.job, candidate, podName), { signal });
      failpoint('rent.called');
      // Prices are remembered: what the pod really costs is known only now.
      const ceiling = lease.job.placement.maxUsdPerHour ?? Infinity;
      if (pod.usdPerHour > ceiling) {
        const message = `The pod would cost $${pod.usdPerHour}/h, above maxUsdPerHour ($${ceiling}).`;
        return failed('PRICE_ABOVE_LIMIT', message);
      }
      await adopt(lease, podName, pod);
      failpoint('rent.saved');
      return { kind: 'rented', pod };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const meaning = meaningOf(error);
      if (meaning.kind === 'unknown') return meaning;
      failpoint('rent.refused');
      await fenced(db, lease, (tx) => refuseLaunch(tx, podName, error.message, now()));
      failpoint('rent.refusal-saved');
      return meaning;
    }
  }

  /** Null: the job was cancelled meanwhile, or is to pause. */
  async function intend(lease: Lease, candidate: TrainingOption): Promise<string | null> {
    return fenced(db, lease, async (tx, job) => {
      if (job.cancelRequestedAt !== null || job.pauseRequestedAt !== null) return null;
      const attempt = Math.max(1, job.attempt);
      const at = now();
      const nonce = randomBytes(4).toString('hex');
      const { installationId } = deps;
      const podName = podNameOf({ installationId, jobId: job.id, attempt, nonce });
      const spot = job.placement.spot;
      await beginAttempt(tx, {
        tenantId: job.tenantId,
        jobId: job.id,
        number: attempt,
        spot,
        now: at,
      });
      await intendLaunch(tx, {
        podName,
        tenantId: job.tenantId,
        credentialId: job.credentialId,
        jobId: job.id,
        attempt,
        gpuTypeId: candidate.gpuResource.id,
        gpuCount: candidate.gpuCount,
        cloud: candidate.cloud,
        spot,
        usdPerHour: candidate.usdPerHour ?? 0,
        intendedAt: at,
        unsureUntil: at + policy.createTimeoutMs + policy.leaseMs + policy.listingGraceMs,
      });
      await patchJob(tx, job, { status: 'PROVISIONING', statusReason: null, attempt }, at);
      return podName;
    });
  }

  /** Also for a pod that was found by its name. */
  async function adopt(lease: Lease, podName: string, pod: Pod): Promise<boolean> {
    return fenced(db, lease, async (tx, job) => {
      const at = now();
      const isNew = await adoptLaunch(tx, podName, { ...pod, now: at });
      if (!isNew) return false;
      const { gpuTypeId, dataCenterId, usdPerHour } = pod;
      await placeAttempt(tx, job.id, job.attempt, {
        gpuTypeId: gpuTypeId ?? '',
        dataCenterId,
        usdPerHour,
      });
      await patchJob(
        tx,
        job,
        { startedAt: job.startedAt ?? at, failures: 0, capacitySince: null },
        at,
      );
      const where = dataCenterId === null ? '' : ` in ${dataCenterId}`;
      const text = `attempt ${job.attempt}: rented ${pod.gpuCount ?? 1} × ${gpuTypeId ?? 'GPU'}${where} at $${usdPerHour}/h (pod ${pod.id})`;
      await appendLifecycle(tx, job, { at, attempt: job.attempt, text });
      return true;
    });
  }

  function requestOf(job: Job, candidate: TrainingOption, podName: string): LaunchRequest {
    const { placement, limits } = job;
    const { backend, image, minCudaVersion } = deps.programOf(job);
    const spent = job.startedAt === null ? 0 : (now() - job.startedAt - job.pausedMs) / 1_000;
    return {
      name: podName,
      image,
      gpuTypeId: candidate.gpuResource.id,
      gpuCount: candidate.gpuCount,
      cloud: candidate.cloud,
      containerDiskGb: placement.containerDiskGb,
      minCudaVersion,
      command: agentCommand(backend),
      env: agentEnv({
        token: deps.tokenOf(podName),
        selfTermination: platform.selfTermination,
        maxRuntimeSeconds:
          Math.ceil(Math.max(0, limits.maxRuntimeSeconds - spent)) + RUNTIME_MARGIN_SECONDS,
        uploadGraceSeconds: policy.uploadGraceSeconds,
        resultGraceSeconds: policy.resultGraceSeconds,
        extra: deps.environment,
      }),
      httpPorts: [AGENT_PORT],
      ...(placement.dataCenterIds && { dataCenterIds: placement.dataCenterIds }),
      ...(placement.networkVolumeId !== null && {
        networkVolume: { id: placement.networkVolumeId, path: VOLUME_PATH },
      }),
      ...(placement.spot &&
        candidate.usdPerHour !== null && { spotUsdPerHour: candidate.usdPerHour }),
    };
  }

  return { rent, adopt };
}

export type Renter = ReturnType<typeof createRenter>;

/** Named GPUs in the order of the names, else the cheapest first; never what just refused. */
function candidatesOf(
  { placement, attempt }: Job,
  options: readonly TrainingOption[],
  launches: readonly Launch[],
  now: number,
): readonly TrainingOption[] {
  const resting = new Set(
    launches
      .filter((each) => each.attempt === Math.max(1, attempt) && each.podId === null)
      .filter(({ goneAt }) => goneAt !== null && now - goneAt < CANDIDATE_PAUSE_MS)
      .map(({ gpuTypeId }) => gpuTypeId),
  );
  const free = options.filter(
    ({ stock, gpuResource, usdPerHour }) =>
      stock !== 'NONE' && usdPerHour !== null && !resting.has(gpuResource.id),
  );
  const { gpuResourceIds } = placement;
  if (gpuResourceIds === null) return free;
  const rank = (option: TrainingOption) => gpuResourceIds.indexOf(option.gpuResource.id);
  return [...free].sort((a, b) => rank(a) - rank(b));
}

type Meaning =
  | Extract<RentResult, { kind: 'unknown' | 'later' | 'failed' }>
  | { readonly kind: 'next'; readonly error: AppError };

/** As the platform's client says of a call that it kept back: there can be no pod. */
const NOT_SENT = 'NOT_SENT';
const RATE_LIMIT_PAUSE_MS = 10_000;

function meaningOf(error: AppError): Meaning {
  if (error.reason === NOT_SENT) return later(error.message, RATE_LIMIT_PAUSE_MS);
  switch (error.code) {
    case 'PLATFORM_NO_CAPACITY':
    case 'PLATFORM_FORBIDDEN':
      return { kind: 'next', error };
    case 'PLATFORM_REJECTED':
      return error.reason === '422'
        ? failed('PLATFORM_REJECTED', error.message)
        : { kind: 'next', error };
    case 'PLATFORM_INSUFFICIENT_BALANCE':
      return failed('INSUFFICIENT_BALANCE', error.message);
    case 'PLATFORM_UNAUTHORIZED':
      return failed('UNAUTHORIZED', error.message);
    case 'PLATFORM_RATE_LIMITED':
      return later(error.message, (error.retryAfterSeconds ?? 0) * 1_000 || RATE_LIMIT_PAUSE_MS);
    default:
      return { kind: 'unknown' };
  }
}

function later(reason: string, ms: number): Extract<RentResult, { kind: 'later' }> {
  return { kind: 'later', reason, ms };
}

function failed(code: FailureCode, message: string): Extract<RentResult, { kind: 'failed' }> {
  return { kind: 'failed', failure: makeFailure(code, message) };
}
