/** Where a job may run and what ends it: checked, with defaults. */
import { z } from 'zod';
import { MAX_GPU_COUNT } from '../gpu.ts';
import type { CloudTier } from '../gpu.ts';
import { invalidAt } from './user-error.ts';
import type { TrainingUserError } from './user-error.ts';

const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w .()/+:-]+$/, { error: 'expected an id of the platform' });
const positive = z.number().gt(0, { error: 'expected more than 0' });

const GPU_COUNT_RANGE = `expected 1 to ${MAX_GPU_COUNT}`;

const placementSchema = z.object({
  gpuResourceIds: z
    .array(id)
    .min(1, { error: 'expected at least one GPU, or omit it' })
    .max(50)
    .nullish(),
  gpuCount: z
    .int()
    .min(1, { error: GPU_COUNT_RANGE })
    .max(MAX_GPU_COUNT, { error: GPU_COUNT_RANGE }),
  cloud: z.enum(['SECURE', 'COMMUNITY']),
  spot: z.boolean(),
  trustCommunityHosts: z.boolean().default(false),
  dataCenterIds: z
    .array(id)
    .min(1, { error: 'expected at least one data centre, or omit it' })
    .max(50)
    .nullish(),
  maxUsdPerHour: positive.nullish(),
  // A reference as Docker reads it: registry/path:tag@digest.
  image: z
    .string()
    .max(512)
    .regex(/^[a-z0-9][a-z0-9._/:-]*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$/i, {
      error: 'expected a container image such as runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404',
    })
    .nullish(),
  networkVolumeId: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the id of a network volume' })
    .nullish(),
  containerDiskGb: z
    .int()
    .min(10, { error: 'expected 10 to 10000' })
    .max(10_000, { error: 'expected 10 to 10000' })
    .nullish(),
});

const DEFAULT_DISK_GB = 50;
const ANYWHERE = { gpuCount: 1, cloud: 'SECURE', spot: false } as const;

export interface Placement {
  /** In order of preference; null: the cheapest that fits. */
  readonly gpuResourceIds: readonly string[] | null;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly spot: boolean;
  /** Secrets and uploaded datasets may go to community hosts. */
  readonly trustCommunityHosts: boolean;
  readonly dataCenterIds: readonly string[] | null;
  readonly maxUsdPerHour: number | null;
  readonly image: string | null;
  readonly networkVolumeId: string | null;
  readonly containerDiskGb: number;
}

/** What ends a job at the latest; never unlimited. */
export interface JobLimits {
  readonly maxRuntimeSeconds: number;
  readonly maxCostUsd: number;
  readonly maxAttempts: number;
}

export interface Checked<T> {
  readonly value: T | null;
  readonly errors: readonly TrainingUserError[];
}

export function readPlacement(input: unknown): Checked<Placement> {
  const parsed = placementSchema.safeParse(input ?? ANYWHERE);
  if (!parsed.success) {
    return {
      value: null,
      errors: parsed.error.issues.map((issue) => invalidAt('placement', issue)),
    };
  }
  const { data } = parsed;
  const value: Placement = {
    ...data,
    gpuResourceIds: data.gpuResourceIds ?? null,
    dataCenterIds: data.dataCenterIds ?? null,
    maxUsdPerHour: data.maxUsdPerHour ?? null,
    image: data.image ?? null,
    networkVolumeId: data.networkVolumeId ?? null,
    containerDiskGb: data.containerDiskGb ?? DEFAULT_DISK_GB,
  };
  if (value.networkVolumeId === null || value.cloud === 'SECURE') return { value, errors: [] };
  const message = 'Network volumes are only in the secure cloud: use SECURE, or omit it.';
  const path = ['placement', 'networkVolumeId'];
  return { value, errors: [{ code: 'CONFLICT', message, path }] };
}

/** The server's limits are the default and the most. */
export function readLimits(input: unknown, server: JobLimits): Checked<JobLimits> {
  const schema = z.object({
    maxRuntimeSeconds: z.int().min(60).max(server.maxRuntimeSeconds).nullish(),
    maxCostUsd: positive.max(server.maxCostUsd).nullish(),
    maxAttempts: z.int().min(1).max(server.maxAttempts).nullish(),
  });
  const parsed = schema.safeParse(input ?? {});
  if (!parsed.success) {
    return { value: null, errors: parsed.error.issues.map((issue) => invalidAt('limits', issue)) };
  }
  const { maxRuntimeSeconds, maxCostUsd, maxAttempts } = parsed.data;
  const value = {
    maxRuntimeSeconds: maxRuntimeSeconds ?? server.maxRuntimeSeconds,
    maxCostUsd: maxCostUsd ?? server.maxCostUsd,
    maxAttempts: maxAttempts ?? server.maxAttempts,
  };
  return { value, errors: [] };
}
