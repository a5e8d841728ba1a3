/** What the store has acknowledged outlives SIGKILL: of the writer, and of PostgreSQL itself. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { DatabaseSettings } from '../../src/store/open-database.ts';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { makeFolder } from '../support/folder.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { POSTGRES_MISSING, hasPostgres } from '../support/postgres.ts';

const WRITER = new URL('./acknowledging-writer.ts', import.meta.url);
const KILLS = 20;
const IDS_PER_ROUND = 1_000_000;
const SEED = 20260731;

describe(`${KILLS} kills`, () => {
  it('lose no acknowledged row of SQLite', async () => {
    const settings = { databaseUrl: undefined, dataDir: makeFolder() };
    await surviveKills(settings, (writer) => writer.end('SIGKILL'));
  }, 60_000);

  it.skipIf(!hasPostgres)(
    `lose no acknowledged row of PostgreSQL, every fifth of them its own${POSTGRES_MISSING}`,
    async () => {
      const server = await startPostgres('durable');
      onTestFinished(() => server.remove());
      const settings = { databaseUrl: server.url, dataDir: makeFolder() };
      await surviveKills(settings, async (writer, round) => {
        if (round % 5 !== 4) return writer.end('SIGKILL');
        await server.kill();
        await writer.end(null);
        await server.start();
      });
    },
    60_000,
  );
});

async function surviveKills(
  settings: DatabaseSettings,
  kill: (writer: Child, round: number) => Promise<void>,
): Promise<void> {
  await use(settings, async (db) => {
    await db.query('create table written (id bigint primary key, note text not null)');
    await db.query('create table written_total (total bigint not null)');
    await db.query('insert into written_total values (0)');
  });
  const random = createRandom(SEED);
  for (let round = 0; round < KILLS; round += 1) {
    const firstId = round * IDS_PER_ROUND;
    const writer = startChild(WRITER, [JSON.stringify(settings), String(firstId)]);
    // It goes on writing meanwhile: the kill comes in the midst of some later row.
    await writer.waitForLines(1 + Math.floor(random() * 150));
    await kill(writer, round);
    await use(settings, (db) => expectAllKept(db, firstId, writer.lines().length));
  }
}

async function expectAllKept(db: Database, firstId: number, acknowledged: number): Promise<void> {
  const [kept] = await db.query<{ rows: number; total: number }>(
    `select count(*) as rows, max(id) as last,
            (select count(*) from written) as all_rows,
            (select total from written_total) as total
       from written where id >= $1`,
    [firstId],
  );
  const rows = kept?.rows ?? 0;
  expect(rows).toBeGreaterThanOrEqual(acknowledged);
  // One more at most: written, and killed before it could say so.
  expect(rows).toBeLessThanOrEqual(acknowledged + 1);
  expect(kept).toMatchObject({ last: firstId + rows - 1, all_rows: kept?.total });
}

async function use(settings: DatabaseSettings, work: (db: Database) => Promise<void>) {
  const db = await openDatabase(settings);
  try {
    await work(db);
  } finally {
    await db.close();
  }
}

/** Mulberry32: the same moments in every run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
