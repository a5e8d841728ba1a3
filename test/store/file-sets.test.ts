/** Files that belong together, at the store. */
import { describe, expect, it } from 'vitest';
import { selectArtifactsOfJobs, upsertArtifact } from '../../src/store/artifacts.ts';
import { beginAttempt, endAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import {
  abandonedSets,
  abandonFiles,
  checkpointsOf,
  condemnFiles,
  dropFiles,
  intendFiles,
  settleFiles,
  setsToRemove,
  unusedKeys,
} from '../../src/store/file-sets.ts';
import type { Checkpoint, FileSet } from '../../src/store/file-sets.ts';
import { describeStores } from '../support/databases.ts';

const TENANT = 'default';

function checkpoint(attempt: number, step: number): Checkpoint {
  return {
    jobId: 'one',
    attempt,
    name: `checkpoint-${step}`,
    step,
    specSha256: 'spec',
    sizeBytes: 3,
    storageKeys: [`${attempt}/${step}/a`, `${attempt}/${step}/b`],
  };
}

async function tell(db: Database, { jobId, attempt, storageKeys }: FileSet): Promise<void> {
  for (const key of storageKeys) {
    await upsertArtifact(db, TENANT, {
      id: key,
      job_id: jobId,
      attempt,
      path: key,
      kind: 'CHECKPOINT',
      size_bytes: 1,
      sha256: 'sum',
      storage_key: key,
      created_at: 1,
    });
  }
}

async function store(db: Database, set: FileSet): Promise<void> {
  expect(await intendFiles(db, TENANT, set, 1)).toBe(true);
  await tell(db, set);
  expect(await settleFiles(db, set)).toBe(true);
}

const pathsOf = async (db: Database) =>
  ((await selectArtifactsOfJobs(db, TENANT, ['one']))[0] ?? []).map(({ path }) => path);

describeStores('sets of files', (open) => {
  it('are checkpoints once they are stored, those of later attempts before all others', async () => {
    const db = await open();
    for (const set of [checkpoint(1, 10), checkpoint(1, 30), checkpoint(2, 20)]) {
      await store(db, set);
    }
    expect(await intendFiles(db, TENANT, checkpoint(2, 40), 1)).toBe(true);
    expect(await checkpointsOf(db, 'one')).toEqual([
      checkpoint(2, 20),
      checkpoint(1, 30),
      checkpoint(1, 10),
    ]);
    expect(await checkpointsOf(db, 'other')).toEqual([]);
  });

  it('may be intended again, and are settled once', async () => {
    const db = await open();
    const set = checkpoint(1, 10);
    await intendFiles(db, TENANT, set, 1);
    const again = { ...set, storageKeys: ['other'] };
    expect(await intendFiles(db, TENANT, again, 2)).toBe(true);
    expect(await settleFiles(db, set)).toBe(true);
    expect(await settleFiles(db, set)).toBe(false);
    expect(await intendFiles(db, TENANT, set, 3)).toBe(false);
    expect(await checkpointsOf(db, 'one')).toEqual([again]);
  });

  it('that are condemned are found by nobody, and known until their files are gone', async () => {
    const db = await open();
    await store(db, checkpoint(1, 10));
    await store(db, checkpoint(1, 20));
    await condemnFiles(db, checkpoint(1, 10));
    expect(await pathsOf(db)).toEqual(['1/20/a', '1/20/b']);
    expect(await checkpointsOf(db, 'one')).toEqual([checkpoint(1, 20)]);
    expect(await setsToRemove(db, 9)).toEqual([checkpoint(1, 10)]);
    expect(await unusedKeys(db, checkpoint(1, 10))).toEqual(['1/10/a', '1/10/b']);
    await dropFiles(db, checkpoint(1, 10));
    expect(await setsToRemove(db, 9)).toEqual([]);
  });

  describe('that were being stored', () => {
    it('are abandoned only when their attempt has been over for long enough', async () => {
      const db = await open();
      const set = { ...checkpoint(1, 10), name: 'results', step: null };
      await beginAttempt(db, { tenantId: TENANT, jobId: 'one', number: 1, spot: false, now: 1 });
      await intendFiles(db, TENANT, set, 1);
      expect(await abandonedSets(db, 1_000, 9)).toEqual([]);
      await endAttempt(db, 'one', 1, { outcome: 'LOST', exitCode: null, now: 500 });
      expect(await abandonedSets(db, 500, 9)).toEqual([]);
      expect(await abandonedSets(db, 501, 9)).toEqual([set]);
      expect(await abandonFiles(db, set)).toBe(true);
      expect(await setsToRemove(db, 9)).toEqual([set]);
    });

    it('never take with them what another told of meanwhile', async () => {
      const db = await open();
      const set = checkpoint(1, 10);
      await intendFiles(db, TENANT, set, 1);
      await tell(db, { ...set, storageKeys: set.storageKeys.slice(0, 1) });
      await abandonFiles(db, set);
      expect(await pathsOf(db)).toEqual(['1/10/a']);
      expect(await unusedKeys(db, set)).toEqual(['1/10/b']);
    });

    it('and are settled by then stay as they are', async () => {
      const db = await open();
      await store(db, checkpoint(1, 10));
      expect(await abandonFiles(db, checkpoint(1, 10))).toBe(false);
    });
  });
});
