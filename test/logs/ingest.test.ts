import { expect, it } from 'vitest';
import { createLogWriter, LaneStale } from '../../src/logs/ingest.ts';
import type { BootLane, LogWriter } from '../../src/logs/ingest.ts';
import { findAttempt, endAttempt, setBoot } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { findLaunches } from '../../src/store/launches.ts';
import { lastSeqs } from '../../src/store/log-lines.ts';
import { pointsAfter } from '../../src/store/metric-points.ts';
import { describeStores } from '../support/databases.ts';
import { allLines, insertRunningJob, TENANT } from './log-world.ts';

const BOOT = 'b'.repeat(16);

function writerOf(db: Database, failpoint: () => void = () => undefined) {
  const stored: string[] = [];
  const onStored = (jobId: string) => stored.push(jobId);
  return { writer: createLogWriter({ db, onStored, failpoint }), stored };
}

async function jobWithBoot(db: Database) {
  const job = await insertRunningJob(db);
  await setBoot(db, job.id, 1, BOOT);
  return job;
}

function lane(jobId: string, from = 0): BootLane {
  return { tenantId: TENANT, jobId, attempt: 1, bootId: BOOT, from };
}

function part(from: number, to: number) {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index + 1);
  const lines = numbers.map((n) => ({
    at: n,
    source: 'STDOUT' as const,
    attempt: 1,
    text: `line ${n}`,
  }));
  return { lines, to };
}

async function pushAll(writer: LogWriter, jobId: string, from: number, to: number): Promise<void> {
  const open = writer.openBoot(lane(jobId, from));
  await open.push(part(from, to));
  await open.flushed();
}

