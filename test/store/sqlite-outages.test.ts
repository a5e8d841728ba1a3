/** SQLite says what is wrong, and goes on by itself once it is put right. */
import { chmodSync, chownSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { makeFolder } from '../support/folder.ts';

const INSERT = 'insert into notes (note) values ($1)';
const LONG = 'x'.repeat(100_000);
const NOBODY = 65534;

let folder: string;
let path: string;
let db: Database;

beforeEach(async () => {
  folder = makeFolder();
  path = join(folder, 'store.sqlite');
  db = openSqlite(path);
  await db.query('create table notes (note text not null)');
  return () => db.close();
});

function unavailable(message: RegExp) {
  return expect.objectContaining({
    code: 'STORE_UNAVAILABLE',
    retryable: true,
    message: expect.stringMatching(message) as string,
  }) as Error;
}

async function countNotes(): Promise<number> {
  const [row] = await db.query<{ notes: number }>('select count(*) as notes from notes');
  return row?.notes ?? NaN;
}

/** The engine's own limit of pages: it fails as on a full disk, with SQLITE_FULL. */
async function limitTo(morePages: number): Promise<void> {
  const [row] = await db.query<{ page_count: number }>('pragma page_count');
  await db.query(`pragma max_page_count = ${(row?.page_count ?? 0) + morePages}`);
}

it('a full disk refuses writes, still reads, and takes writes again once there is space', async () => {
  await db.query(INSERT, ['before']);
  await limitTo(2);
  await expect(db.query(INSERT, [LONG])).rejects.toEqual(unavailable(/full.*free space/));
  expect(await countNotes()).toBe(1);
  await limitTo(1_000);
  await db.query(INSERT, [LONG]);
  expect(await countNotes()).toBe(2);
});

it('a disk that fills up in a transaction leaves nothing of it, whatever the body does', async () => {
  await limitTo(10);
  const failing = db.transaction(async (tx) => {
    await tx.query(INSERT, ['small']);
    await tx.query(INSERT, [LONG]).catch(() => undefined);
    await tx.query(INSERT, ['small too']).catch(() => undefined);
  });
  await expect(failing).rejects.toEqual(unavailable(/full/));
  expect(await countNotes()).toBe(0);
  await limitTo(1_000);
  await db.transaction((tx) => tx.query(INSERT, [LONG]));
  expect(await countNotes()).toBe(1);
});

it('statements side by side in a transaction that breaks down leave nothing either', async () => {
  const failing = db.transaction(async (tx) => {
    await tx.query('pragma query_only = on');
    await Promise.all([tx.query(INSERT, ['one']), tx.query(INSERT, ['two'])]);
  });
  await expect(failing).rejects.toEqual(unavailable(/read-only/));
  expect(await countNotes()).toBe(0);
});

it('a store that became read-only says so until it can be written again', async () => {
  await db.query(INSERT, ['before']);
  await asNobody(async () => {
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    // The file is open for writing already: the engine is told what a read-only mount would tell it.
    await db.query('pragma query_only = on');
    const write = () => db.query(INSERT, ['after']);
    await expect(write()).rejects.toEqual(unavailable(/read-only.*DATA_DIR/));
    await expect(write()).rejects.toEqual(unavailable(/read-only|cannot be opened/));
    await expect(write()).rejects.toEqual(unavailable(/read-only|cannot be opened/));
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
    await write();
    expect(await countNotes()).toBe(2);
  });
});

it('a store whose file is gone is not replaced by an empty one', async () => {
  await db.query(INSERT, ['kept']);
  await db.query('pragma query_only = on');
  await expect(db.query(INSERT, ['no'])).rejects.toEqual(unavailable(/read-only/));
  renameSync(path, `${path}.away`);
  await expect(countNotes()).rejects.toEqual(unavailable(/cannot be opened/));
  renameSync(`${path}.away`, path);
  expect(await countNotes()).toBe(1);
});

it('a store that another program has locked says so, and goes on after it', async () => {
  const other = new DatabaseSync(path);
  onTestFinished(() => {
    other.close();
  });
  other.exec('begin immediate');
  await expect(db.query(INSERT, ['no'])).rejects.toEqual(unavailable(/another program/));
  expect(await countNotes()).toBe(0);
  other.exec('rollback');
  await db.query(INSERT, ['yes']);
  expect(await countNotes()).toBe(1);
});

it('a folder that is not there is named as an outage', () => {
  rmSync(folder, { recursive: true });
  expect(() => openSqlite(path)).toThrow(unavailable(/cannot be opened/));
});

/** Root may write anything: for it, modes mean nothing. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  if (process.geteuid?.() !== 0) return work();
  for (const each of [folder, path, `${path}-wal`, `${path}-shm`]) chownSync(each, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    await work();
  } finally {
    process.seteuid?.(0);
  }
}
