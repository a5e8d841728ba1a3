/** A submission checked as a whole: everything wrong with it is told at once. */
import { z } from 'zod';
import type { BackendRequest } from '../training/backends.ts';
import { readLimits, readPlacement } from '../training/placement.ts';
import type { JobLimits, Placement } from '../training/placement.ts';
import { readTrainingSpec } from '../training/training-spec.ts';
import type { TrainingSpec } from '../training/training-spec.ts';
import { invalidAt } from '../training/user-error.ts';
import type { TrainingUserError } from '../training/user-error.ts';
import type { JobLabel } from './job.ts';

const MAX_LABELS = 20;
/** Control characters, line separators, and those that turn the direction of text. */
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

const visible = (max: number) =>
  z
    .string()
    .max(max, { error: `expected at most ${max} characters` })
    .refine((text) => !UNSEEN.test(text), {
      error: 'expected no line breaks and no control characters',
    });

const headSchema = z.object({
  name: visible(200).refine((text) => text.trim() !== '', { error: 'expected a name' }),
  idempotencyKey: visible(128)
    .min(1, { error: 'expected at least one character, or omit it' })
    .nullish(),
  labels: z
    .array(
      z.object({
        name: z.string().regex(/^[\w./-]{1,64}$/, {
          error: 'expected 1 to 64 letters, digits, dots, dashes, underscores and slashes',
        }),
        value: visible(256),
      }),
    )
    .max(MAX_LABELS, { error: `expected at most ${MAX_LABELS} labels` })
    .refine((labels) => new Set(labels.map(({ name }) => name)).size === labels.length, {
      error: 'expected each name once',
    })
    .nullish(),
});

export interface Submission {
  readonly idempotencyKey: string | null;
  /** Of everything but the key, defaults filled in. */
  readonly bodySha256: string;
  readonly name: string;
  readonly spec: TrainingSpec;
  readonly placement: Placement;
  readonly limits: JobLimits;
  readonly labels: readonly JobLabel[];
}

export interface SubmissionRules {
  readonly limits: JobLimits;
  /** What the trainer at hand cannot do; null: all is well. */
  readonly unsupported: (request: BackendRequest) => TrainingUserError | null;
}

export type SubmissionResult =
  | { readonly kind: 'valid'; readonly submission: Submission }
  | { readonly kind: 'invalid'; readonly errors: readonly TrainingUserError[] };

interface RawSubmission {
  readonly spec?: unknown;
  readonly placement?: unknown;
  readonly limits?: unknown;
}

/** Paths begin with `input`. */
export function readSubmission(
  input: unknown,
  rules: SubmissionRules,
  sha256: (text: string) => string,
): SubmissionResult {
  const raw = (input ?? {}) as RawSubmission;
  const head = headSchema.safeParse(input);
  const spec = readTrainingSpec(raw.spec);
  const placement = readPlacement(raw.placement);
  const limits = readLimits(raw.limits, rules.limits);
  const errors = [
    ...(head.success ? [] : head.error.issues.map((issue) => invalidAt('input', issue))),
    ...[
      ...(spec.kind === 'invalid' ? spec.errors : []),
      ...placement.errors,
      ...limits.errors,
      ...(spec.kind === 'valid' && placement.value
        ? errorsBetween({ spec: spec.spec, placement: placement.value }, rules)
        : []),
    ].map((error) => ({ ...error, path: ['input', ...error.path] })),
  ];
  if (
    errors.length > 0 ||
    !head.success ||
    spec.kind === 'invalid' ||
    placement.value === null ||
    limits.value === null
  ) {
    return { kind: 'invalid', errors };
  }
  const body = {
    name: head.data.name,
    spec: spec.spec,
    placement: placement.value,
    limits: limits.value,
    labels: head.data.labels ?? [],
  };
  const bodySha256 = sha256(JSON.stringify(body));
  const idempotencyKey = head.data.idempotencyKey ?? null;
  return { kind: 'valid', submission: { ...body, bodySha256, idempotencyKey } };
}

function errorsBetween(
  request: BackendRequest,
  { unsupported }: SubmissionRules,
): readonly TrainingUserError[] {
  const error = unsupported(request);
  return [...(error === null ? [] : [error]), ...privateDataErrors(request)];
}

/** The community cloud is other people's machines: they can read what is on them. */
function privateDataErrors({
  spec: { dataset },
  placement,
}: BackendRequest): readonly TrainingUserError[] {
  const isPrivate = placement.cloud === 'COMMUNITY' && dataset.uploadId != null;
  if (!isPrivate || placement.trustCommunityHosts) return [];
  const message =
    'An uploaded dataset goes to a stranger’s machine: set trustCommunityHosts to allow that, or use SECURE.';
  return [{ code: 'CONFLICT', message, path: ['placement', 'trustCommunityHosts'] }];
}
