/** Hands a job to the agent in its pod: the job, its files, the word to start. All of it repeats. */
import type { PodFile } from '../artifacts/uploads.ts';
import type { PodAgent } from '../datasources/pod-agent.ts';
import type { Job } from '../domain/job/job.ts';
import { toAgentSpec } from '../domain/training/agent-spec.ts';
import type { PodProgram } from '../domain/training/trainer.ts';
import { setBoot } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import type { Failpoint } from './failpoint.ts';
import { deliverCheckpoint } from './resume.ts';
import type { ResumeDeps } from './resume.ts';

export interface DeliverDeps extends ResumeDeps {
  readonly db: Database;
  readonly openUpload: (uploadId: string) => Promise<PodFile>;
  readonly programOf: (job: Job) => Pick<PodProgram, 'backend' | 'requirements'>;
  /** Given to the trainer, never stored: HF_TOKEN and the like. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export async function deliverJob(
  deps: DeliverDeps,
  lease: Lease,
  agent: PodAgent,
  bootId: string,
  signal: AbortSignal,
): Promise<void> {
  const { job } = lease;
  const { db, openUpload, programOf, secrets, now, failpoint } = deps;
  // The boot is stored first: whatever it writes and does from now on belongs to this attempt.
  await fenced(db, lease, async (tx, current) => {
    await setBoot(tx, job.id, current.attempt, bootId);
    await patchJob(tx, current, { status: 'PREPARING', statusReason: 'Uploading.' }, now());
  });
  failpoint('deliver.intended');
  const { uploadId } = job.spec.dataset;
  const dataset = uploadId == null ? null : await openUpload(uploadId);
  const { backend, requirements } = programOf(job);
  const checkpoint = await deliverCheckpoint(deps, lease, agent, signal);
  failpoint('deliver.checkpoint-sent');
  await agent.putJob(
    {
      spec: toAgentSpec(job.spec, {
        backend,
        datasetFile: dataset?.fileName ?? null,
      }),
      secrets: maySendSecrets(job) ? secrets : {},
      files: [
        ...(dataset === null ? [] : [dataset.fileName]),
        ...Object.values(checkpoint?.files ?? {}),
      ],
      requirements,
      ...(checkpoint === null ? {} : { checkpoint }),
    },
    signal,
  );
  failpoint('deliver.job-sent');
  if (dataset !== null) await agent.putFile(dataset.fileName, dataset, signal);
  failpoint('deliver.files-sent');
  await agent.start(signal);
  failpoint('deliver.started');
}

/** The community cloud's machines are strangers': what is private goes there only when allowed. */
function maySendSecrets({ placement }: Job): boolean {
  return placement.cloud === 'SECURE' || placement.trustCommunityHosts;
}
