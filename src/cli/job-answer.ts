/** Jobs as the server tells them. Enum values are text here: a newer server may know more. */
import { z } from 'zod';

export const faultSchema = z.object({
  code: z.string(),
  message: z.string(),
  path: z.array(z.string()),
});

/** `path` is checked by who makes a file of it. */
const artifactSchema = z.object({
  id: z.string(),
  path: z.string(),
  sizeBytes: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  kind: z.string(),
  downloadUrl: z.url({ protocol: /^https?$/ }),
});
export type ArtifactAnswer = z.infer<typeof artifactSchema>;

const progressSchema = z.object({
  step: z.number(),
  totalSteps: z.number().nullable(),
  epoch: z.number().nullable(),
  fraction: z.number().nullable(),
  secondsRemaining: z.number().nullable(),
});

const costSchema = z.object({
  usdSoFar: z.number(),
  usdPerHour: z.number().nullable(),
  estimatedUsd: z.number().nullable(),
  billedUsd: z.number().nullable(),
});

const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  suggestions: z.array(z.string()),
  retryable: z.boolean(),
});

const attemptSchema = z.object({
  number: z.number(),
  gpuResourceId: z.string().nullable(),
  dataCenterId: z.string().nullable(),
  spot: z.boolean(),
  usdPerHour: z.number().nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  outcome: z.string().nullable(),
  exitCode: z.number().nullable(),
});

export const briefJobSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  statusReason: z.string().nullable(),
  progress: progressSchema.nullable(),
  cost: costSchema,
  failure: failureSchema.nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});
export type BriefJob = z.infer<typeof briefJobSchema>;

export const BRIEF_JOB = `id name status statusReason
  progress { step totalSteps epoch fraction secondsRemaining }
  cost { usdSoFar usdPerHour estimatedUsd billedUsd }
  failure { code message suggestions retryable }
  createdAt startedAt endedAt`;

export const jobSchema = z.object({
  ...briefJobSchema.shape,
  spec: z.object({ baseModel: z.string(), algorithm: z.string(), asJson: z.unknown() }),
  gpuCount: z.number().nullable(),
  cloud: z.string().nullable(),
  attempts: z.array(attemptSchema),
  artifacts: z.array(artifactSchema),
  labels: z.array(z.object({ name: z.string(), value: z.string() })),
  cancelRequestedAt: z.string().nullable(),
});
export type JobAnswer = z.infer<typeof jobSchema>;

export const ARTIFACT = 'id path sizeBytes sha256 kind downloadUrl';

export const JOB = `${BRIEF_JOB}
  spec { baseModel algorithm asJson }
  gpuCount cloud
  attempts {
    number gpuResourceId dataCenterId spot usdPerHour startedAt endedAt outcome exitCode
  }
  artifacts { ${ARTIFACT} }
  labels { name value }
  cancelRequestedAt`;

export const artifactsOfJobSchema = z.object({
  trainingJob: z.object({ status: z.string(), artifacts: z.array(artifactSchema) }).nullable(),
});

export const lineSchema = z.object({
  seq: z.number(),
  at: z.string(),
  source: z.string(),
  attempt: z.number(),
  text: z.string(),
  cursor: z.string(),
});
export type LineAnswer = z.infer<typeof lineSchema>;

export const logPageSchema = z.object({
  lines: z.array(lineSchema),
  endCursor: z.string().nullable(),
  hasNextPage: z.boolean(),
});

export const LOG_PAGE = `logs(first: 1000, after: $after) {
  lines { seq at source attempt text cursor } endCursor hasNextPage
}`;

export function hasEnded({ status }: Pick<BriefJob, 'status'>): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}
