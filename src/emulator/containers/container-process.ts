/** One run of a pod's command, from its start until every process of it is gone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { LogSource } from '../pods/pod-log.ts';
import { BOOT_MARK } from './container-command.ts';
import type { Guard } from './guard.ts';
import { createLineSplitter } from './line-splitter.ts';
import { killMarked, signalProcess } from './process-tree.ts';

const MAX_LINE_CHARACTERS = 16 * 1024;
/** For what the dead have still in their pipes. */
const LAST_WORDS_MS = 1_000;
/** As a shell says it: there is no such command. */
const NOT_STARTED = 127;

export interface RunOptions {
  readonly command: readonly string[];
  /** With a value for {@link BOOT_MARK} that no other run has. */
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly guard: Guard;
  readonly say: (source: LogSource, line: string) => void;
}

export interface ContainerProcess {
  /** Null: it could not be started. */
  readonly pid: number | null;
  /** How it ended, in words, once every process of the container is dead. Never rejects. */
  readonly ended: Promise<string>;
  /** SIGTERM to its group, SIGKILL after the grace; another call can only shorten that. */
  stop(graceMs: number): void;
}

export function runCommand(options: RunOptions): ContainerProcess {
  const { guard, environment } = options;
  const mark = `${BOOT_MARK}=${environment[BOOT_MARK] ?? ''}`;
  guard.watch(mark);
  const child = start(options);
  if (child === null) {
    guard.forget(mark);
    return {
      pid: null,
      ended: Promise.resolve(exitWords(NOT_STARTED, null)),
      stop: () => undefined,
    };
  }
  const outputs = [child.stdout, child.stderr].map((output) => readLines(output, options.say));
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(exitWords(code, signal));
    });
    child.once('error', () => {
      resolve(exitWords(NOT_STARTED, null));
    });
  });
  const pid = child.pid ?? null;
  let isOver = false;
  let timers: NodeJS.Timeout[] = [];

  /** A container lives as long as its first process: with that the others go too. */
  async function sweep(): Promise<string> {
    const words = await exit;
    isOver = true;
    timers.forEach(clearTimeout);
    timers = [];
    if (pid !== null) signalProcess(-pid, 'SIGKILL');
    await killMarked(mark);
    await Promise.race([Promise.all(outputs), pause(LAST_WORDS_MS, undefined, { ref: false })]);
    guard.forget(mark);
    return words;
  }

  return {
    pid,
    ended: sweep(),
    stop(graceMs) {
      if (isOver || pid === null) return;
      const kill = (): void => {
        signalProcess(-pid, 'SIGKILL');
      };
      if (graceMs <= 0) {
        kill();
        return;
      }
      if (timers.length === 0) signalProcess(-pid, 'SIGTERM');
      timers.push(setTimeout(kill, graceMs));
    },
  };
}

function start({ command: [file = '', ...args], environment, folder }: RunOptions) {
  try {
    return spawn(file, args, {
      cwd: folder,
      env: environment,
      // A process group of its own.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch {
    // A command or environment that no process can have, as one with a null byte.
    return null;
  }
}

async function readLines(output: Readable, say: RunOptions['say']): Promise<void> {
  const splitter = createLineSplitter((line) => {
    say('container', line);
  }, MAX_LINE_CHARACTERS);
  output.on('data', (chunk: Buffer) => {
    splitter.push(chunk);
  });
  await once(output, 'close').catch(() => undefined);
  splitter.end();
}

function exitWords(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `container was killed by ${signal}`;
  return `container exited with code ${code ?? 'unknown'}`;
}
