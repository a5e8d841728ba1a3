/** Rows that nobody needs any more. */
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Platform } from '../../src/datasources/platform.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { createSweeper } from '../../src/jobs/sweeper.ts';
import type { Database } from '../../src/store/database.ts';
import { claimDue, fenced, insertJob, patchJob } from '../../src/store/jobs.ts';
import { holdLease, purgeLeases } from '../../src/store/leases.ts';
import { endQuarantine, quarantine } from '../../src/store/quarantine.ts';
import { describeStores } from '../support/databases.ts';
import { jobRecord } from '../support/job-record.ts';

const LONG_MS = 60_000;
/** It has run out when it begins. */
const OVER_MS = -1;

async function endJob(db: Database, id: string): Promise<void> {
  await insertJob(db, jobRecord(id));
  const [lease] = await claimDue(db, { workerId: 'one', leaseMs: LONG_MS, limit: 1 });
  if (lease === undefined) throw new Error('there is no job to claim');
  await fenced(db, lease, (tx, job) => patchJob(tx, job, { status: 'COMPLETED', endedAt: 5 }, 5));
}

const hold = (db: Database, name: string, leaseMs: number) =>
  holdLease(db, { tenantId: 'default', name, workerId: 'killed', leaseMs });

async function leaseNames(db: Database): Promise<string[]> {
  const rows = await db.query<{ name: string }>('select name from leases');
  return rows.map(({ name }) => name).toSorted();
}

function sweep(db: Database): Promise<void> {
  const sweeper = createSweeper({
    db,
    // Nothing is listed, so nothing is asked of it.
    platform: {} as Platform,
    tenantId: 'default',
    credentialId: 'default',
    installationId: 'one',
    policy: {
      podEndMs: LONG_MS,
      askingSince: 0,
      absences: 3,
      absentMs: LONG_MS,
      quarantineMs: LONG_MS,
      billingMs: LONG_MS,
      billingSettledMs: LONG_MS,
    },
    log: pino({ level: 'silent' }),
    now: Date.now,
    failpoint: noFailpoint,
    onQuarantine: () => undefined,
    onOverdue: () => undefined,
  });
  const listing = { takenAt: Date.now(), pods: [], byName: new Map() };
  return sweeper.sweep(listing, new AbortController().signal);
}

describeStores('leases that were left', (open) => {
  it('are swept once they have run out and their job has ended, and no others', async () => {
    const db = await open();
    await endJob(db, 'ended');
    // Leases of the server itself may be called as a job is.
    await endJob(db, 'default');
    await insertJob(db, jobRecord('live'));
    const kinds = ['checkpoint', 'finish', 'ingest', 'system'];
    for (const kind of kinds) {
      await hold(db, `${kind}:ended`, OVER_MS);
      await hold(db, `${kind}:live`, OVER_MS);
    }
    await hold(db, 'sweeper:default', OVER_MS);
    await hold(db, 'file-keeper', OVER_MS);
    await hold(db, 'ingest:default', LONG_MS);
    await sweep(db);
    expect(await leaseNames(db)).toEqual(
      [
        ...kinds.map((kind) => `${kind}:live`),
        'file-keeper',
        'ingest:default',
        'sweeper:default',
      ].toSorted(),
    );
  });

  it('are removed a few at a time, and taken again as if they had never been', async () => {
    const db = await open();
    await endJob(db, 'ended');
    for (const kind of ['checkpoint', 'ingest', 'system']) await hold(db, `${kind}:ended`, OVER_MS);
    await purgeLeases(db, 2);
    expect(await leaseNames(db)).toHaveLength(1);
    await purgeLeases(db, 2);
    expect(await leaseNames(db)).toEqual([]);
    expect(await hold(db, 'ingest:ended', LONG_MS)).toBe(true);
    await purgeLeases(db, 2);
    expect(await leaseNames(db)).toEqual(['ingest:ended']);
  });
});

describeStores('pods that were in quarantine', (open) => {
  it('are forgotten a month after they were gone', async () => {
    const db = await open();
    const dayMs = 86_400_000;
    const at = Date.now();
    const pod = { podName: 'rps', tenantId: 'default', credentialId: 'other', usdPerHour: 1 };
    for (const [podId, endedAt] of [
      ['long ago', at - 31 * dayMs],
      ['lately', at - 29 * dayMs],
      ['not yet', null],
    ] as const) {
      await quarantine(db, { ...pod, podId, now: at - 90 * dayMs });
      if (endedAt !== null) await endQuarantine(db, podId, endedAt);
    }
    await sweep(db);
    const rows = await db.query<{ pod_id: string }>('select pod_id from quarantined_pods');
    expect(rows.map((row) => row.pod_id).toSorted()).toEqual(['lately', 'not yet']);
  });
});
