/**
 * The port both engines implement. The same SQL text runs on either: text and integer columns,
 * instants as epoch milliseconds, JSON as text, parameters `$1`, `$2`, …, `on conflict … returning`.
 *
 * What the engines do not agree on by themselves is settled here, so that a mistake shows on both:
 * one statement per query, as many parameters as it names, and a failed statement dooms its
 * transaction. PostgreSQL infers a parameter's type from its place: where there is nothing to infer
 * from, as in `$1 + $2`, write `cast($1 as bigint)`.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** A NaN is stored as null: SQLite knows none. */
export type SqlValue = string | number | null;

export interface Queryable {
  /**
   * Runs one statement; its rows, empty for one that returns none. Whole numbers come as numbers,
   * whatever the column, and booleans as 0 and 1; a RangeError where one is beyond ±(2^53 - 1).
   * @throws {AppError} STORE_UNAVAILABLE where the database is down, full or read-only. Sent while
   *   the connection broke, a write may have happened all the same.
   */
  query<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<readonly Row[]>;
}

export interface Database extends Queryable {
  readonly engine: 'sqlite' | 'postgres';
  /** SQL expression: now in epoch milliseconds, by the database's own clock where it has one. */
  readonly nowMs: string;
  /** `for update skip locked`, or nothing on an engine with one writer. */
  readonly skipLocked: string;
  /** `for update`, or nothing on an engine with one writer. */
  readonly forUpdate: string;
  /**
   * All or nothing: what `run` throws undoes everything it wrote. `run` must do nothing but
   * queries: it runs again after a deadlock, and everybody else waits for it on SQLite. Inside it
   * only `tx` may be used, as a query or transaction of the database itself would wait for it.
   */
  transaction<T>(run: (tx: Queryable) => Promise<T>): Promise<T>;
  /** Waits for what runs. Everything afterwards is refused. */
  close(): Promise<void>;
}

/** One connection of an engine, for as long as one transaction needs it. */
export interface Session extends Queryable {
  begin(): Promise<unknown>;
  commit(): Promise<unknown>;
  rollback(): Promise<unknown>;
}

interface OpenTransaction {
  isOpen: boolean;
  /** The first statement that failed: nothing after it can be kept. */
  failure: { readonly error: unknown } | null;
}

export interface TransactionScope {
  /** Throws inside the body of an open transaction, where the call would wait for itself. */
  refuseInside(): void;
  run<T>(session: Session, work: (tx: Queryable) => Promise<T>): Promise<T>;
}

/** The rules of a transaction, for one database. */
export function createTransactionScope(): TransactionScope {
  const current = new AsyncLocalStorage<OpenTransaction>();
  return {
    refuseInside() {
      if (current.getStore()?.isOpen !== true) return;
      throw new Error('inside a transaction only its own tx.query may be used');
    },
    async run(session, work) {
      const state: OpenTransaction = { isOpen: true, failure: null };
      await session.begin();
      try {
        const result = await current.run(state, () => work(createTx(session, state)));
        if (state.failure !== null) throw state.failure.error;
        state.isOpen = false;
        await session.commit();
        return result;
      } catch (error) {
        state.isOpen = false;
        await rollBack(session);
        throw error;
      }
    },
  };
}

function createTx(session: Session, state: OpenTransaction): Queryable {
  return {
    async query<Row>(sql: string, parameters?: readonly SqlValue[]) {
      if (!state.isOpen) throw new Error('the transaction of this tx is over');
      if (state.failure !== null) throw state.failure.error;
      try {
        return await session.query<Row>(sql, parameters);
      } catch (error) {
        state.failure ??= { error };
        throw error;
      }
    },
  };
}

/** Where even this fails the connection is gone, and the engine undoes the rest by itself. */
async function rollBack(session: Session): Promise<void> {
  try {
    await session.rollback();
  } catch {
    // What made the transaction fail is the news.
  }
}
