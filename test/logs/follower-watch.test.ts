/** What the reconciler takes of a pod's status, and how long it waits for a log. */
import { expect, it } from 'vitest';
import type { AgentStatus } from '../../src/datasources/pod-agent.ts';
import type { Launch } from '../../src/domain/job/job.ts';
import { createLogWatch } from '../../src/jobs/log-watch.ts';
import { findAttempt, setBoot } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { claimDue } from '../../src/store/jobs.ts';
import { pointsAfter } from '../../src/store/metric-points.ts';
import { describeStores } from '../support/databases.ts';
import { until } from '../support/until.ts';
import { allLines, insertRunningJob, startLogWorld } from './log-world.ts';

const BOOT = 'b'.repeat(16);
const STATUS = {
  bootId: BOOT,
  phase: 'SUCCEEDED',
  lastLine: 0,
  logClosed: false,
  gpuSamples: [],
} as unknown as AgentStatus;

/** `isSure`: what the followers say of their end. */
async function start(db: Database, isSure = true) {
  const { id, podName } = await insertRunningJob(db);
  await setBoot(db, id, 1, BOOT);
  const [lease] = await claimDue(db, { workerId: 'w', leaseMs: 60_000, limit: 1 });
  if (lease === undefined) throw new Error('no job is due');
  let clock = 1_000;
  const nothing = () => Promise.resolve();
  const watch = createLogWatch({
    db,
    followers: {
      follow: () => undefined,
      settled: nothing,
      finish: () => Promise.resolve(isSure),
    },
    patienceMs: 100,
    now: () => clock,
  });
  return {
    id,
    take: async (status: Partial<AgentStatus>) => {
      const attempt = await findAttempt(db, id, 1);
      if (attempt === null) throw new Error('there is no attempt');
      return watch.take(lease, attempt, { ...STATUS, ...status });
    },
    finish: (status: Partial<AgentStatus> | null) => {
      const launch = { podId: 'pod', podName } as unknown as Launch;
      return watch.finish(lease, { launch, status: status && { ...STATUS, ...status } });
    },
    pass: (ms: number) => (clock += ms),
  };
}

describeStores("a pod's status", (open) => {
  it('has GPU samples, each of which is stored once', async () => {
    const db = await open();
    const { id, take } = await start(db);
    const sample = (at: number) => ({
      at,
      gpus: [0, 1].map((index) => ({
        index,
        utilizationPercent: at,
        memoryUsedMb: null,
        memoryTotalMb: null,
        temperatureC: null,
      })),
    });
    await take({ gpuSamples: [1, 2].map(sample) });
    await take({ gpuSamples: [1, 2, 3].map(sample) });
    await take({ gpuSamples: [2, 3].map(sample) });
    const points = await pointsAfter(db, id, 0, ['gpu0.utilization'], 100);
    expect(points.map(({ value }) => value)).toEqual([1, 2, 3]);
    expect(await pointsAfter(db, id, 0, null, 100)).toHaveLength(6);
  });

  it('of a log that never becomes whole is waited for so long, and then the log says what is missing', async () => {
    const db = await open();
    const { id, take, pass } = await start(db);
    expect(await take({ lastLine: 5 })).toBe(false);
    expect(await take({ lastLine: 5, logClosed: true })).toBe(false);
    pass(99);
    expect(await take({ lastLine: 5, logClosed: true })).toBe(false);
    // A line came: the patience begins anew.
    await db.query('update attempts set boot_line = 2 where job_id = $1', [id]);
    pass(99);
    expect(await take({ lastLine: 5, logClosed: true })).toBe(false);
    pass(100);
    expect(await take({ lastLine: 5, logClosed: true })).toBe(true);
    expect(await allLines(db, id)).toMatchObject([
      { source: 'LIFECYCLE', text: '3 lines are missing here: the pod could not deliver them.' },
    ]);
    expect(await take({ lastLine: 5, logClosed: true })).toBe(true);
    expect(await allLines(db, id)).toHaveLength(1);
  });

  it('at the end of an attempt tells how many lines are not to be had', async () => {
    const db = await open();
    const { id, finish } = await start(db);
    await finish({ lastLine: 0 });
    expect(await allLines(db, id)).toEqual([]);
    const restarted = { bootId: 'c'.repeat(16), previousBoot: { bootId: BOOT, lastLine: 7 } };
    await finish(restarted as Partial<AgentStatus>);
    const told = [{ text: '7 lines are missing here: the pod could not deliver them.' }];
    expect(await allLines(db, id)).toMatchObject(told);
    await finish(restarted as Partial<AgentStatus>);
    expect(await allLines(db, id)).toMatchObject(told);
  });

  it('that is not to be had, and a follower that does not answer: lines may be missing', async () => {
    const db = await open();
    const { id, finish } = await start(db, false);
    await finish(null);
    expect(await allLines(db, id)).toMatchObject([
      { source: 'LIFECYCLE', text: expect.stringContaining('may be missing') as string },
    ]);
  });

  it('of a log that is empty or whole is not waited for', async () => {
    const { take } = await start(await open());
    expect(await take({ lastLine: 0, logClosed: true })).toBe(true);
  });
});

describeStores('a run that diverges', (open) => {
  it('is warned of once, in its log and on its attempt', async () => {
    const step = (loss: string) => `print('@metric {"event": "step", "step": 1, "loss": ${loss}}')`;
    const world = await startLogWorld(
      await open(),
      `${step('1')}\n${step('null')}\n${step('null')}\nimport time; time.sleep(60)`,
    );
    world.followers().follow(world.target);
    await world.start();
    const { db, jobId } = world;
    const warned = await until('it is warned of', async () => {
      const attempt = await findAttempt(db, jobId, 1);
      return attempt?.warning;
    });
    expect(warned).toContain('the loss is not a number');
    const said = (await world.lines()).filter(({ source }) => source === 'LIFECYCLE');
    expect(said.map(({ text }) => text)).toEqual([warned]);
    const points = await until('its points are there', async () => {
      const stored = await pointsAfter(db, jobId, 0, ['loss'], 10);
      return stored.length === 3 ? stored : null;
    });
    expect(points.map(({ value }) => value)).toEqual([1, null, null]);
  });
});
