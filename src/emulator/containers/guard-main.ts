/**
 * Runs beside an emulator, as a process of its own, so that no process of a pod outlives it, not
 * even after SIGKILL: when the pipe from the emulator closes, it ends what was not taken back.
 *
 * Each line of stdin is `+NAME=value` for a mark to watch and `-NAME=value` to forget it. The
 * argument, if there is one, is a folder to remove at the end.
 */
import { rm } from 'node:fs/promises';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { killMarked } from './process-tree.ts';

const marks = new Set<string>();
for await (const line of createInterface({ input: process.stdin })) {
  const mark = line.slice(1);
  if (line.startsWith('+')) marks.add(mark);
  else marks.delete(mark);
}
await Promise.all([...marks].map(killMarked));
const folder = process.argv[2];
if (folder !== undefined) await rm(folder, { recursive: true, force: true });
