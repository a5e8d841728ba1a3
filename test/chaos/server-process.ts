/** Starts {@link file://./server.ts} and says what becomes of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('./server.ts', import.meta.url));
const START_MS = 30_000;
const END_MS = 20_000;
const KEPT_CHARACTERS = 20_000;

export interface Plan {
  /** Null: any. */
  readonly failpoint: string | null;
  /** At which of its hits, from 1. */
  readonly hit: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

export interface ServerProcess {
  readonly pid: number;
  /** Null: it was ended before it listened. */
  readonly url: string | null;
  readonly hits: readonly string[];
  /** Where its plan came true; null: not yet. */
  readonly fate: () => string | null;
  readonly hasEnded: () => boolean;
  /** What it logged last. */
  readonly complaint: () => string;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for its end. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Killed when the test ends, if it still runs. `onHit` is told of every failpoint, `onFate` when the plan comes true. */
export async function startServer(
  settings: Readonly<Record<string, string>>,
  plan: Plan | null,
  onHit: (name: string) => void = () => undefined,
  onFate: (name: string) => void = () => undefined,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, CHAOS: JSON.stringify(plan), ...settings },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-KEPT_CHARACTERS);
  });
  const hits: string[] = [];
  const fate: { at: string | null } = { at: null };
  let hasEnded = false;
  const listening = Promise.withResolvers<string | null>();
  const output = createInterface({ input: child.stdout }).on('line', (line) => {
    const [word, rest = ''] = line.split(' ');
    if (word === 'listening') listening.resolve(rest);
    else if (word === 'hit') {
      hits.push(rest);
      onHit(rest);
    } else if (word === plan?.signal) {
      fate.at = rest;
      onFate(rest);
    }
  });
  const heardOut = Promise.all([ended, once(output, 'close')]);
  void heardOut.then(() => {
    hasEnded = true;
    listening.resolve(null);
  });
  const timer = setTimeout(() => {
    listening.reject(new Error(`the server did not start: ${complaint}`));
  }, START_MS);
  const url = await listening.promise.finally(() => {
    clearTimeout(timer);
  });
  if (url === null && fate.at === null) throw new Error(`the server ended: ${complaint}`);
  return {
    pid: child.pid ?? 0,
    url,
    hits,
    fate: () => fate.at,
    hasEnded: () => hasEnded,
    complaint: () => complaint,
    signal: (signal) => void child.kill(signal),
    async end(signal) {
      child.kill(signal);
      await until(`its end by ${signal}`, () => hasEnded, END_MS).catch((error: unknown) => {
        throw new Error(`the server does not end: ${complaint}`, { cause: error });
      });
    },
  };
}
