import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./guard-main.ts', import.meta.url));

/** Ends the processes of pods when this process dies, however it dies. */
export interface Guard {
  /** From before a process is started: `NAME=value` of its environment. */
  watch(mark: string): void;
  forget(mark: string): void;
  close(): Promise<void>;
}

/** `folder`: goes with it; null: stays. */
export function startGuard(folder: string | null): Guard {
  const child = spawn(process.execPath, [MAIN, ...(folder === null ? [] : [folder])], {
    // A group and session of its own: Ctrl-C and signals to the emulator's group pass it by.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  const ended = once(child, 'exit').catch(() => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  return {
    watch: (mark) => void child.stdin.write(`+${mark}\n`),
    forget: (mark) => void child.stdin.write(`-${mark}\n`),
    async close() {
      // It holds nobody up while it waits, but its end is waited for.
      child.ref();
      child.stdin.end();
      await ended;
    },
  };
}
