/** Files that nobody finds any more. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import type { ArtifactStore } from '../../src/artifacts/artifact-store.ts';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import { AppError } from '../../src/errors.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { createFileKeeper } from '../../src/jobs/file-keeper.ts';
import { upsertArtifact } from '../../src/store/artifacts.ts';
import { beginAttempt, endAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { intendFiles, setsToRemove } from '../../src/store/file-sets.ts';
import { describeStores } from '../support/databases.ts';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const TENANT = 'default';
const KEYS = ['adapter', 'config', 'log'];

function write(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, name);
  return path;
}

/** A collection that was cut after its files were stored, and before anybody was told of them. */
async function cutCollection(db: Database, jobId: string, artifacts: string) {
  await beginAttempt(db, { tenantId: TENANT, jobId, number: 1, spot: false, now: 1 });
  const storageKeys = KEYS.map((name) => `jobs/${jobId}/1/${name}`);
  const set = { jobId, attempt: 1, name: 'results', step: null, specSha256: null, sizeBytes: 1 };
  await intendFiles(db, TENANT, { ...set, storageKeys }, 1);
  return storageKeys.map((key) => write(artifacts, key));
}

function startKeeper(
  db: Database,
  stagingFolder: string,
  artifacts: Pick<ArtifactStore, 'remove'>,
): void {
  const keeper = createFileKeeper({
    db,
    artifacts,
    stagingFolder,
    tenantId: TENANT,
    workerId: 'keeper',
    leaseMs: 10_000,
    tickMs: 10,
    graceMs: 1_000,
    log: pino({ level: 'silent' }),
    now: Date.now,
    failpoint: noFailpoint,
  });
  onTestFinished(() => keeper.close());
  keeper.start();
}

describeStores('the file keeper', (open) => {
  it('removes what a cut collection left, but nothing of one that may go on, or that is told of', async () => {
    const db = await open();
    const artifacts = makeFolder();
    const staging = makeFolder();
    const over = await cutCollection(db, 'over', artifacts);
    const going = await cutCollection(db, 'going', artifacts);
    const [told = '', ...left] = over;
    await upsertArtifact(db, TENANT, {
      id: 'told',
      job_id: 'over',
      attempt: 1,
      path: 'adapter',
      kind: 'ADAPTER',
      size_bytes: 1,
      sha256: 'sum',
      storage_key: 'jobs/over/1/adapter',
      created_at: 1,
    });
    const staged = ['over-1/a.part', 'over-1-checkpoint/20/b.part', 'going-1/c.part', 'log-x'].map(
      (name) => write(staging, name),
    );
    await endAttempt(db, 'over', 1, { outcome: 'LOST', exitCode: null, now: 1 });
    startKeeper(db, staging, createLocalStore(artifacts));
    await until('what is left is removed', () => left.every((path) => !existsSync(path)));
    await until('the set is forgotten', async () => (await setsToRemove(db, 9)).length === 0);
    for (const path of [told, ...going]) expect(existsSync(path), path).toBe(true);
    expect(staged.map((path) => existsSync(path))).toEqual([false, false, true, true]);
  });

  it('removes what it can where one of the sets cannot be removed', async () => {
    const db = await open();
    const artifacts = makeFolder();
    const store = createLocalStore(artifacts);
    const [stuck = '', other = ''] = [
      ...(await cutCollection(db, 'stuck', artifacts)).slice(0, 1),
      ...(await cutCollection(db, 'other', artifacts)).slice(0, 1),
    ];
    for (const jobId of ['stuck', 'other']) {
      await endAttempt(db, jobId, 1, { outcome: 'LOST', exitCode: null, now: 1 });
    }
    startKeeper(db, makeFolder(), {
      remove: (key) =>
        key.startsWith('jobs/stuck/')
          ? Promise.reject(new AppError('STORE_UNAVAILABLE', 'That file is another user’s.'))
          : store.remove(key),
    });
    await until('the other set is removed', () => !existsSync(other));
    expect(existsSync(stuck)).toBe(true);
    expect(await setsToRemove(db, 9)).toContainEqual(expect.objectContaining({ jobId: 'stuck' }));
  });
});
