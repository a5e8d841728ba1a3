/** A process of its own that holds a data folder until it is killed. */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { lockDataFolder } from '../../src/store/data-folder.ts';

const lock = lockDataFolder(process.argv[2] ?? '');
process.on('SIGTERM', () => {
  lock.release();
  process.exit(0);
});
process.stdin.resume();
writeSync(1, 'locked\n');
