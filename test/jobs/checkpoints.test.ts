/** What a pod says of its checkpoints while they are still being hashed, or are sent again. */
import { readdir } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { selectArtifactsAt } from '../../src/store/artifacts.ts';
import type { Database } from '../../src/store/database.ts';
import {
  abandonFiles,
  checkpointsOf,
  intendFiles,
  settleFiles,
} from '../../src/store/file-sets.ts';
import { describeStores } from '../support/databases.ts';
import { filesOf, podWith, startAttempt } from './checkpoint-pod.ts';

/** A pod that has hashed the first `done` of a checkpoint's files, and whose training is over. */
const podThatHashed = (done: number) => podWith({ steps: [20], hashed: done, isFinal: true });

const SET = {
  jobId: 'one',
  attempt: 1,
  name: 'checkpoint-20',
  step: 20,
  specSha256: 'spec',
  sizeBytes: 1,
  storageKeys: filesOf(20).map(([path]) => `jobs/one/1/${path}`),
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
    const { folder, deps, save } = await startAttempt(db);
    const pod = podThatHashed(2);
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
    expect(await filesIn(deps.stagingFolder)).toEqual([]);
    expect(await selectArtifactsAt(db, 'one', SET.storageKeys)).toEqual([]);
  });

  it('is waited for while its sums are not all done, and stored then', async () => {
    const db = await open();
    const { save } = await startAttempt(db);
    expect(await save(podThatHashed(1))).toEqual({ kind: 'none' });
    expect(await save(podThatHashed(2))).toEqual({ kind: 'stored', step: 20 });
    const [stored] = await checkpointsOf(db, 'one');
    const keys = stored?.storageKeys ?? [];
    expect(keys).toHaveLength(2);
    // Their names on the next pod follow from their order: what is sent again must be the same.
    const rows = await selectArtifactsAt(db, 'one', keys.toReversed());
    expect(rows.map(({ storage_key: key }) => key)).toEqual(keys.toSorted());
  });
});
