/** SQLite through Node's own driver: the embedded engine. One connection; transactions take turns. */
import { DatabaseSync } from 'node:sqlite';
import type { SQLInputValue } from 'node:sqlite';
import type { Database, Queryable, SqlValue } from './database.ts';

export function openSqlite(path: string): Database {
  const connection = new DatabaseSync(path, { timeout: 5_000 });
  connection.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on');

  function run<Row>(sql: string, parameters: readonly SqlValue[] = []): readonly Row[] {
    const statement = connection.prepare(sql.replace(/\$(\d+)/g, '?$1'));
    return statement.all(...(parameters as SQLInputValue[])) as Row[];
  }

  const tx: Queryable = {
    query: <Row>(sql: string, parameters?: readonly SqlValue[]) =>
      new Promise<readonly Row[]>((resolve) => {
        resolve(run<Row>(sql, parameters));
      }),
  };
  let last: Promise<unknown> = Promise.resolve();

  /** One at a time: a statement between those of a transaction would become part of it. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  }

  return {
    engine: 'sqlite',
    nowMs: "cast(unixepoch('subsec') * 1000 as integer)",
    skipLocked: '',
    forUpdate: '',
    query: (sql, parameters) => inTurn(() => tx.query(sql, parameters)),
    transaction: (work) =>
      inTurn(async () => {
        connection.exec('begin immediate');
        try {
          const result = await work(tx);
          connection.exec('commit');
          return result;
        } catch (error) {
          connection.exec('rollback');
          throw error;
        }
      }),
    close: () =>
      inTurn(() => {
        connection.close();
        return Promise.resolve();
      }),
  };
}
