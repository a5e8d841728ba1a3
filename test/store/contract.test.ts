/** What every engine promises behind the port. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database, Queryable } from '../../src/store/database.ts';
import { describeStores } from '../support/databases.ts';

interface Item {
  readonly id: string;
  readonly whole: number | null;
  readonly real: number | null;
  readonly note: string | null;
}

describeStores('a store', (open) => {
  let db: Database;
  const insert = 'insert into items (id, whole, real, note) values ($1, $2, $3, $4)';
  const readAll = (source: Queryable = db) =>
    source.query<Item>('select id, whole, real, note from items order by id');

  beforeEach(async () => {
    db = await open();
    await db.query(
      'create table items (id text primary key, whole bigint, real double precision, note text)',
    );
  });

  describe('values', () => {
    it.each([
      ['the largest whole numbers', Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
      ['nothing', null, null],
      ['zero', 0, 0],
      ['an instant and a fraction', 1_790_000_000_123, 0.1],
      ['a very small and a very large fraction', -1, 1.7976931348623157e308],
    ])('%s come back as they went in', async (_what, whole, real) => {
      await db.query(insert, ['a', whole, real, null]);
      expect(await readAll()).toEqual([{ id: 'a', whole, real, note: null }]);
    });

    it.each([
      ['quotes', `it's "quoted" \\ and ; -- done /* not */`],
      ['dollars and question marks', '$1 ?1 $2 ?'],
      ['unicode', 'Grüße 🚀 日本語 e\u0301'],
      ['lines', 'one\ntwo\r\n\tthree'],
      ['nothing at all', ''],
      ['a long text', 'x'.repeat(1_000_000)],
    ])('a text with %s comes back as it went in', async (_what, note) => {
      await db.query(insert, ['a', null, null, note]);
      expect(await readAll()).toMatchObject([{ note }]);
    });

    it('a NaN is stored as null', async () => {
      await db.query(insert, ['a', null, NaN, null]);
      expect(await readAll()).toMatchObject([{ real: null }]);
    });

    it('counts, sums and comparisons are numbers', async () => {
      await db.query(insert, ['a', 5, 1.5, null]);
      const [row] = await db.query(
        `select count(*) as items, sum(whole) as whole, sum(real) as real,
                max(whole) = 5 as same, max(whole) = 6 as other from items`,
      );
      expect(row).toEqual({ items: 1, whole: 5, real: 1.5, same: 1, other: 0 });
    });

    it('a whole number beyond what a number can hold is refused, and not rounded', async () => {
      await db.query("insert into items (id, whole) values ('a', 9007199254740993)");
      await expect(readAll()).rejects.toThrow(RangeError);
      expect(await db.query('select id from items')).toEqual([{ id: 'a' }]);
    });

    it('whole parameters calculate as whole numbers', async () => {
      const rows = await db.query('select cast($1 as bigint) / 2 as half', [7]);
      expect(rows).toEqual([{ half: 3 }]);
    });
  });

  describe('statements', () => {
    it('a parameter may come twice, and in any order', async () => {
      await db.query(insert, ['a', 1, null, 'first']);
      await db.query(insert, ['b', 2, null, 'second']);
      const rows = await db.query<Item>(
        'select id from items where (note = $2 and whole = $1) or (whole < $1 and note <> $2)',
        [2, 'second'],
      );
      expect(rows).toEqual([{ id: 'a' }, { id: 'b' }]);
    });

    it('as many parameters as the statement names, or none of it happens', async () => {
      await expect(db.query(insert, ['a'])).rejects.toThrow();
      await expect(db.query('select id from items', ['a'])).rejects.toThrow();
      expect(await readAll()).toEqual([]);
    });

    it('a query is one statement', async () => {
      const two = "insert into items (id) values ('a'); insert into items (id) values ('b')";
      await expect(db.query(two)).rejects.toThrow();
      expect(await readAll()).toEqual([]);
    });

    it('more different statements than are kept prepared go through', async () => {
      for (let number = 0; number < 300; number += 1) {
        expect(await db.query(`select ${number} as number`)).toEqual([{ number }]);
      }
    });

    it('a mistake in the SQL is a bug, and no outage', async () => {
      await expect(db.query('select nothing from nowhere')).rejects.not.toHaveProperty(
        'code',
        'STORE_UNAVAILABLE',
      );
    });

    it('a duplicate is a bug, and the store goes on', async () => {
      await db.query(insert, ['a', 1, null, null]);
      const again = db.query(insert, ['a', 2, null, null]);
      await expect(again).rejects.not.toHaveProperty('code', 'STORE_UNAVAILABLE');
      expect(await readAll()).toMatchObject([{ whole: 1 }]);
    });

    it('an upsert returns the row it left', async () => {
      const upsert = `insert into items (id, whole) values ($1, $2)
        on conflict (id) do update set whole = items.whole + excluded.whole returning id, whole`;
      expect(await db.query(upsert, ['a', 2])).toEqual([{ id: 'a', whole: 2 }]);
      expect(await db.query(upsert, ['a', 3])).toEqual([{ id: 'a', whole: 5 }]);
      const keep = 'insert into items (id) values ($1) on conflict do nothing returning id';
      expect(await db.query(keep, ['a'])).toEqual([]);
    });

    it('the clock of the database gives epoch milliseconds', async () => {
      const before = Date.now();
      const [row] = await db.query<{ now: number }>(`select ${db.nowMs} as now`);
      expect(row?.now).toBeGreaterThanOrEqual(before - 1);
      expect(row?.now).toBeLessThanOrEqual(Date.now() + 1);
      expect(Number.isInteger(row?.now)).toBe(true);
    });

    it('a closed store refuses, and may be closed again', async () => {
      await db.close();
      await expect(readAll()).rejects.toThrow('closed');
      await db.close();
    });
  });

  describe('transactions', () => {
    it('what a transaction wrote is there afterwards, and its result is given', async () => {
      const result = await db.transaction(async (tx) => {
        await tx.query(insert, ['a', 1, null, null]);
        await tx.query(insert, ['b', 2, null, null]);
        return (await readAll(tx)).length;
      });
      expect(result).toBe(2);
      expect(await readAll()).toHaveLength(2);
    });

    it('what the body throws undoes everything and is thrown', async () => {
      const failing = db.transaction(async (tx) => {
        await tx.query(insert, ['a', 1, null, null]);
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      expect(await readAll()).toEqual([]);
    });

    it('a failed statement dooms its transaction, even if the body swallows the error', async () => {
      const failing = db.transaction(async (tx) => {
        await tx.query(insert, ['a', 1, null, null]);
        await tx.query(insert, ['a', 2, null, null]).catch(() => undefined);
        await expect(tx.query('select 1')).rejects.toThrow();
      });
      await expect(failing).rejects.toThrow(/constraint/i);
      expect(await readAll()).toEqual([]);
    });

    it('others see nothing of it before its end', async () => {
      const written = Promise.withResolvers<undefined>();
      const seen = written.promise.then(() => readAll());
      await db.transaction(async (tx) => {
        await tx.query(insert, ['a', 1, null, null]);
        written.resolve(undefined);
        // On SQLite the reader waits for the end, so that nothing may wait for the reader.
        if (db.engine === 'postgres') await seen;
      });
      expect(await seen).toHaveLength(db.engine === 'postgres' ? 0 : 1);
    });

    it('what others write meanwhile is no part of it', async () => {
      const begun = Promise.withResolvers<undefined>();
      const other = begun.promise.then(() => db.query(insert, ['theirs', 1, null, null]));
      const failing = db.transaction(async (tx) => {
        await tx.query(insert, ['mine', 1, null, null]);
        begun.resolve(undefined);
        // On SQLite they wait for the end; a few statements more give them the chance to slip in.
        if (db.engine === 'postgres') await other;
        for (let count = 0; count < 10; count += 1) await tx.query('select 1');
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      await other;
      expect(await readAll()).toMatchObject([{ id: 'theirs' }]);
    });

    it('a transaction or query of the store inside a transaction is refused at once', async () => {
      await db.transaction(async (tx) => {
        await expect(db.transaction(() => Promise.resolve())).rejects.toThrow('only its own tx');
        await expect(readAll()).rejects.toThrow('only its own tx');
        await tx.query(insert, ['a', 1, null, null]);
      });
      expect(await readAll()).toHaveLength(1);
    });

    it('a tx is of no use after its transaction', async () => {
      const leaked = await db.transaction((tx) => Promise.resolve(tx));
      await expect(readAll(leaked)).rejects.toThrow('over');
    });

    it('what was begun inside a transaction may use the store once that is over', async () => {
      const over = Promise.withResolvers<undefined>();
      const { later } = await db.transaction(async (tx) => {
        await tx.query(insert, ['a', 1, null, null]);
        return { later: over.promise.then(() => readAll()) };
      });
      over.resolve(undefined);
      expect(await later).toHaveLength(1);
    });

    it('fifty concurrent increments lose none', async () => {
      await db.query(insert, ['counter', 0, null, null]);
      const increment = () =>
        db.transaction(async (tx) => {
          const [row] = await tx.query<Item>(
            `select whole from items where id = 'counter' ${db.forUpdate}`,
          );
          const next = (row?.whole ?? 0) + 1;
          await tx.query("update items set whole = $1 where id = 'counter'", [next]);
          return next;
        });
      const results = await Promise.all(Array.from({ length: 50 }, increment));
      expect(new Set(results).size).toBe(50);
      expect(await readAll()).toMatchObject([{ whole: 50 }]);
    });

    it('of two transactions that wait for each other both succeed in the end', async () => {
      await db.query(insert, ['a', 0, null, null]);
      await db.query(insert, ['b', 0, null, null]);
      const bothHoldOne = Promise.withResolvers<undefined>();
      let tries = 0;
      let holding = 0;
      const cross = (first: string, second: string) =>
        db.transaction(async (tx) => {
          tries += 1;
          const add = 'update items set whole = whole + 1 where id = $1';
          await tx.query(add, [first]);
          holding += 1;
          if (holding === 2) bothHoldOne.resolve(undefined);
          if (db.engine === 'postgres') await bothHoldOne.promise;
          await tx.query(add, [second]);
        });
      await Promise.all([cross('a', 'b'), cross('b', 'a')]);
      expect(await readAll()).toMatchObject([{ whole: 2 }, { whole: 2 }]);
      // On PostgreSQL one of them was ended and ran again; SQLite lets them run in turn.
      expect(tries).toBeGreaterThanOrEqual(db.engine === 'postgres' ? 3 : 2);
    });

    it('queries and transactions of many callers all get their turn', async () => {
      const work = Array.from({ length: 60 }, (_, number) =>
        number % 3 === 0
          ? db.transaction((tx) => tx.query(insert, [`t${number}`, number, null, null]))
          : db.query(insert, [`q${number}`, number, null, null]),
      );
      await Promise.all(work);
      expect(await readAll()).toHaveLength(60);
    });
  });

  it('ten concurrent claimers take every due job once, and never more than they asked for', async () => {
    await db.query('create table due_jobs (id text primary key, due_at bigint, claims bigint)');
    for (let number = 0; number < 100; number += 1) {
      const dueAt = number < 80 ? number : 1_000;
      await db.query('insert into due_jobs values ($1, $2, 0)', [`job-${number}`, dueAt]);
    }
    const claim = () =>
      db.query<{ id: string }>(
        `with due as materialized (
           select id from due_jobs where due_at <= $1 order by due_at limit 5 ${db.skipLocked}
         )
         update due_jobs set due_at = null, claims = claims + 1
           from due where due_jobs.id = due.id returning due_jobs.id`,
        [500],
      );
    const claimed: string[] = [];
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let rows = await claim(); rows.length > 0; rows = await claim()) {
          expect(rows.length).toBeLessThanOrEqual(5);
          claimed.push(...rows.map(({ id }) => id));
        }
      }),
    );
    expect(claimed).toHaveLength(80);
    expect(new Set(claimed).size).toBe(80);
    const counts = await db.query('select claims, count(*) as jobs from due_jobs group by claims');
    expect(counts).toEqual(
      expect.arrayContaining([
        { claims: 0, jobs: 20 },
        { claims: 1, jobs: 80 },
      ]),
    );
  });
});
