/** PostgreSQL's outages have a name, show no secret, and pass by themselves. */
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { AppError } from '../../src/errors.ts';
import type { Database } from '../../src/store/database.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import type { PostgresOptions } from '../../src/store/postgres.ts';
import { startPostgres } from '../support/postgres-server.ts';
import type { PostgresServer } from '../support/postgres-server.ts';
import { POSTGRES_MISSING, hasPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)(`a store on a PostgreSQL of its own${POSTGRES_MISSING}`, () => {
  let server: PostgresServer;
  let db: Database;

  beforeAll(async () => {
    server = await startPostgres('fast');
    return () => server.remove();
  });

  beforeEach(() => {
    db = open();
  });

  function open(options?: PostgresOptions, change: (url: URL) => void = () => undefined) {
    const url = new URL(server.url);
    change(url);
    const opened = openPostgres(url.href, options);
    onTestFinished(() => opened.close());
    return opened;
  }

  async function outageOf(work: Promise<unknown>): Promise<AppError> {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (!(error instanceof AppError)) throw new Error('no AppError', { cause: error });
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    const { password, host } = new URL(server.url);
    for (const secret of [password, host]) expect(error.message).not.toContain(secret);
    return error;
  }

  it.each(['stop', 'kill'] as const)('goes on after a %s of the server', async (end) => {
    await Promise.all(Array.from({ length: 5 }, () => db.query('select 1')));
    const inTheMiddle = db.transaction(async (tx) => {
      await tx.query('create table never (id bigint)');
      await server[end]();
      await tx.query('insert into never values (1)');
    });
    await outageOf(inTheMiddle);
    const error = await outageOf(db.query('select 1'));
    expect(error.message).toMatch(/^PostgreSQL (cannot be reached|is stopping)/);
    await outageOf(db.transaction((tx) => tx.query('select 1')));

    await server.start();
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
    await expect(db.query('select id from never')).rejects.toThrow('does not exist');
  });

  it('goes on after it was read-only', async () => {
    await db.query('create table notes (note text)');
    await setReadOnly('on');
    const error = await outageOf(db.query("insert into notes values ('no')"));
    expect(error.message).toContain('read-only');
    await outageOf(db.transaction((tx) => tx.query("insert into notes values ('no')")));
    await setReadOnly('off');
    await db.query("insert into notes values ('yes')");
    expect(await db.query('select note from notes')).toEqual([{ note: 'yes' }]);
  });

  async function setReadOnly(value: 'on' | 'off'): Promise<void> {
    const admin = open();
    await admin.query(`alter system set default_transaction_read_only = ${value}`);
    await admin.query('select pg_reload_conf()');
    await until('every connection knows', async () => {
      const [row] = await db.query<{ setting: string }>(
        "select current_setting('default_transaction_read_only') as setting",
      );
      return row?.setting === value;
    });
  }

  it('names a lack of room, and goes on', async () => {
    const sorting = db.transaction(async (tx) => {
      await tx.query("set local work_mem = '64kB'");
      await tx.query("set local temp_file_limit = '64kB'");
      await tx.query('select n from generate_series(1, 100000) n order by random()');
    });
    expect((await outageOf(sorting)).message).toContain('out of resources');
    expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends a statement that takes too long', async () => {
    const hasty = open({ statementTimeoutMs: 50 });
    const error = await outageOf(hasty.query('select pg_sleep(20)'));
    expect(error.message).toContain('took too long');
    expect(await hasty.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('goes on after its connection was ended while it was idle, or in use', async () => {
    const single = open({ maxConnections: 1 });
    const [row] = await single.query<{ pid: number }>('select pg_backend_pid() as pid');
    await db.query('select pg_terminate_backend($1, 5000)', [row?.pid ?? 0]);
    await until('the pool has noticed', () =>
      single.query('select 1').then(
        () => true,
        (error: unknown) => !(error instanceof AppError),
      ),
    );
    await outageOf(single.query('select pg_terminate_backend(pg_backend_pid())'));
    expect(await single.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('names a wrong password, a missing database and a wrong port', async () => {
    const wrong = (change: (url: URL) => void) => outageOf(open({}, change).query('select 1'));
    const password = await wrong((url) => (url.password = 'guessed'));
    expect(password.message).toContain('refused the user or the password');
    expect(password.message).not.toContain('guessed');
    const database = await wrong((url) => (url.pathname = '/elsewhere'));
    expect(database.message).toContain('no database of that name');
    const port = await wrong((url) => (url.port = '1'));
    expect(port.message).toContain('cannot be reached');
  });

  it('gives every waiting caller its turn on few connections', async () => {
    const narrow = open({ maxConnections: 2 });
    const rows = await Promise.all(
      Array.from({ length: 40 }, (_, number) =>
        narrow.transaction((tx) => tx.query('select cast($1 as bigint) as number', [number])),
      ),
    );
    expect(rows.flat()).toHaveLength(40);
  });
});
