import { expect, test } from 'vitest';
import { LOGS } from '../support/follow.ts';
import type { LogEvent } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { nextsOf, openRaw } from '../support/raw-events.ts';
import { BOUND, MOST_WAITING, TEXT, writeMuch } from '../support/much-log.ts';
import { until } from '../support/until.ts';

async function startReaders(more: { lagMs?: number } = {}) {
  const followed = await startFollowed({ more: { maxBufferedBytes: BOUND, ...more } });
  const { url, job } = followed;

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

  /** @returns how much waited at most for the slowest while the fast got everything */
  function writeAll(fast: Awaited<ReturnType<typeof open>>): Promise<number> {
    return writeMuch(followed, (cursor) => fast.text().slice(-400).includes(cursor));
  }

  return { ...followed, open, writeAll };
}

test('a stalled stream holds no more than the bound; the others get everything; then so does it', async () => {
  const { open, writeAll, end } = await startReaders();
  const [stalled, fast] = [await open(), await open()];
  stalled.response.pause();
  const most = await writeAll(fast);
  expect(most).toBeGreaterThan(BOUND / 2);
  expect(most).toBeLessThan(MOST_WAITING);
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
