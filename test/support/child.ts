/** TypeScript programs as processes of their own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './until.ts';

export interface Child {
  readonly pid: number;
  /** The whole lines it has printed so far. */
  readonly lines: () => readonly string[];
  /** Waits until it has printed so many lines; fails with its last words if it ends before. */
  waitForLines(count: number): Promise<void>;
  /** Waits for its end. */
  end(signal: NodeJS.Signals | null): Promise<void>;
}

/** Killed when the test ends, if it still runs. */
export function startChild(program: URL, args: readonly string[]): Child {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: 'pipe' });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let printed = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const lines = () => printed.split('\n').slice(0, -1);
  return {
    pid: child.pid ?? 0,
    lines,
    async waitForLines(count) {
      await until(`${count} lines of ${program.pathname}`, () => {
        if (lines().length >= count) return true;
        if (child.exitCode !== null) throw new Error(`it ended: ${complaint}`);
        return false;
      });
    },
    async end(signal) {
      if (signal !== null) child.kill(signal);
      await ended;
    },
  };
}
