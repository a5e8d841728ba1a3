/**
 * Ends processes the way the end of a container does: all of them, whatever group or session they
 * moved to. They are known by a mark in the environment they inherited, which /proc tells on Linux.
 * Elsewhere only the process group ends, and with an emptied environment a process of another
 * group escapes.
 */
import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { setTimeout as pause } from 'node:timers/promises';

const GIVE_UP_MS = 10_000;
const AGAIN_MS = 5;

/** Sends a signal to a process, or with a negative id to a group; one that is gone is fine. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself, or was never ours.
  }
}

/** Kills every process with this `NAME=value` in its environment; resolves once they are gone. */
export async function killMarked(mark: string): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  // One look may miss a process that was just being forked by one that just ended.
  for (let clean = 0; clean < 2 && performance.now() < deadline;) {
    const pids = await findMarked(mark);
    clean = pids.length === 0 ? clean + 1 : 0;
    for (const pid of pids) signalProcess(pid, 'SIGKILL');
    if (pids.length > 0) await pause(AGAIN_MS);
  }
}

/** Processes that ended and were not waited for have no environment any more. */
export async function findMarked(mark: string): Promise<number[]> {
  const entries = await readdir('/proc').catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(pids.map((pid) => hasMark(pid, mark)));
  return pids.filter((pid, index) => marked[index] === true && pid !== process.pid);
}

async function hasMark(pid: number, mark: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    return environment.split('\0').includes(mark);
  } catch {
    return false;
  }
}
