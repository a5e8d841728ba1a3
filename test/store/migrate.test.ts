import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { describeStores, eachEngine } from '../support/databases.ts';
import type { Engine } from '../support/databases.ts';
import { makeFolder } from '../support/folder.ts';
import { POSTGRES_MISSING, freshPostgres, hasPostgres } from '../support/postgres.ts';

describeStores('migrations', (open, engine) => {
  it('a new database gets every table, and a second start changes nothing', async () => {
    const settings = await engine.settings();
    const first = await openDatabase(settings);
    expect(await first.query('select id from jobs')).toEqual([]);
    const before = await readHistory(first);
    await first.close();

    const second = await openDatabase(settings);
    onTestFinished(() => second.close());
    expect(before.length).toBeGreaterThan(0);
    expect(await readHistory(second)).toEqual(before);
  });

  it('a database that a newer version has used is refused and left as it is', async () => {
    const settings = await engine.settings();
    const db = await openDatabase(settings);
    await db.query("insert into migrations values ('9999-later.sql', 'abc', 1)");
    const before = await readHistory(db);
    await db.close();

    const start = openDatabase(settings);
    await expect(start).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: false });
    await expect(start).rejects.toThrow(/newer version.*9999-later\.sql/);
    const raw = openRaw(settings);
    expect(await readHistory(raw)).toEqual(before);
  });

  it('a file that was changed after it was applied is refused, and so is what follows', async () => {
    const db = await openEmpty(engine);
    const { folder, write } = makeMigrations();
    write('0001-first.sql', 'create table first (id bigint);');
    await migrate(db, folder);
    write('0001-first.sql', 'create table first (id bigint, name text);');
    write('0002-second.sql', 'create table second (id bigint);');

    await expect(migrate(db, folder)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(migrate(db, folder)).rejects.toThrow('0001-first.sql');
    await expect(db.query('select id from second')).rejects.toThrow();
  });

  it('a file that fails leaves nothing behind, and is applied once it is corrected', async () => {
    const db = await openEmpty(engine);
    const { folder, write } = makeMigrations();
    write('0001-first.sql', 'create table first (id bigint);');
    write('0002-second.sql', 'create table second (id bigint);\nnonsense;');

    await expect(migrate(db, folder)).rejects.toThrow('nonsense');
    await expect(db.query('select id from second')).rejects.toThrow();
    expect(await db.query('select id from first')).toEqual([]);
    write('0002-second.sql', 'create table second (id bigint);');
    await migrate(db, folder);
    expect(await db.query('select id from second')).toEqual([]);
    expect(await readHistory(db)).toHaveLength(2);
  });

  it('only a semicolon at the end of a line ends a statement', async () => {
    const db = await openEmpty(engine);
    const { folder, write } = makeMigrations();
    write(
      '0001-notes.sql',
      [
        '-- A comment; with a semicolon;',
        'create table notes (',
        '  id bigint, -- its number; never null',
        '  note text',
        ');  ',
        "insert into notes values (1, 'a; -- b');",
        '  -- done;',
        "insert into notes values (2, 'c')",
      ].join('\n'),
    );
    await migrate(db, folder);
    const notes = await db.query('select id, note from notes order by id');
    expect(notes).toEqual([
      { id: 1, note: 'a; -- b' },
      { id: 2, note: 'c' },
    ]);
  });

  it('a file that breaks that rule is refused as a whole', async () => {
    const db = await openEmpty(engine);
    const { folder, write } = makeMigrations();
    write('0001-two.sql', 'create table a (id bigint); create table b (id bigint);');
    await expect(migrate(db, folder)).rejects.toThrow();
    expect(await readHistory(db)).toEqual([]);
  });

  it('an open database is used as it is by who migrates it again', async () => {
    const db = await open();
    await migrate(db);
    expect(await db.query('select id from jobs')).toEqual([]);
  });
});

describe.skipIf(!hasPostgres)(`several servers on PostgreSQL${POSTGRES_MISSING}`, () => {
  it('all succeed when they start at once on an empty database', async () => {
    const databaseUrl = await freshPostgres();
    const servers = await Promise.all(
      Array.from({ length: 6 }, () => openDatabase({ databaseUrl, dataDir: makeFolder() })),
    );
    onTestFinished(async () => {
      await Promise.all(servers.map((db) => db.close()));
    });
    for (const db of servers) expect(await db.query('select id from jobs')).toEqual([]);
  });
});

it('a DATABASE_URL of another database is refused without repeating it', async () => {
  const start = openDatabase({ databaseUrl: 'mysql://me:secret@host/db', dataDir: makeFolder() });
  await expect(start).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  await expect(start).rejects.not.toThrow('secret');
});

it('both engines are known', () => {
  expect(eachEngine.map(({ name }) => name.split(' ')[0])).toEqual(['SQLite', 'PostgreSQL']);
});

function readHistory(db: Database) {
  return db.query('select name, sha256, applied_at from migrations order by name');
}

async function openEmpty(engine: Engine): Promise<Database> {
  return openRaw(await engine.settings());
}

/** Without the migrations. */
function openRaw({ databaseUrl, dataDir }: Awaited<ReturnType<Engine['settings']>>): Database {
  const db =
    databaseUrl === undefined
      ? openSqlite(join(dataDir, 'runpod-subgraph.sqlite'))
      : openPostgres(databaseUrl);
  onTestFinished(() => db.close());
  return db;
}

function makeMigrations() {
  const path = makeFolder();
  return {
    folder: pathToFileURL(`${path}/`),
    write: (name: string, text: string) => {
      writeFileSync(join(path, name), text);
    },
  };
}
