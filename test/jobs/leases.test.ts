/** Leases at the store: one holder at a time, and what a late one writes changes nothing. */
import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job/job.ts';
import { upsertArtifact } from '../../src/store/artifacts.ts';
import {
  beginAttempt,
  endAttempt,
  placeAttempt,
  setBoot,
  setBootLine,
  setResumeStep,
  setStartStep,
  setStopping,
} from '../../src/store/attempts.ts';
import type { Database, Queryable } from '../../src/store/database.ts';
import {
  claimDue,
  fenced,
  insertJob,
  LeaseLost,
  patchJob,
  releaseLease,
  renewLease,
} from '../../src/store/jobs.ts';
import { requestCancel, requestPause, requestResume } from '../../src/store/job-wishes.ts';
import type { Lease } from '../../src/store/jobs.ts';
import {
  adoptLaunch,
  condemnLaunches,
  intendLaunch,
  refuseLaunch,
} from '../../src/store/launches.ts';
import { dropLease, holdLease } from '../../src/store/leases.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import { appendPoints } from '../../src/store/metric-points.ts';
import { describeStores } from '../support/databases.ts';
import { jobRecord } from '../support/job-record.ts';
import { until } from '../support/until.ts';

const LONG_MS = 60_000;
const TABLES = ['jobs', 'attempts', 'launches', 'artifacts', 'log_chunks', 'metric_points'];

function intentOf(podName: string, jobId = 'one') {
  return {
    podName,
    tenantId: 'default',
    credentialId: 'default',
    jobId,
    attempt: 1,
    gpuTypeId: 'gpu',
    gpuCount: 1,
    cloud: 'SECURE',
    spot: false,
    usdPerHour: 1,
    intendedAt: 1,
    unsureUntil: 2,
  } as const;
}

/** Every write that a step makes behind its lease. */
const WRITES: Readonly<Record<string, (tx: Queryable, job: Job) => Promise<unknown>>> = {
  patchJob: (tx, job) => patchJob(tx, job, { status: 'COMPLETED', endedAt: 5 }, 5),
  beginAttempt: (tx) =>
    beginAttempt(tx, { tenantId: 'default', jobId: 'one', number: 2, spot: false, now: 5 }),
  placeAttempt: (tx) =>
    placeAttempt(tx, 'one', 1, { gpuTypeId: 'other', dataCenterId: 'EU', usdPerHour: 9 }),
  setBoot: (tx) => setBoot(tx, 'one', 1, 'stale-boot'),
  setBootLine: (tx) => setBootLine(tx, 'one', 1, 99),
  setResumeStep: (tx) => setResumeStep(tx, 'one', 1, 40),
  setStartStep: (tx) => setStartStep(tx, 'one', 1, 40),
  setStopping: (tx) => setStopping(tx, 'one', 1, 5),
  endAttempt: (tx) => endAttempt(tx, 'one', 1, { outcome: 'SUCCEEDED', exitCode: 0, now: 5 }),
  intendLaunch: (tx) => intendLaunch(tx, intentOf('second')),
  adoptLaunch: (tx) =>
    adoptLaunch(tx, 'first', { id: 'pod', dataCenterId: null, usdPerHour: 9, now: 5 }),
  refuseLaunch: (tx) => refuseLaunch(tx, 'first', 'no', 5),
  condemnLaunches: (tx) => condemnLaunches(tx, 'one', 'over', 5),
  appendLines: (tx, job) =>
    appendLines(tx, job, [{ at: 5, source: 'STDOUT', attempt: 1, text: 'late' }]),
  appendPoints: (tx, job) =>
    appendPoints(tx, job, [{ at: 5, step: 1, epoch: null, name: 'loss', value: 1 }]),
  upsertArtifact: (tx) =>
    upsertArtifact(tx, 'default', {
      id: 'artifact',
      job_id: 'one',
      attempt: 1,
      path: 'adapter',
      kind: 'ADAPTER',
      size_bytes: 1,
      sha256: 'x',
      storage_key: 'k',
      created_at: 5,
    }),
};

async function claimOne(db: Database, workerId: string, leaseMs: number): Promise<Lease> {
  return until(`a lease for ${workerId}`, async () => {
    const [lease] = await claimDue(db, { workerId, leaseMs, limit: 1 });
    return lease;
  });
}

/** A job whose first holder is late: its lease ran out and the second has it. */
async function takeOver(db: Database): Promise<{ stale: Lease; current: Lease }> {
  await insertJob(db, jobRecord('one'));
  const stale = await claimOne(db, 'first', 1);
  await fenced(db, stale, async (tx) => {
    const attempt = { tenantId: 'default', jobId: 'one', number: 1, spot: false, now: 1 };
    await beginAttempt(tx, attempt);
    await intendLaunch(tx, intentOf('first'));
  });
  return { stale, current: await claimOne(db, 'second', LONG_MS) };
}

async function everything(db: Database): Promise<unknown> {
  const tables: Record<string, unknown> = {};
  for (const table of TABLES) tables[table] = await db.query(`select * from ${table}`);
  return tables;
}

