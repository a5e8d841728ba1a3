/**
 * One server per data folder. The lock is an exclusive lock of SQLite on an empty file: the kernel
 * drops it with the process, however that ends, so no lock is ever stale and no process id is
 * trusted. `server.pid` beside it only tells people who holds it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../errors.ts';

export interface DataFolderLock {
  release(): void;
}

/**
 * Makes the folder, for this user only, where it is not there yet. Keep what it returns: the lock
 * ends with it.
 * @throws {AppError} STORE_UNAVAILABLE where another server has the folder, or it cannot be used
 */
export function lockDataFolder(folder: string): DataFolderLock {
  const pidFile = join(folder, 'server.pid');
  const lock = usable(folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 });
  });
  try {
    lock.exec('begin exclusive');
    usable(folder, () => {
      writeFileSync(pidFile, `${process.pid} on ${hostname()}\n`);
    });
  } catch (error) {
    lock.close();
    throw isBusy(error) ? takenError(folder, pidFile) : error;
  }
  return {
    release() {
      if (!lock.isOpen) return;
      rmSync(pidFile, { force: true });
      lock.close();
    },
  };
}

function usable<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError(
      'STORE_UNAVAILABLE',
      `The data folder ${folder} cannot be used (${why}): make it writable, or set DATA_DIR.`,
      { retryable: true, cause },
    );
  }
}

/** @see https://www.sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === 5;
}

function takenError(folder: string, pidFile: string): AppError {
  return new AppError(
    'STORE_UNAVAILABLE',
    `Another server (process ${readHolder(pidFile)}) uses the data folder ${folder}: ` +
      'stop it, or set DATA_DIR to another folder.',
    { retryable: true },
  );
}

/** Between the lock and the file there is a moment without one. */
function readHolder(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
