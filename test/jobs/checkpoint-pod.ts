/** A pod that has checkpoints of one small file each, and an attempt that stores them. */
import { createHash } from 'node:crypto';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import type { AgentManifest, PodAgent } from '../../src/datasources/pod-agent.ts';
import type { AppError } from '../../src/errors.ts';
import { saveCheckpoint } from '../../src/jobs/checkpoints.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { beginAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { makeFolder } from '../support/folder.ts';
import { jobRecord } from '../support/job-record.ts';

export type Pod = Pick<PodAgent, 'results' | 'readResult'>;

export interface PodState {
  /** It has these checkpoints. */
  readonly steps: readonly number[];
  /** Of so many files, the first, the sums are done; omitted: of all. */
  readonly hashed?: number;
  /** What reading weights comes to. */
  readonly fault?: AppError;
  readonly isFinal?: boolean;
}

const sumOf = (bytes: string) => createHash('sha256').update(bytes).digest('hex');

export function filesOf(step: number): readonly (readonly [path: string, bytes: string])[] {
  const weights = `weights ${step}`;
  const marker = JSON.stringify({ step, sha256: { 'weights.bin': sumOf(weights) } });
  const folder = `checkpoints/checkpoint-${step}/`;
  return [
    [`${folder}COMPLETE`, marker],
    [`${folder}weights.bin`, weights],
  ];
}

export function podWith({ steps, hashed = Infinity, fault, isFinal = false }: PodState): Pod {
  const all = steps.flatMap(filesOf);
  const listed = all.slice(0, hashed);
  const manifest: AgentManifest = {
    bootId: 'boot',
    isFinal,
    pending: all.length - listed.length,
    files: listed.map(([path, bytes]) => ({
      path,
      sizeBytes: bytes.length,
      sha256: sumOf(bytes),
      kind: 'CHECKPOINT',
    })),
  };
  return {
    results: () => Promise.resolve(manifest),
    async *readResult(path, { from, to }) {
      if (fault !== undefined && path.endsWith('weights.bin')) throw fault;
      const bytes = all.find(([each]) => each === path)?.[1] ?? '';
      yield await Promise.resolve(Buffer.from(bytes.slice(from, to + 1)));
    },
  };
}

/** A job that trains: what it takes to store what a pod has. */
export async function startAttempt(db: Database) {
  const job = jobRecord('one', { attempt: 1 });
  await insertJob(db, job);
  await beginAttempt(db, { tenantId: 'default', jobId: 'one', number: 1, spot: false, now: 1 });
  const folder = makeFolder();
  const deps = {
    db,
    artifacts: createLocalStore(folder),
    stagingFolder: makeFolder(),
    maxBytes: 1_000,
    keep: 2,
    now: Date.now,
    failpoint: noFailpoint,
  };
  const { signal } = new AbortController();
  const save = (agent: Pod) =>
    saveCheckpoint(deps, { job, attempt: 1, bootId: 'boot', agent }, signal);
  return { job, deps, folder, save };
}
