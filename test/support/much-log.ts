/** A log of more than kernel and bound hold for a reader that stands still. */
import { encodeCursor } from '../../src/domain/job/log-cursor.ts';
import { appendLines } from '../../src/store/log-lines.ts';
import { lineOf } from './follow.ts';
import type { startFollowed } from './followed.ts';
import { until } from './until.ts';

export const BOUND = 64 * 1024;
/** The kernel's buffers between two sockets of one machine hold megabytes: more is written. */
const BATCHES = 250;
const LINES_PER_BATCH = 20;
export const LAST = BATCHES * LINES_PER_BATCH;
const PADDING = 'x'.repeat(2_000);
export const TEXT = Array.from({ length: LAST }, (_, index) => `${index + 1} ${PADDING}`);
/** The bound and one batch, which is the one that went over it. */
export const MOST_WAITING = BOUND + 2 * LINES_PER_BATCH * 2_100;

/**
 * Writes {@link TEXT}, each batch when the fast readers have the last.
 * @param haveAll whether they have everything up to a cursor
 * @returns bytes that waited at most for the slowest reader meanwhile
 */
export async function writeMuch(
  { db, job, bus, sockets }: Awaited<ReturnType<typeof startFollowed>>,
  haveAll: (cursor: string) => boolean,
): Promise<number> {
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
    await until('the fast ones have it', () => {
      most = Math.max(most, ...sockets.map(({ writableLength }) => writableLength));
      return haveAll(cursor);
    });
  }
  return most;
}
