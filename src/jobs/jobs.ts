/** What callers do with jobs: submit, cancel, retry, read. Nothing here ever rents a pod. */
import { createHash, randomBytes } from 'node:crypto';
import type { Offer } from '../domain/gpu.ts';
import type { PriceTable } from '../domain/price.ts';
import { hasEnded } from '../domain/job/job.ts';
import type { Job } from '../domain/job/job.ts';
import { readSubmission } from '../domain/job/submission.ts';
import type { Submission, SubmissionRules } from '../domain/job/submission.ts';
import { offerOfPlacement, planTraining } from '../domain/training/training-plan.ts';
import type { TrainingUserError } from '../domain/training/user-error.ts';
import type { Database } from '../store/database.ts';
import { requestCancel, requestPause, requestResume } from '../store/job-wishes.ts';
import { claimKey, findJobs, findKey, insertJob } from '../store/jobs.ts';
import type { KnownKey } from '../store/jobs.ts';
import { noFailpoint } from './failpoint.ts';
import type { Failpoint } from './failpoint.ts';

export interface JobsDeps {
  readonly db: Database;
  readonly tenantId: string;
  readonly credentialId: string;
  readonly rules: SubmissionRules;
  /** Whether this upload is complete and may be trained on. */
  readonly isUploadReady: (uploadId: string) => Promise<boolean>;
  /** Told when there is something to do at once. */
  readonly onDue: (jobId: string) => void;
  readonly now?: () => number;
  readonly failpoint?: Failpoint;
}

export type SubmitResult =
  | { readonly kind: 'submitted'; readonly job: Job }
  | { readonly kind: 'refused'; readonly reasons: readonly TrainingUserError[] };

/** The prices a submission is checked against; null: none are to be had now. */
export type FindPrices = (offer: Offer) => Promise<PriceTable | null>;

export interface Jobs {
  /** Checked as a whole, stored, answered; the pod is rented afterwards. */
  submit(input: unknown, prices: FindPrices): Promise<SubmitResult>;
  /** A new job like an ended one. */
  retry(
    id: string,
    changes: { idempotencyKey?: string | null; placement?: unknown },
    prices: FindPrices,
  ): Promise<SubmitResult>;
  cancel(id: string): Promise<SubmitResult>;
  /** A wish that is stored; what it takes is done afterwards. Neither has a second effect. */
  pause(id: string): Promise<SubmitResult>;
  resume(id: string): Promise<SubmitResult>;
}

/** Base 36, lower case: it becomes part of a pod's name. */
function newJobId(): string {
  return [...randomBytes(16)].map((byte) => (byte % 36).toString(36)).join('');
}

