/** What many readers ask the store for together is what each would have got alone. */
import { expect, it } from 'vitest';
import type { NewLogLine } from '../../src/domain/job/log-line.ts';
import { createTailLoaders } from '../../src/logs/tail-loaders.ts';
import type { Database } from '../../src/store/database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { appendLines, linesAfter, linesWithin } from '../../src/store/log-lines.ts';
import { describeStores } from '../support/databases.ts';
import { jobRecord } from '../support/job-record.ts';

/** Chunks of these sizes, in this order. */
const LOGS = { one: [1, 1, 40, 1_000, 2], two: [3], three: [70], none: [] };

async function writeLogs(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    for (const [id, chunks] of Object.entries(LOGS)) {
      const job = jobRecord(id, { status: 'RUNNING', attempt: 1 });
      await insertJob(tx, job);
      let number = 0;
      for (const count of chunks) {
        const lines = Array.from({ length: count }, (): NewLogLine => {
          number += 1;
          return { at: number, source: 'STDOUT', attempt: 1, text: `${id} ${number}` };
        });
        await appendLines(tx, job, lines);
      }
    }
  });
}

/** Everything that is asked of the database, as text. */
function counting(db: Database): { readonly db: Database; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    db: {
      ...db,
      query: (sql, parameters) => {
        asked.push(sql);
        return db.query(sql, parameters);
      },
    },
  };
}

describeStores('reading for many', (open) => {
  it('gives each span its lines, in order, whatever chunks they are in', async () => {
    const db = await open();
    await writeLogs(db);
    const spans = [
      { jobId: 'two', after: 0, upTo: 3 },
      { jobId: 'one', after: 0, upTo: 2 },
      { jobId: 'one', after: 1, upTo: 30 },
      { jobId: 'one', after: 1_000, upTo: 1_044 },
      { jobId: 'one', after: 0, upTo: 2 },
      { jobId: 'three', after: 69, upTo: 70 },
      { jobId: 'three', after: 70, upTo: 71 },
      { jobId: 'none', after: 0, upTo: 1 },
      { jobId: 'unknown', after: 0, upTo: 1 },
    ];
    const together = await linesWithin(db, spans);
    expect(together).toHaveLength(spans.length);
    for (const [index, { jobId, after, upTo }] of spans.entries()) {
      const mine = together[index];
      if (!Array.isArray(mine)) throw new Error('it cannot be read');
      const alone = (await linesAfter(db, jobId, after)).filter(({ seq }) => seq <= upTo);
      expect(mine.filter(({ seq }) => seq <= upTo)).toEqual(alone);
      expect(mine.every(({ seq }) => seq > after)).toBe(true);
    }
  });

  it('takes one statement for what is asked at the same time, and none for others to see', async () => {
    const { db, asked } = counting(await open());
    await writeLogs(db);
    asked.length = 0;
    const loaders = createTailLoaders(db, 'default');
    const ids = [...Object.keys(LOGS), 'unknown'];
    const heads = await Promise.all(ids.map((id) => loaders.head(id)));
    expect(heads.map((head) => head?.log)).toEqual([1_044, 3, 70, 0, undefined]);
    const lines = await Promise.all(
      ids.map((jobId) => loaders.lines({ jobId, after: 0, upTo: 2 })),
    );
    expect(lines.map((each) => each.at(0)?.text)).toEqual([
      'one 1',
      'two 1',
      'three 1',
      undefined,
      undefined,
    ]);
    expect(asked).toHaveLength(2);
    await expect(createTailLoaders(db, 'another').head('one')).resolves.toBeNull();
  });

  it('keeps what cannot be read of one job from the readers of others', async () => {
    const db = await open();
    await writeLogs(db);
    await db.query("update log_chunks set body = 'torn' where job_id = 'two'");
    const loaders = createTailLoaders(db, 'default');
    const read = (jobId: string) => loaders.lines({ jobId, after: 0, upTo: 2 });
    const [one, two, three] = await Promise.allSettled([read('one'), read('two'), read('three')]);
    expect([one.status, two.status, three.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('reads a long way alone, in bounded parts', async () => {
    const { db, asked } = counting(await open());
    await writeLogs(db);
    asked.length = 0;
    const lines = await createTailLoaders(db, 'default').lines({
      jobId: 'one',
      after: 0,
      upTo: 1_044,
    });
    expect(lines).toEqual(await linesAfter(db, 'one', 0));
    expect(asked[0]).toContain('limit');
  });
});
