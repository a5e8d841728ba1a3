/**
 * SQLite through Node's own driver: the embedded engine. One connection; a plain query runs at
 * once, and waits only for an open transaction: a statement between those of a transaction would
 * become part of it.
 *
 * - OPEN    statements run
 * - BROKEN  the file failed under us (read-only, I/O, corrupt); the next use opens it again
 * - CLOSED  by close(); final
 */
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { AppError } from '../errors.ts';
import { createTransactionScope } from './database.ts';
import type { Database, Session, SqlValue } from './database.ts';

/** The whole process stands still for that long, so short: only a backup tool can be in the way. */
const BUSY_TIMEOUT_MS = 1_000;
const MAX_STATEMENTS = 256;

/**
 * The file is made where it is not there yet.
 * @throws {AppError} STORE_UNAVAILABLE where it cannot be opened
 */
export function openSqlite(path: string): Database {
  const connection = createConnection(path);
  const scope = createTransactionScope();
  const turns = createTurns();
  const session: Session = {
    query: <Row>(sql: string, parameters?: readonly SqlValue[]) =>
      attempt(() => connection.runInTransaction(sql, parameters) as readonly Row[]),
    begin: () => attempt(() => connection.run('begin immediate')),
    commit: () => attempt(() => connection.runInTransaction('commit')),
    rollback: () => attempt(() => connection.runInTransaction('rollback')),
  };

  return {
    engine: 'sqlite',
    nowMs: "cast(unixepoch('subsec') * 1000 as integer)",
    skipLocked: '',
    forUpdate: '',
    async query<Row>(sql: string, parameters?: readonly SqlValue[]) {
      scope.refuseInside();
      const run = () => connection.run(sql, parameters) as readonly Row[];
      return turns.isFree() ? run() : turns.take(() => attempt(run));
    },
    async transaction(work) {
      scope.refuseInside();
      return turns.take(() => scope.run(session, work));
    },
    close: () =>
      turns.take(() =>
        attempt(() => {
          connection.close();
        }),
      ),
  };
}

function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(work());
  });
}

/** One at a time, in the order of asking. */
function createTurns() {
  const waiting: (() => void)[] = [];
  let isTaken = false;

  function pass(): void {
    const next = waiting.shift();
    if (next === undefined) isTaken = false;
    else next();
  }

  return {
    isFree: () => !isTaken,
    async take<T>(work: () => Promise<T>): Promise<T> {
      if (isTaken) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      isTaken = true;
      try {
        return await work();
      } finally {
        pass();
      }
    },
  };
}

interface Prepared {
  readonly statement: StatementSync;
  readonly parameterCount: number;
}

interface OpenFile {
  readonly database: DatabaseSync;
  readonly statements: LRUCache<string, Prepared>;
}

function createConnection(path: string) {
  let file: OpenFile | null = openFile(path);
  let isClosed = false;

  function run(sql: string, parameters: readonly SqlValue[] = []): readonly unknown[] {
    if (isClosed) throw new Error('the database is closed');
    // What was there and is gone is not replaced by an empty database.
    file ??= openFile(existingFile(path));
    try {
      return runOn(file, sql, parameters);
    } catch (error) {
      if (isBroken(error)) drop();
      throw translateError(error);
    }
  }

  function drop(): void {
    try {
      file?.database.close();
    } catch {
      // It is given up because it fails: that it fails again is no news.
    }
    file = null;
  }

  return {
    run,
    /** Refuses where the engine has undone the transaction by itself, as it may after a failure. */
    runInTransaction(sql: string, parameters?: readonly SqlValue[]): readonly unknown[] {
      if (file?.database.isTransaction === true) return run(sql, parameters);
      throw new AppError('STORE_UNAVAILABLE', 'The store has undone this transaction: try again.', {
        retryable: true,
      });
    },
    close(): void {
      isClosed = true;
      drop();
    },
  };
}

function existingFile(path: string): URL {
  const url = pathToFileURL(path);
  url.searchParams.set('mode', 'rw');
  return url;
}

function openFile(path: string | URL): OpenFile {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    database.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');
    return { database, statements: new LRUCache({ max: MAX_STATEMENTS }) };
  } catch (error) {
    database?.close();
    throw translateError(error);
  }
}

function runOn(file: OpenFile, sql: string, parameters: readonly SqlValue[]): readonly unknown[] {
  const { statement, parameterCount } = prepare(file, sql);
  if (parameters.length !== parameterCount) {
    throw new Error(`${parameters.length} parameters for ${parameterCount}: ${sql}`);
  }
  return statement.all(...parameters.map(toSqlite));
}

function prepare({ database, statements }: OpenFile, sql: string): Prepared {
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const numbers = new Set<number>();
  const text = sql.replace(/\$(\d+)/g, (_match, number: string) => {
    numbers.add(Number(number));
    return `?${number}`;
  });
  const statement = database.prepare(text);
  // The driver runs the first statement and says nothing about the rest.
  if (text.trim().length > statement.sourceSQL.trim().length) {
    throw new Error(`more than one statement: ${sql}`);
  }
  const prepared = { statement, parameterCount: Math.max(0, ...numbers) };
  statements.set(sql, prepared);
  return prepared;
}

/** The driver binds every number as a double: `$1 / 2`, or a number in a text column, would show it. */
function toSqlite(value: SqlValue): string | number | bigint | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** @see https://www.sqlite.org/rescode.html; whether the connection is of use afterwards. */
const FAILURES: ReadonlyMap<number, { readonly message: string; readonly isBroken: boolean }> =
  new Map([
    [5, fault('is locked by another program: end what has it open (a backup, a shell)')],
    [8, broken('is read-only: make the data folder (DATA_DIR) and its files writable')],
    [10, broken('cannot be read or written: check the disk of the data folder (DATA_DIR)')],
    [11, broken('is damaged: restore the data folder (DATA_DIR) from a backup')],
    [13, fault('is full: free space on the disk of the data folder (DATA_DIR)')],
    [14, broken('cannot be opened: check that the data folder (DATA_DIR) exists and is writable')],
    [26, broken('is not a database: restore the data folder (DATA_DIR) from a backup')],
  ]);

function fault(what: string) {
  return { message: `The store ${what}.`, isBroken: false };
}

function broken(what: string) {
  return { message: `The store ${what}.`, isBroken: true };
}

function failureOf(error: unknown) {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
  // The low byte is the kind, the rest its detail.
  return FAILURES.get(code & 0xff);
}

function isBroken(error: unknown): boolean {
  return failureOf(error)?.isBroken ?? false;
}

function translateError(error: unknown): unknown {
  const failure = failureOf(error);
  if (failure === undefined) return error;
  return new AppError('STORE_UNAVAILABLE', failure.message, { retryable: true, cause: error });
}
