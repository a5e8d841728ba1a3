/**
 * The port both engines implement. The same SQL text runs on either: text and integer columns,
 * instants as epoch milliseconds, JSON as text, parameters `$1`, `$2`, …, `on conflict … returning`.
 */
export type SqlValue = string | number | null;

export interface Queryable {
  /**
   * Runs one statement; its rows, empty for one that returns none. Integers come as numbers.
   * @throws {AppError} STORE_UNAVAILABLE where the database is down, full or read-only
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
  /** All or nothing: what `run` throws undoes everything it wrote. */
  transaction<T>(run: (tx: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
