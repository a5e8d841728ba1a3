/**
 * Brings a database to the tables this program knows: the numbered files of migrations/, in their
 * order, one transaction each.
 *
 * A statement ends with `;` as the last character of its line: no comment may follow it there, and no
 * text in quotes may end a line so. A file that breaks this rule is refused by the engine, as a query
 * is one statement. A file that was applied is never changed: a change is a new file.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { AppError } from '../errors.ts';
import type { Database, Queryable } from './database.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Of our own choice; the same in every version of this program. */
const ADVISORY_LOCK = 7_163_020_418;

interface Migration {
  readonly name: string;
  readonly text: string;
  readonly sha256: string;
}

/**
 * Several servers may do this at once: each transaction takes the lock and looks again at what is
 * done. That needs no connection of its own, and works through a pooler too.
 * @param folder another folder of migrations, for tests
 * @throws {AppError} STORE_UNAVAILABLE, not retryable and with nothing touched, where the database
 *   has a migration that this program does not know, or another text of one
 */
export async function migrate(db: Database, folder: URL = FOLDER): Promise<void> {
  const migrations = readMigrations(folder);
  await inLockedTransaction(db, async (tx) => {
    await tx.query(
      `create table if not exists migrations
         (name text primary key, sha256 text not null, applied_at bigint not null)`,
    );
    await readApplied(tx, migrations);
  });
  for (const migration of migrations) {
    await inLockedTransaction(db, async (tx) => {
      const applied = await readApplied(tx, migrations);
      if (!applied.has(migration.name)) await apply(tx, migration, db.nowMs);
    });
  }
}

function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      return { name, text, sha256: createHash('sha256').update(text).digest('hex') };
    });
}

function inLockedTransaction(db: Database, work: (tx: Queryable) => Promise<void>): Promise<void> {
  return db.transaction(async (tx) => {
    // Every transaction of SQLite has the whole database.
    if (db.engine === 'postgres') {
      await tx.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    }
    await work(tx);
  });
}

/** The names of what is applied, all of it known. */
async function readApplied(
  tx: Queryable,
  migrations: readonly Migration[],
): Promise<ReadonlySet<string>> {
  const known = new Map(migrations.map(({ name, sha256 }) => [name, sha256]));
  const applied = await tx.query<{ name: string; sha256: string }>(
    'select name, sha256 from migrations order by name',
  );
  for (const { name, sha256 } of applied) {
    if (known.get(name) !== sha256) throw refuse(name, known.has(name));
  }
  return new Set(applied.map(({ name }) => name));
}

function refuse(name: string, isKnown: boolean): AppError {
  const message = isKnown
    ? `The database was made with another text of the migration ${name}: ` +
      'use the version of this program that made it, or another database.'
    : `The database was used by a newer version of this program, which applied ${name}: ` +
      'use that version or a later one, or restore a backup from before it.';
  return new AppError('STORE_UNAVAILABLE', message);
}

async function apply(tx: Queryable, migration: Migration, nowMs: string): Promise<void> {
  for (const statement of splitStatements(migration.text)) await tx.query(statement);
  await tx.query(`insert into migrations (name, sha256, applied_at) values ($1, $2, ${nowMs})`, [
    migration.name,
    migration.sha256,
  ]);
}

function splitStatements(text: string): string[] {
  return text
    .replace(/^[ \t]*--.*$/gm, '')
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