export function createJobs(deps: JobsDeps): Jobs {
  const { db, tenantId, now = Date.now, failpoint = noFailpoint } = deps;

  async function findJob(id: string): Promise<Job | null> {
    const [job] = await findJobs(db, tenantId, [id]);
    return job ?? null;
  }

  async function accept(submission: Submission, prices: FindPrices): Promise<SubmitResult> {
    const known = await knownJob(submission);
    if (known !== null) return known;
    const upload = submission.spec.dataset.uploadId;
    if (upload != null && !(await deps.isUploadReady(upload))) return refused(noUpload(upload));
    const table = await prices(offerOfPlacement(submission.placement));
    const plan = table === null ? null : planTraining(submission, table);
    if (plan !== null && plan.userErrors.length > 0) {
      return { kind: 'refused', reasons: plan.userErrors.map(underInput) };
    }
    if (plan?.options.length === 0) return refused(nothingFits(plan.warnings));
    return store(submission, plan?.options[0]?.estimatedUsd ?? null);
  }

  /** A repeated submission is answered whatever has become of uploads and prices. */
  async function knownJob({
    idempotencyKey,
    bodySha256,
  }: Submission): Promise<SubmitResult | null> {
    if (idempotencyKey === null) return null;
    const known = await findKey(db, tenantId, idempotencyKey);
    return known === null ? null : answerKnown(known, bodySha256);
  }

  async function answerKnown(known: KnownKey, bodySha256: string): Promise<SubmitResult> {
    const { jobId } = known;
    if (known.bodySha256 !== bodySha256) return refused(keyTaken);
    const job = await findJob(jobId);
    if (job === null) throw new Error(`the job ${jobId} of a key is not there`);
    return { kind: 'submitted', job };
  }

  async function store(submission: Submission, estimatedUsd: number | null): Promise<SubmitResult> {
    const job = toJob(submission, estimatedUsd);
    const { idempotencyKey: key, bodySha256 } = submission;
    const claim = await db.transaction(async (tx) => {
      const claimed =
        key === null
          ? ({ kind: 'new' } as const)
          : await claimKey(tx, { tenantId, key, bodySha256, jobId: job.id, now: now() });
      if (claimed.kind === 'new') await insertJob(tx, job);
      return claimed;
    });
    failpoint('submit.saved');
    if (claim.kind === 'known') return answerKnown(claim, bodySha256);
    deps.onDue(job.id);
    return { kind: 'submitted', job };
  }

  function toJob(submission: Submission, estimatedUsd: number | null): Job {
    const at = now();
    return {
      id: newJobId(),
      tenantId,
      credentialId: deps.credentialId,
      name: submission.name,
      status: 'PENDING',
      statusSince: at,
      statusReason: null,
      spec: submission.spec,
      placement: submission.placement,
      limits: submission.limits,
      labels: submission.labels,
      attempt: 0,
      failures: 0,
      progress: null,
      failure: null,
      estimatedUsd,
      cancelRequestedAt: null,
      pauseRequestedAt: null,
      pausedMs: 0,
      pauses: 0,
      createdAt: at,
      startedAt: null,
      endedAt: null,
      capacitySince: null,
    };
  }

  async function afterWish(id: string, isTaken: boolean): Promise<SubmitResult> {
    const job = await findJob(id);
    if (job === null) return refused(unknownJob);
    if (!isTaken) return refused(hasEnded(job.status) ? hasEndedAlready : isBeingCancelled);
    deps.onDue(id);
    return { kind: 'submitted', job };
  }

  return {
    async submit(input, prices) {
      const checked = readSubmission(input, deps.rules, sha256);
      if (checked.kind === 'invalid') return { kind: 'refused', reasons: checked.errors };
      return accept(checked.submission, prices);
    },

    async retry(id, { idempotencyKey = null, placement }, prices) {
      const job = await findJob(id);
      if (job === null) return refused(unknownJob);
      if (!hasEnded(job.status)) return refused(notEnded);
      const input = {
        idempotencyKey,
        name: job.name,
        spec: toInput(job.spec),
        placement: placement ?? job.placement,
        limits: job.limits,
        labels: job.labels,
      };
      const checked = readSubmission(input, deps.rules, sha256);
      const result: SubmitResult =
        checked.kind === 'invalid'
          ? { kind: 'refused', reasons: checked.errors }
          : await accept(checked.submission, prices);
      if (result.kind === 'submitted') return result;
      // Its arguments are not under `input`.
      return { kind: 'refused', reasons: result.reasons.map(withoutInput) };
    },

    async cancel(id) {
      await requestCancel(db, tenantId, id, now());
      failpoint('cancel.saved');
      const job = await findJob(id);
      if (job === null) return refused(unknownJob);
      deps.onDue(id);
      return { kind: 'submitted', job };
    },

    async pause(id) {
      const isTaken = await requestPause(db, tenantId, id, now());
      failpoint('pause.saved');
      return afterWish(id, isTaken);
    },

    async resume(id) {
      const isTaken = await requestResume(db, tenantId, id);
      failpoint('resume.requested');
      return afterWish(id, isTaken);
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A complete specification as it would be submitted: what excludes each other is omitted. */
function toInput(spec: Job['spec']): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}

function refused(reason: TrainingUserError): SubmitResult {
  return { kind: 'refused', reasons: [reason] };
}

function underInput(error: TrainingUserError): TrainingUserError {
  return { ...error, path: ['input', ...error.path] };
}

function withoutInput(error: TrainingUserError): TrainingUserError {
  return { ...error, path: error.path.filter((part, index) => index > 0 || part !== 'input') };
}

function noUpload(id: string): TrainingUserError {
  return {
    code: 'UNKNOWN',
    message: `There is no complete upload "${id}": call createDatasetUpload and PUT the file first.`,
    path: ['input', 'spec', 'dataset', 'uploadId'],
  };
}

function nothingFits(warnings: readonly string[]): TrainingUserError {
  const why = warnings.find((text) => /^No GPU|spot/.test(text));
  const message =
    why ??
    'No GPU fits what is asked for: raise maxUsdPerHour, or allow other GPUs, clouds or data centres.';
  return { code: 'UNSUPPORTED', message, path: ['input', 'placement'] };
}

const keyTaken: TrainingUserError = {
  code: 'CONFLICT',
  message: 'This key was used for another submission: use a new one.',
  path: ['input', 'idempotencyKey'],
};
const unknownJob: TrainingUserError = {
  code: 'UNKNOWN',
  message: 'There is no job by this id.',
  path: ['id'],
};
const hasEndedAlready: TrainingUserError = {
  code: 'CONFLICT',
  message: 'The job has ended: retryTrainingJob submits it again, as a new one.',
  path: ['id'],
};
const isBeingCancelled: TrainingUserError = {
  code: 'CONFLICT',
  message: 'The job is being cancelled, and that is for good.',
  path: ['id'],
};
const notEnded: TrainingUserError = {
  code: 'CONFLICT',
  message: 'The job has not ended: cancel it first, or wait.',
  path: ['id'],
};
