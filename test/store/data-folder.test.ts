import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, it } from 'vitest';
import { lockDataFolder } from '../../src/store/data-folder.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { startChild } from '../support/child.ts';
import { makeFolder } from '../support/folder.ts';

const HOLDER = new URL('./lock-holder.ts', import.meta.url);

it('a second server is refused, and told the folder and the process that has it', async () => {
  const folder = join(makeFolder(), 'data');
  const holder = startChild(HOLDER, [folder]);
  await holder.waitForLines(1);
  const attempt = () => lockDataFolder(folder);
  expect(attempt).toThrow(folder);
  expect(attempt).toThrow(`process ${holder.pid} on `);
  await expect(openDatabase({ databaseUrl: undefined, dataDir: folder })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  await holder.end('SIGTERM');
  lockDataFolder(folder).release();
});

it('the folder of a server that was killed is taken over at once', async () => {
  const folder = join(makeFolder(), 'data');
  const holder = startChild(HOLDER, [folder]);
  await holder.waitForLines(1);
  await holder.end('SIGKILL');
  expect(readFileSync(join(folder, 'server.pid'), 'utf8')).toContain(String(holder.pid));
  const lock = lockDataFolder(folder);
  expect(readFileSync(join(folder, 'server.pid'), 'utf8')).toContain(String(process.pid));
  lock.release();
});

it('a process id in the file that lives again as something else keeps nobody out', () => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'server.pid'), `${process.ppid} on here\n`);
  lockDataFolder(folder).release();
});

it('a new folder is for its owner only', () => {
  const folder = join(makeFolder(), 'deep', 'data');
  const lock = lockDataFolder(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  lock.release();
});

it('the same process cannot take a folder twice, but again after it let go', () => {
  const folder = makeFolder();
  const lock = lockDataFolder(folder);
  expect(() => lockDataFolder(folder)).toThrow(`process ${process.pid} on `);
  lock.release();
  lock.release();
  expect(existsSync(join(folder, 'server.pid'))).toBe(false);
  lockDataFolder(folder).release();
});

it('a path that is no folder is named', () => {
  const path = join(makeFolder(), 'file');
  writeFileSync(path, '');
  expect(() => lockDataFolder(path)).toThrow(`The data folder ${path} cannot be used`);
});

it('a store that could not be opened lets the folder go', async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'runpod-subgraph.sqlite'), 'this is no database at all, but text');
  await expect(openDatabase({ databaseUrl: undefined, dataDir: folder })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: 'The store is not a database: restore the data folder (DATA_DIR) from a backup.',
  });
  lockDataFolder(folder).release();
});

it('a closed store lets the folder go', async () => {
  const folder = makeFolder();
  const db = await openDatabase({ databaseUrl: undefined, dataDir: folder });
  expect(() => lockDataFolder(folder)).toThrow('Another server');
  await db.close();
  lockDataFolder(folder).release();
});
