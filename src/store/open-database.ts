/** Opens the database that the settings name, with all of its tables. */
import { join } from 'node:path';
import { AppError } from '../errors.ts';
import { lockDataFolder } from './data-folder.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { openSqlite } from './sqlite.ts';

export interface DatabaseSettings {
  /** PostgreSQL. Undefined: SQLite in `dataDir`, which then belongs to this server alone. */
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
}

/**
 * @throws {AppError} STORE_UNAVAILABLE where it cannot be reached, another server has the folder,
 *   or a newer version of this program was here
 */
export function openDatabase({ databaseUrl, dataDir }: DatabaseSettings): Promise<Database> {
  return databaseUrl === undefined ? openInFolder(dataDir) : openServer(databaseUrl);
}

async function openInFolder(dataDir: string): Promise<Database> {
  const lock = lockDataFolder(dataDir);
  try {
    const db = openSqlite(join(dataDir, 'runpod-subgraph.sqlite'));
    const close = async (): Promise<void> => {
      await db.close();
      lock.release();
    };
    await migrateOrClose(db);
    return { ...db, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function migrateOrClose(db: Database): Promise<void> {
  try {
    await migrate(db);
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openServer(url: string): Promise<Database> {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new AppError('BAD_USER_INPUT', 'DATABASE_URL must start with postgres://.');
  }
  // A migration takes as long as it takes: what comes after it does not.
  const unhurried = openPostgres(url, { maxConnections: 1, statementTimeoutMs: null });
  try {
    await migrate(unhurried);
  } finally {
    await unhurried.close();
  }
  return openPostgres(url);
}
