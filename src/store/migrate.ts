/** Applies the numbered files of migrations/ that the database has not seen, in one transaction each. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from './database.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

export async function migrate(db: Database): Promise<void> {
  await db.query(
    'create table if not exists migrations (name text primary key, applied_at bigint not null)',
  );
  const names = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  for (const name of names) {
    await db.transaction(async (tx) => {
      const done = await tx.query('select 1 from migrations where name = $1', [name]);
      if (done.length > 0) return;
      const text = readFileSync(new URL(name, FOLDER), 'utf8').replace(/--.*$/gm, '');
      for (const statement of text.split(';')) {
        if (statement.trim() !== '') await tx.query(statement);
      }
      await tx.query('insert into migrations (name, applied_at) values ($1, $2)', [
        name,
        Date.now(),
      ]);
    });
  }
}
