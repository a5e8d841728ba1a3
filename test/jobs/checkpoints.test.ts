/** What a pod says of its checkpoints while they are still being hashed, or are sent again. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import type { AgentManifest, PodAgent } from '../../src/datasources/pod-agent.ts';
import { saveCheckpoint } from '../../src/jobs/checkpoints.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { selectArtifactsAt } from '../../src/store/artifacts.ts';
import { beginAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import {
  abandonFiles,
  checkpointsOf,
  intendFiles,
  settleFiles,
} from '../../src/store/file-sets.ts';
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

type Pod = Pick<PodAgent, 'results' | 'readResult'>;

/** A pod that has hashed the first `done` files. */
function podWith(done: number): Pod {
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

/** A job that trains: what it takes to store what `agent` has. */
async function startAttempt(db: Database) {
  const job = jobRecord('one', { attempt: 1 });
  await insertJob(db, job);
  await beginAttempt(db, { tenantId: 'default', jobId: 'one', number: 1, spot: false, now: 1 });
  const folder = makeFolder();
  const stagingFolder = makeFolder();
  const deps = {
    db,
    artifacts: createLocalStore(folder),
    stagingFolder,
    maxBytes: 1_000,
    keep: 2,
    now: Date.now,
    failpoint: noFailpoint,
  };
  const { signal } = new AbortController();
  const save = (agent: Pod) =>
    saveCheckpoint(deps, { job, attempt: 1, bootId: 'boot', agent }, signal);
  return { folder, stagingFolder, save };
}

const SET = {
  jobId: 'one',
  attempt: 1,
  name: 'checkpoint-20',
  step: 20,
  specSha256: 'spec',
  sizeBytes: 1,
  storageKeys: FILES.map(([path]) => `jobs/one/1/${path}`),
};

/** Everything under `folder` that is a file. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

describeStores('a checkpoint on a pod', (open) => {
  it.each([
    ['stored', (db: Database) => settleFiles(db, SET)],
    ['being removed', (db: Database) => abandonFiles(db, SET)],
  ])('that is %s by another once it is here is left alone', async (_what, take) => {
    const db = await open();
    const { folder, stagingFolder, save } = await startAttempt(db);
    const pod = podWith(2);
    let isTaken = false;
    const result = await save({
      ...pod,
      async *readResult(...range) {
        if (!isTaken) {
          isTaken = true;
          expect(await intendFiles(db, 'default', SET, 1)).toBe(true);
          expect(await take(db)).toBe(true);
        }
        yield* pod.readResult(...range);
      },
    });
    expect(isTaken).toBe(true);
    expect(result).toEqual({ kind: 'none' });
    expect(await filesIn(folder)).toEqual([]);
    expect(await filesIn(stagingFolder)).toEqual([]);
    expect(await selectArtifactsAt(db, 'one', SET.storageKeys)).toEqual([]);
  });

  it('is waited for while its sums are not all done, and stored then', async () => {
    const db = await open();
    const { save } = await startAttempt(db);
    expect(await save(podWith(1))).toEqual({ kind: 'none' });
    expect(await save(podWith(2))).toEqual({ kind: 'stored', step: 20 });
    const [stored] = await checkpointsOf(db, 'one');
    const keys = stored?.storageKeys ?? [];
    expect(keys).toHaveLength(2);
    // Their names on the next pod follow from their order: what is sent again must be the same.
    const rows = await selectArtifactsAt(db, 'one', keys.toReversed());
    expect(rows.map(({ storage_key: key }) => key)).toEqual(keys.toSorted());
  });
});
