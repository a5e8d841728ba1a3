/** What a pod says of its checkpoints while they are still being hashed, or are sent again. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import type { AgentManifest, PodAgent } from '../../src/datasources/pod-agent.ts';
import { saveCheckpoint } from '../../src/jobs/checkpoints.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { selectArtifactsAt } from '../../src/store/artifacts.ts';
import { beginAttempt } from '../../src/store/attempts.ts';
import { checkpointsOf } from '../../src/store/file-sets.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { describeStores } from '../support/databases.ts';
import { makeFolder } from '../support/folder.ts';
import { jobRecord } from '../support/job-record.ts';

const FOLDER = 'checkpoints/checkpoint-20/';
const sumOf = (bytes: string) => createHash('sha256').update(bytes).digest('hex');

const WEIGHTS = 'weights';
const MARKER = JSON.stringify({ step: 20, sha256: { 'weights.bin': sumOf(WEIGHTS) } });
const FILES = [
  [`${FOLDER}COMPLETE`, MARKER],
  [`${FOLDER}weights.bin`, WEIGHTS],
] as const;

/** A pod that has hashed the first `done` files. */
function podWith(done: number): Pick<PodAgent, 'results' | 'readResult'> {
  const manifest: AgentManifest = {
    bootId: 'boot',
    isFinal: true,
    pending: FILES.length - done,
    files: FILES.slice(0, done).map(([path, bytes]) => ({
      path,
      sizeBytes: bytes.length,
      sha256: sumOf(bytes),
      kind: 'CHECKPOINT',
    })),
  };
  return {
    results: () => Promise.resolve(manifest),
    async *readResult(path, { from, to }) {
      const bytes = FILES.find(([each]) => each === path)?.[1] ?? '';
      yield await Promise.resolve(Buffer.from(bytes.slice(from, to + 1)));
    },
  };
}

describeStores('a checkpoint on a pod', (open) => {
  it('is waited for while its sums are not all done, and stored then', async () => {
    const db = await open();
    const job = jobRecord('one', { attempt: 1 });
    await insertJob(db, job);
    await beginAttempt(db, { tenantId: 'default', jobId: 'one', number: 1, spot: false, now: 1 });
    const deps = {
      db,
      artifacts: createLocalStore(makeFolder()),
      stagingFolder: makeFolder(),
      maxBytes: 1_000,
      keep: 2,
      now: Date.now,
      failpoint: noFailpoint,
    };
    const { signal } = new AbortController();
    const save = (done: number) =>
      saveCheckpoint(deps, { job, attempt: 1, bootId: 'boot', agent: podWith(done) }, signal);
    expect(await save(1)).toEqual({ kind: 'none' });
    expect(await save(2)).toEqual({ kind: 'stored', step: 20 });
    const [stored] = await checkpointsOf(db, 'one');
    const keys = stored?.storageKeys ?? [];
    expect(keys).toHaveLength(2);
    // Their names on the next pod follow from their order: what is sent again must be the same.
    const rows = await selectArtifactsAt(db, 'one', keys.toReversed());
    expect(rows.map(({ storage_key: key }) => key)).toEqual(keys.toSorted());
  });
});
