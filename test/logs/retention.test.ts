import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { archiveLog } from '../../src/logs/log-artifact.ts';
import { createLogKeeper } from '../../src/logs/log-keeper.ts';
import { createLogReader } from '../../src/logs/reader.ts';
import { retainLogs } from '../../src/logs/retention.ts';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { selectArtifactsOfJobs } from '../../src/store/artifacts.ts';
import type { Database } from '../../src/store/database.ts';
import { appendLines, lastSeqs } from '../../src/store/log-lines.ts';
import { unarchivedJobs } from '../../src/store/log-retention.ts';
import { appendPoints, pointsAfter } from '../../src/store/metric-points.ts';
import { describeStores } from '../support/databases.ts';
import { createFolderStore } from '../support/folder-store.ts';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';
import { allLines, insertRunningJob, TENANT } from './log-world.ts';

const { signal } = new AbortController();
const KEEP = { keepMs: 1_000, maxBytesPerJob: 1_000_000 };

async function jobWithLines(db: Database, count: number, text = 'x') {
  const { id } = await insertRunningJob(db);
  const job = { id, tenantId: TENANT };
  for (let at = 0; at < count; at += 100) {
    const lines = Array.from({ length: Math.min(100, count - at) }, (_, index) => ({
      at: 1_700_000_000_000 + at + index,
      source: 'STDOUT' as const,
      attempt: 1,
      text: `${text} ${at + index + 1}`,
    }));
    await appendLines(db, job, lines);
  }
  return job;
}

const end = (db: Database, id: string, at: number) =>
  db.query(`update jobs set ended_at = $2, due_at = null, status = 'FAILED' where id = $1`, [
    id,
    at,
  ]);

describeStores('retention', (open) => {
  it('drops the oldest lines of a job that has too many, and readers go on with the rest', async () => {
    const db = await open();
    const big = await jobWithLines(db, 2_000, 'x'.repeat(100));
    const small = await jobWithLines(db, 100);
    await retainLogs(db, { ...KEEP, maxBytesPerJob: 100_000 }, 0, signal);
    const left = await allLines(db, big.id);
    expect(left.length).toBeGreaterThan(500);
    expect(left.length).toBeLessThan(1_000);
    expect(left.map(({ seq }) => seq)).toEqual(
      left.map((_line, at) => 2_000 - left.length + at + 1),
    );
    expect(await allLines(db, small.id)).toHaveLength(100);
    const reader = createLogReader({ db });
    const behind = await reader.page(big.id, { after: encodeCursor('log', big.id, 7), first: 5 });
    expect(behind.lines.map(({ seq }) => seq)).toEqual(left.slice(0, 5).map(({ seq }) => seq));
    // The next line has the next number, whatever was dropped.
    await appendLines(db, big, [{ at: 1, source: 'STDOUT', attempt: 1, text: 'next' }]);
    expect((await lastSeqs(db, big.id)).log).toBe(2_001);
    expect((await allLines(db, big.id)).at(-1)).toMatchObject({ seq: 2_001, text: 'next' });
  });

  it('drops the log of a job that ended long ago, once it is an artifact', async () => {
    const db = await open();
    const [old, young, going] = [
      await jobWithLines(db, 300),
      await jobWithLines(db, 300),
      await jobWithLines(db, 300),
    ];
    const point = { at: 1, step: null, epoch: null, value: 1 };
    await appendPoints(db, old, [
      { ...point, name: 'loss' },
      { ...point, name: 'gpu0.utilization' },
    ]);
    await end(db, old.id, 1_000);
    await end(db, young.id, 9_500);
    await retainLogs(db, KEEP, 10_000, signal);
    expect(await allLines(db, old.id)).toHaveLength(300);
    await db.query('update jobs set log_archived_at = 1 where ended_at is not null');
    await retainLogs(db, KEEP, 10_000, signal);
    expect(await allLines(db, old.id)).toEqual([]);
    expect((await pointsAfter(db, old.id, 0, null, 10)).map(({ name }) => name)).toEqual(['loss']);
    for (const { id } of [young, going]) expect(await allLines(db, id)).toHaveLength(300);
  });
});

describeStores('the log of an ended job', (open) => {
  function start(db: Database) {
    const folder = makeFolder();
    const store = createFolderStore(folder);
    const now = () => 5;
    return { store, deps: { db, artifacts: store, stagingFolder: makeFolder(), now } };
  }

  it('is an artifact with every line, the same whenever it is made', async () => {
    const db = await open();
    const { store, deps } = start(db);
    const job = await jobWithLines(db, 2_345, 'ünï\u0000');
    await archiveLog(deps, job, signal);
    const [[first] = []] = await selectArtifactsOfJobs(db, TENANT, [job.id]);
    await archiveLog(deps, job, signal);
    expect(await selectArtifactsOfJobs(db, TENANT, [job.id])).toEqual([[first]]);
    const bytes = store.contents()[first?.storage_key ?? ''] ?? Buffer.alloc(0);
    expect(first).toMatchObject({
      path: 'log.jsonl.gz',
      kind: 'LOG',
      size_bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const lines = gunzipSync(bytes).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(2_345);
    expect(JSON.parse(lines.at(-1) ?? '')).toEqual({
      at: new Date(1_700_000_002_344).toISOString(),
      seq: 2_345,
      source: 'STDOUT',
      attempt: 1,
      text: 'ünï\u0000 2345',
    });
  });

  it('is made by a keeper, also where one of several cannot be', async () => {
    const db = await open();
    const { store, deps } = start(db);
    const [broken, sound] = [await jobWithLines(db, 10), await jobWithLines(db, 10)];
    await end(db, broken.id, 1);
    await end(db, sound.id, 2);
    const archived: string[] = [];
    const keeper = createLogKeeper({
      ...deps,
      artifacts: {
        adopt: (key, path) =>
          key.includes(broken.id) ? Promise.reject(new Error('no disk')) : store.adopt(key, path),
      },
      tenantId: TENANT,
      workerId: 'one',
      leaseMs: 1_000,
      tickMs: 10,
      policy: KEEP,
      log: pino({ level: 'silent' }),
      onArchived: (jobId) => archived.push(jobId),
    });
    onTestFinished(() => keeper.close());
    keeper.start();
    await until('the sound one is archived', () => archived.includes(sound.id));
    expect((await unarchivedJobs(db, 10)).map(({ id }) => id)).toEqual([broken.id]);
  });
});
