import { expect, test } from 'vitest';
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import { lineOf, LOGS } from '../support/follow.ts';
import type { LogEvent } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { nextsOf, openRaw } from '../support/raw-events.ts';
import { until } from '../support/until.ts';

const BOUND = 64 * 1024;
/** The kernel's buffers between two sockets of one machine hold megabytes: more is written. */
const BATCHES = 250;
const LINES_PER_BATCH = 20;
const LAST = BATCHES * LINES_PER_BATCH;
const PADDING = 'x'.repeat(2_000);
const TEXT = Array.from({ length: LAST }, (_, index) => `${index + 1} ${PADDING}`);

async function startReaders(more: { lagMs?: number } = {}) {
  const followed = await startFollowed({ more: { maxBufferedBytes: BOUND, ...more } });
  const { url, db, job, bus, sockets } = followed;

  async function open(after: string | null = null) {
    const body = { query: LOGS, variables: { jobId: job.id, after } };
    const stream = await openRaw(`${url}/graphql`, { body });
    await until('the first batch', () => stream.text().includes('event: next'));
    const events = () =>
      nextsOf(stream.text()).map(
        (seen) => (seen as { data: { trainingJobLogs: LogEvent } }).data.trainingJobLogs,
      );
    const lines = () => events().flatMap(({ count, text }) => (count > 0 ? text.split('\n') : []));
    return { ...stream, events, lines };
  }

  /** @returns how much waited at most for the slowest while the fast one got everything */
  async function writeAll(fast: Awaited<ReturnType<typeof open>>): Promise<number> {
    let most = 0;
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const texts = TEXT.slice(batch * LINES_PER_BATCH, (batch + 1) * LINES_PER_BATCH);
      await db.transaction((tx) =>
        appendLines(
          tx,
          job,
          texts.map((text) => lineOf(text)),
        ),
      );
      bus.publish(job.id);
      const cursor = encodeCursor('log', job.id, (batch + 1) * LINES_PER_BATCH);
      await until('the fast one has it', () => {
        most = Math.max(most, ...sockets.map(({ writableLength }) => writableLength));
        return fast.text().slice(-400).includes(cursor);
      });
    }
    return most;
  }

  return { ...followed, open, writeAll };
}

test('a stalled stream holds no more than the bound; the others get everything; then so does it', async () => {
  const { open, writeAll, end } = await startReaders();
  const [stalled, fast] = [await open(), await open()];
  stalled.response.pause();
  const most = await writeAll(fast);
  expect(most).toBeGreaterThan(BOUND / 2);
  // And one batch: it is the one that went over the bound.
  expect(most).toBeLessThan(BOUND + 2 * LINES_PER_BATCH * 2_100);
  expect(stalled.text().length).toBeLessThan(fast.text().length);
  stalled.response.resume();
  await end();
  for (const stream of [stalled, fast]) {
    expect(await stream.ended).toBe(true);
    expect(stream.lines()).toEqual(TEXT);
    expect(stream.events().at(-1)).toMatchObject({ reason: 'JOB_ENDED' });
  }
});

test('a stream that stays slow for too long is told LAGGED, with where to go on', async () => {
  const { open, writeAll, end } = await startReaders({ lagMs: 50 });
  const [slow, fast] = [await open(), await open()];
  slow.response.pause();
  await writeAll(fast);
  slow.response.resume();
  expect(await slow.ended).toBe(true);
  const last = slow.events().at(-1);
  expect(last).toMatchObject({ reason: 'LAGGED', retry: true });
  const rest = await open(last?.cursor);
  await end();
  await rest.ended;
  expect([...slow.lines(), ...rest.lines()]).toEqual(TEXT);
});