describeStores('leases', (open) => {
  describe('of a late holder', () => {
    it.each(Object.entries(WRITES))('%s changes nothing', async (_name, write) => {
      const db = await open();
      const { stale, current } = await takeOver(db);
      const before = await everything(db);
      await expect(fenced(db, stale, write)).rejects.toThrow(LeaseLost);
      expect(await everything(db)).toEqual(before);
      await fenced(db, current, write);
      expect(await everything(db), 'the holder of the lease writes').not.toEqual(before);
    });

    it('renewal and release change nothing', async () => {
      const db = await open();
      const { stale, current } = await takeOver(db);
      const before = await everything(db);
      expect(await renewLease(db, 'one', stale.token, LONG_MS)).toBeNull();
      await releaseLease(db, stale, null);
      expect(await everything(db)).toEqual(before);
      expect(await renewLease(db, 'one', current.token, LONG_MS)).toEqual({
        isCancelled: false,
        isPaused: false,
      });
    });
  });

  it('many claimers get every due job once', async () => {
    const db = await open();
    for (let number = 0; number < 30; number += 1) await insertJob(db, jobRecord(`job${number}`));
    const claims = await Promise.all(
      Array.from({ length: 20 }, (_, worker) =>
        claimDue(db, { workerId: `w${worker}`, leaseMs: LONG_MS, limit: 2 }),
      ),
    );
    const ids = claims.flat().map(({ job }) => job.id);
    expect(claims.every((leases) => leases.length <= 2)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const rest = await claimDue(db, { workerId: 'last', leaseMs: LONG_MS, limit: 100 });
    expect(ids.length + rest.length).toBe(30);
  });

  it('a job that is given back is due when it was said, and one that has ended never', async () => {
    const db = await open();
    await insertJob(db, jobRecord('one'));
    await releaseLease(db, await claimOne(db, 'first', LONG_MS), LONG_MS);
    expect(await claimDue(db, { workerId: 'second', leaseMs: LONG_MS, limit: 1 })).toEqual([]);
    await requestCancel(db, 'default', 'one', Date.now());
    const lease = await claimOne(db, 'second', LONG_MS);
    await fenced(db, lease, (tx, job) => patchJob(tx, job, { status: 'CANCELLED', endedAt: 5 }, 5));
    await releaseLease(db, lease, 0);
    expect(await claimDue(db, { workerId: 'third', leaseMs: LONG_MS, limit: 1 })).toEqual([]);
  });

  it('a cancellation that comes during a step is due at once; one that it saw waits', async () => {
    const db = await open();
    await insertJob(db, jobRecord('one'));
    const blind = await claimOne(db, 'first', LONG_MS);
    await requestCancel(db, 'default', 'one', Date.now());
    await releaseLease(db, blind, LONG_MS);
    const seeing = await claimOne(db, 'first', LONG_MS);
    expect(seeing.job.cancelRequestedAt).not.toBeNull();
    await releaseLease(db, seeing, LONG_MS);
    expect(await claimDue(db, { workerId: 'second', leaseMs: LONG_MS, limit: 1 })).toEqual([]);
  });

  it('a pause that is wished, or taken back, during a step is due at once', async () => {
    const db = await open();
    await insertJob(db, jobRecord('one'));
    const isDue = async () =>
      (await claimDue(db, { workerId: 'other', leaseMs: 1, limit: 1 })).length > 0;
    const blind = await claimOne(db, 'first', LONG_MS);
    expect(await requestPause(db, 'default', 'one', 5)).toBe(true);
    expect(await requestPause(db, 'default', 'one', 6)).toBe(true);
    await releaseLease(db, blind, LONG_MS);
    const seeing = await claimOne(db, 'first', LONG_MS);
    expect(seeing.job.pauseRequestedAt).toBe(5);
    await releaseLease(db, seeing, LONG_MS);
    expect(await isDue()).toBe(false);
    await requestPause(db, 'default', 'one', 7);
    const again = await claimOne(db, 'first', LONG_MS);
    expect(await requestResume(db, 'default', 'one')).toBe(true);
    await releaseLease(db, again, LONG_MS);
    expect((await claimOne(db, 'first', LONG_MS)).job.pauseRequestedAt).toBeNull();
  });

  it('a pause is not wished of a job that is cancelled, has ended or is another tenant’s', async () => {
    const db = await open();
    await insertJob(db, jobRecord('one'));
    expect(await requestPause(db, 'other', 'one', 5)).toBe(false);
    expect(await requestPause(db, 'default', 'none', 5)).toBe(false);
    await requestCancel(db, 'default', 'one', 5);
    expect(await requestPause(db, 'default', 'one', 5)).toBe(false);
    expect(await requestResume(db, 'default', 'one')).toBe(false);
    const lease = await claimOne(db, 'first', LONG_MS);
    await fenced(db, lease, (tx, job) => patchJob(tx, job, { status: 'CANCELLED', endedAt: 5 }, 5));
    expect(await requestPause(db, 'default', 'one', 5)).toBe(false);
  });

  it('a named lease has one holder, who may renew and drop it', async () => {
    const db = await open();
    const lease = { tenantId: 'default', name: 'sweeper', leaseMs: LONG_MS };
    const mine = { ...lease, workerId: 'mine' };
    const theirs = { ...lease, workerId: 'theirs' };
    expect(await holdLease(db, mine)).toBe(true);
    expect(await holdLease(db, theirs)).toBe(false);
    expect(await holdLease(db, mine)).toBe(true);
    await dropLease(db, theirs);
    expect(await holdLease(db, theirs)).toBe(false);
    await dropLease(db, mine);
    expect(await holdLease(db, { ...theirs, leaseMs: 1 })).toBe(true);
    await until('it has run out', () => holdLease(db, mine));
  });
});
