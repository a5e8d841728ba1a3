/** Jobs and what belongs to them as one operation sees them: batched, read once. */
import DataLoader from 'dataloader';
import type { Attempt, Job, Launch } from '../domain/job/job.ts';
import type { ArtifactRow } from '../store/artifacts.ts';
import { selectArtifacts, selectArtifactsOfJobs } from '../store/artifacts.ts';
import { attemptsOf } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { countJobs, findJobs, listJobs } from '../store/jobs.ts';
import type { JobFilter } from '../store/jobs.ts';
import { launchesOf } from '../store/launches.ts';

export type ListedAfter = Parameters<typeof listJobs>[2];

export interface JobLoaders {
  /** Null: there is none. */
  job(id: string): Promise<Job | null>;
  attempts(jobId: string): Promise<readonly Attempt[]>;
  launches(jobId: string): Promise<readonly Launch[]>;
  artifacts(jobId: string): Promise<readonly ArtifactRow[]>;
  artifact(id: string): Promise<ArtifactRow | null>;
  list(
    filter: Omit<JobFilter, 'tenantId'>,
    after: ListedAfter,
    limit: number,
  ): Promise<readonly Job[]>;
  count(filter: Omit<JobFilter, 'tenantId'>): Promise<number>;
}

const BATCH = { maxBatchSize: 500 };

export function createJobLoaders(db: Database, tenantId: string): JobLoaders {
  const jobs = new DataLoader((ids: readonly string[]) => findJobs(db, tenantId, ids), BATCH);
  const attempts = new DataLoader((ids: readonly string[]) => attemptsOf(db, ids), BATCH);
  const artifact = new DataLoader(
    (ids: readonly string[]) => selectArtifacts(db, tenantId, ids),
    BATCH,
  );
  const artifacts = new DataLoader(
    (ids: readonly string[]) => selectArtifactsOfJobs(db, tenantId, ids),
    BATCH,
  );
  const launches = new DataLoader((ids: readonly string[]) => launchesOf(db, ids), BATCH);
  return {
    job: (id) => jobs.load(id),
    attempts: (id) => attempts.load(id),
    launches: (id) => launches.load(id),
    artifacts: (id) => artifacts.load(id),
    artifact: (id) => artifact.load(id),
    async list(filter, after, limit) {
      const page = await listJobs(db, { ...filter, tenantId }, after, limit);
      for (const job of page) jobs.prime(job.id, job);
      return page;
    },
    count: (filter) => countJobs(db, { ...filter, tenantId }),
  };
}
