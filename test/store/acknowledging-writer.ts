/**
 * Writes rows until it is killed, and prints the id of each one that the store has acknowledged.
 * A row and the total of rows are one transaction.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { openDatabase } from '../../src/store/open-database.ts';
import type { DatabaseSettings } from '../../src/store/open-database.ts';

const [settings = '', firstId = '0'] = process.argv.slice(2);
const db = await openDatabase(JSON.parse(settings) as DatabaseSettings);
for (let id = Number(firstId); ; id += 1) {
  await db.transaction(async (tx) => {
    await tx.query('insert into written (id, note) values ($1, $2)', [id, `row ${id}`]);
    await tx.query('update written_total set total = total + 1');
  });
  writeSync(1, `${id}\n`);
}
