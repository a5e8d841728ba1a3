/** PostgreSQL through a pool of `pg`: the engine for several replicas. */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { CustomTypesConfig, PoolClient } from 'pg';
import { AppError } from '../errors.ts';
import { createTransactionScope } from './database.ts';
import type { Database, Session, SqlValue } from './database.ts';
import { isConflict, translateConnectError, translateError } from './postgres-errors.ts';

export interface PostgresOptions {
  /** 10 where it is omitted. */
  readonly maxConnections?: number;
  /** 30 s where it is omitted. Null: statements may take for ever, as a migration may. */
  readonly statementTimeoutMs?: number | null;
}

const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
/** Longer than the server's own limit: for a server that no longer answers at all. */
const SILENCE_MS = 5_000;
const MAX_RETRIES = 3;
/** Several times what a statement takes, so that who won the conflict is done by then. */
const RETRY_PAUSE_MS = 25;

/**
 * Connects with the first query, and again after every failure.
 * @param url `postgres://user:password@host:port/database?…`
 */
export function openPostgres(url: string, options: PostgresOptions = {}): Database {
  const pool = createPool(url, options);
  const scope = createTransactionScope();
  let closing: Promise<void> | undefined;

  return {
    engine: 'postgres',
    nowMs: '(extract(epoch from clock_timestamp()) * 1000)::bigint',
    skipLocked: 'for update skip locked',
    forUpdate: 'for update',
    async query<Row>(sql: string, parameters?: readonly SqlValue[]) {
      scope.refuseInside();
      return retryConflicts(() =>
        withSession(pool, (session) => session.query<Row>(sql, parameters)),
      );
    },
    async transaction(work) {
      scope.refuseInside();
      return retryConflicts(() => withSession(pool, (session) => scope.run(session, work)));
    },
    close: () => (closing ??= pool.end()),
  };
}

function createPool(url: string, options: PostgresOptions): pg.Pool {
  const { maxConnections = 10, statementTimeoutMs = STATEMENT_TIMEOUT_MS } = options;
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'runpod-subgraph',
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types: TYPES,
    ...(statementTimeoutMs !== null && {
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + SILENCE_MS,
    }),
  });
  // A connection that ends while nobody waits for it has nobody to tell, and an 'error' without a
  // listener ends the process. The pool drops it; whoever uses it gets the error from the query.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
}

function ignore(): void {
  // See createPool.
}

/** Runs `use` on one connection. A connection that failed is not used again. */
async function withSession<T>(pool: pg.Pool, use: (session: Session) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let isUsable = true;

  async function query<Row>(sql: string, parameters?: readonly SqlValue[]) {
    try {
      return await send<Row>(client, sql, parameters);
    } catch (error) {
      const failure = translateError(error);
      if (failure instanceof AppError) isUsable = false;
      throw failure;
    }
  }

  try {
    return await use({
      query,
      begin: () => query('begin'),
      commit: () => query('commit'),
      rollback: () => query('rollback'),
    });
  } finally {
    client.release(!isUsable);
  }
}

async function connect(pool: pg.Pool): Promise<PoolClient> {
  // A use after close is a bug, and no outage.
  if (pool.ending) throw new Error('the database is closed');
  try {
    return await pool.connect();
  } catch (error) {
    throw translateConnectError(error);
  }
}

async function send<Row>(
  client: PoolClient,
  sql: string,
  parameters: readonly SqlValue[] = [],
): Promise<readonly Row[]> {
  const query = {
    text: sql,
    values: parameters.map(bindable),
    // Without parameters `pg` would let several statements pass as one query.
    queryMode: 'extended',
  };
  const { rows } = await client.query(query);
  return rows as Row[];
}

/** PostgreSQL has no NaN that compares as SQLite's null, and no NUL in text. */
function bindable(value: SqlValue): SqlValue {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\uFFFD');
  return Number.isNaN(value) ? null : value;
}

/** Deadlocks and the like: the server has undone everything, and asks to be asked again. */
async function retryConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (retries === MAX_RETRIES) throw tooManyConflicts(error);
      // At once, it would take its locks back before the winner wakes, and meet the same deadlock.
      await pause(RETRY_PAUSE_MS * (retries + 1) * (0.5 + Math.random()));
    }
  }
}

function tooManyConflicts(cause: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', 'The store is too busy with conflicts: try again.', {
    retryable: true,
    cause,
  });
}

/** @see https://www.postgresql.org/docs/18/catalog-pg-type.html */
const PARSERS: ReadonlyMap<number, (text: string) => number> = new Map([
  [pg.types.builtins.BOOL, (text) => (text === 't' ? 1 : 0)],
  [pg.types.builtins.INT8, toWholeNumber],
  // The sum of bigints.
  [pg.types.builtins.NUMERIC, Number],
]);

const TYPES: CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    PARSERS.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};

function toWholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`${text} is too large for a number`);
}