describeStores('the log writer', (open) => {
  it('stores what several jobs write, each with numbers of its own, and then tells', async () => {
    const db = await open();
    const { writer, stored } = writerOf(db);
    const jobs = [await jobWithBoot(db), await jobWithBoot(db), await jobWithBoot(db)];
    await Promise.all(jobs.map(({ id }, index) => pushAll(writer, id, 0, 2_500 + index)));
    for (const [index, { id }] of jobs.entries()) {
      const lines = await allLines(db, id);
      expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, at) => at + 1));
      expect(lines.map(({ text }) => text)).toEqual(lines.map((_line, at) => `line ${at + 1}`));
      expect(lines).toHaveLength(2_500 + index);
      expect(await findAttempt(db, id, 1)).toMatchObject({ bootLine: 2_500 + index });
    }
    expect(new Set(stored)).toEqual(new Set(jobs.map(({ id }) => id)));
    await writer.close();
  });

  it('refuses who comes late, and nobody else in the same commit', async () => {
    const db = await open();
    const [late, other] = [await jobWithBoot(db), await jobWithBoot(db)];
    const { writer } = writerOf(db);
    await pushAll(writer, late.id, 0, 10);
    const outcomes = await Promise.allSettled([
      pushAll(writer, late.id, 0, 10),
      pushAll(writer, other.id, 0, 10),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(outcomes[0]).toMatchObject({ reason: expect.any(LaneStale) as unknown });
    for (const { id } of [late, other]) expect(await allLines(db, id)).toHaveLength(10);
    await writer.close();
  });

  it('of two servers that store the same lines at once, one does', async () => {
    const db = await open();
    const { id } = await jobWithBoot(db);
    const writers = [writerOf(db).writer, writerOf(db).writer];
    const outcomes = await Promise.allSettled(writers.map((writer) => pushAll(writer, id, 0, 100)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await allLines(db, id)).toHaveLength(100);
    await Promise.all(writers.map((writer) => writer.close()));
  });

  it('that dies between commit and acknowledgement has stored each line once', async () => {
    const db = await open();
    const { id } = await jobWithBoot(db);
    const { writer } = writerOf(db, () => {
      throw new Error('killed here');
    });
    await expect(pushAll(writer, id, 0, 10)).rejects.toThrow('killed here');
    const { bootLine = 0 } = (await findAttempt(db, id, 1)) ?? {};
    expect(bootLine).toBe(10);
    const next = writerOf(db).writer;
    await expect(pushAll(next, id, 0, 12)).rejects.toThrow(LaneStale);
    await pushAll(next, id, bootLine, 12);
    expect((await allLines(db, id)).map(({ text }) => text)).toEqual(
      Array.from({ length: 12 }, (_, index) => `line ${index + 1}`),
    );
    await next.close();
  });

  it('takes no line of an attempt or a job that has ended', async () => {
    const db = await open();
    const { writer } = writerOf(db);
    const [attempt, job] = [await jobWithBoot(db), await jobWithBoot(db)];
    await endAttempt(db, attempt.id, 1, { outcome: 'LOST', exitCode: null, now: 1 });
    await db.query('update jobs set ended_at = 1 where id = $1', [job.id]);
    for (const { id } of [attempt, job]) {
      await expect(pushAll(writer, id, 0, 1)).rejects.toThrow(LaneStale);
      expect(await allLines(db, id)).toEqual([]);
    }
    await writer.close();
  });

  it('stores points and progress with the lines they came in', async () => {
    const db = await open();
    const { id } = await jobWithBoot(db);
    const { writer } = writerOf(db);
    const open1 = writer.openBoot(lane(id));
    const points = Array.from({ length: 2_500 }, (_, step) => ({
      at: step,
      step,
      epoch: null,
      name: 'loss',
      value: step % 2 === 0 ? step : null,
    }));
    const progress = { step: 3, totalSteps: 9, epoch: null, fraction: 0.3, secondsRemaining: 1 };
    await open1.push({ ...part(0, 1), points, progress });
    await open1.push({ ...part(1, 2) });
    await open1.flushed();
    const stored = await pointsAfter(db, id, 0, null, 10_000);
    expect(stored.map(({ seq }) => seq)).toEqual(points.map((_point, index) => index + 1));
    expect(stored.slice(0, 2)).toMatchObject([{ value: 0 }, { value: null }]);
    expect(await lastSeqs(db, id)).toEqual({ log: 2, metrics: 2_500 });
    const [row] = await db.query<{ progress: string }>('select progress from jobs where id = $1', [
      id,
    ]);
    expect(JSON.parse(row?.progress ?? '')).toEqual(progress);
    await writer.close();
  });

  it("stores the platform's lines behind their last event, and what was wrong with the image", async () => {
    const db = await open();
    const { id, podName } = await jobWithBoot(db);
    const { writer } = writerOf(db);
    const system = writer.openSystem({ tenantId: TENANT, jobId: id, podName, from: '' });
    await system.push({ ...part(0, 1), to: 'event-1', imageFault: null });
    await system.flushed();
    await system.push({ ...part(1, 2), to: 'event-2', imageFault: 'manifest unknown' });
    await system.flushed();
    const launch = (await findLaunches(db, [podName])).get(podName);
    expect(launch).toMatchObject({ logEventId: 'event-2', imageFault: 'manifest unknown' });
    const twice = writer.openSystem({ tenantId: TENANT, jobId: id, podName, from: 'event-1' });
    await twice.push({ ...part(1, 2), to: 'event-2', imageFault: null });
    await expect(twice.flushed()).rejects.toThrow(LaneStale);
    expect(await allLines(db, id)).toHaveLength(2);
    await writer.close();
  });

  it('makes whoever brings too much wait until it is stored', async () => {
    const db = await open();
    const { id } = await jobWithBoot(db);
    const { writer } = writerOf(db);
    const own = writer.openBoot(lane(id));
    let hasRoom = false;
    // The first are on their way to the store at once.
    await own.push(part(0, 10_000));
    const room = own.push(part(10_000, 20_000)).then(() => (hasRoom = true));
    await Promise.resolve();
    expect(hasRoom).toBe(false);
    await room;
    expect(await findAttempt(db, id, 1)).toMatchObject({ bootLine: 20_000 });
    await writer.close();
  });
});
