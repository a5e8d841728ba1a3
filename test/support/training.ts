/** A training job as a client runs one: upload, submit, follow, over HTTP. */
import { expect, onTestFinished } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { startTestApp } from './start-app.ts';
import type { GraphqlAnswer } from './start-app.ts';
import { until } from './until.ts';

type Query = (
  query: string,
  variables?: Readonly<Record<string, unknown>>,
) => Promise<GraphqlAnswer>;

export interface SeenJob {
  readonly id: string;
  readonly status: string;
  readonly statusReason: string | null;
  readonly attempts: readonly {
    readonly number: number;
    readonly outcome: string | null;
    readonly exitCode: number | null;
    readonly usdPerHour: number | null;
    readonly gpuResourceId: string | null;
  }[];
  readonly progress: { readonly step: number; readonly totalSteps: number | null } | null;
  readonly cost: { readonly usdSoFar: number; readonly usdPerHour: number | null };
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly artifacts: readonly {
    readonly path: string;
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly kind: string;
    readonly downloadUrl: string;
  }[];
}

const JOB = `id status statusReason attempts { number outcome exitCode usdPerHour gpuResourceId }
  progress { step totalSteps } cost { usdSoFar usdPerHour } failure { code message }
  artifacts { path sizeBytes sha256 kind downloadUrl }`;

export const DATASET = Array.from({ length: 24 }, (_, row) =>
  JSON.stringify({ prompt: `row ${row}:`, completion: 'the quick brown fox' }),
).join('\n');

export const SPEC = {
  baseModel: 'emulator/tiny-char-1M',
  maxSteps: 20,
  checkpointSteps: 10,
  batchSize: 2,
  maxSequenceLength: 64,
};

/** @returns the id of a complete upload */
export async function uploadDataset(
  query: Query,
  content: string | Uint8Array<ArrayBuffer> = DATASET,
  fileName = 'rows.jsonl',
): Promise<string> {
  const answer = await query(
    `mutation($fileName: String!) { createDatasetUpload(fileName: $fileName) { uploadId uploadUrl userErrors { message } } }`,
    { fileName },
  );
  const payload = answer.data?.createDatasetUpload as unknown as {
    uploadId: string;
    uploadUrl: string;
  };
  const response = await fetch(payload.uploadUrl, { method: 'PUT', body: content });
  expect(response.status, await response.text()).toBe(201);
  return payload.uploadId;
}

export async function submitJob(
  query: Query,
  input: Readonly<Record<string, unknown>>,
): Promise<{
  job: SeenJob | null;
  userErrors: readonly { message: string; path: string[]; code: string }[];
}> {
  const answer = await query(
    `mutation($input: SubmitTrainingJobInput!) { submitTrainingJob(input: $input) {
       job { ${JOB} } userErrors { code message path } } }`,
    { input },
  );
  expect(answer.errors).toBeUndefined();
  return answer.data?.submitTrainingJob as never;
}

export async function readJob(query: Query, id: string): Promise<SeenJob> {
  const answer = await query(`query($id: ID!) { trainingJob(id: $id) { ${JOB} } }`, { id });
  expect(answer.errors).toBeUndefined();
  return answer.data?.trainingJob as never;
}

export async function jobThat(
  query: Query,
  id: string,
  isSo: (job: SeenJob) => boolean,
  deadlineMs = 20_000,
): Promise<SeenJob> {
  let last: SeenJob | undefined;
  try {
    return await until(
      `job ${id}`,
      async () => {
        last = await readJob(query, id);
        return isSo(last) ? last : undefined;
      },
      deadlineMs,
    );
  } catch (error) {
    throw new Error(`the job stayed ${JSON.stringify(last)}`, { cause: error });
  }
}

export function hasEnded({ status }: SeenJob): boolean {
  return status === 'COMPLETED' || status === 'FAILED' || status === 'CANCELLED';
}

/** Settings under which a pod is seen to be gone, and a job to be stuck, within a second. */
const QUICK = {
  RECONCILE_SECONDS: '0.1',
  POD_ABSENT_SECONDS: '0.3',
  LISTING_GRACE_SECONDS: '1',
  LEASE_SECONDS: '2',
};

/** It trains until somebody ends it. */
export const LONG_SPEC = { ...SPEC, maxSteps: 1_000_000, checkpointSteps: 1_000 };

/** The same on an emulator of its own, whose trainer takes its time and costs next to nothing. */
export async function startPaced(
  stepMs: number,
  settings: Readonly<Record<string, string>> = {},
  podEnvironment: Readonly<Record<string, string>> = {},
) {
  const emulator = await createEmulator({
    rateLimit: null,
    reclaimGraceMs: 500,
    podEnvironment: { TOY_STEP_DELAY_MS: String(stepMs), ...podEnvironment },
  });
  onTestFinished(() => emulator.close());
  return startWithDataset({ EMULATOR_URL: emulator.url, ...settings });
}

/** Of {@link startPaced}. */
export const SMALL_SPEC = { ...SPEC, rank: 1, maxSequenceLength: 16, checkpointSteps: 20 };

/** A server with a dataset that jobs can train on. */
export async function startWithDataset(settings: Readonly<Record<string, string>> = {}) {
  const app = await startTestApp({ ...QUICK, ...settings });
  const uploadId = await uploadDataset(app.query);
  const inputOf = (more: object = {}, spec: object = SPEC) => ({
    name: 'a job',
    spec: { dataset: { uploadId }, ...spec },
    ...more,
  });
  return {
    ...app,
    inputOf,
    /** @returns the id of a job that was accepted */
    submit: async (more?: object, spec?: object): Promise<string> => {
      const { job, userErrors } = await submitJob(app.query, inputOf(more, spec));
      expect(userErrors).toEqual([]);
      return job?.id ?? '';
    },
  };
}
