/** The real agent as a process, and a proxy in front of it that cuts transfers. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { agentCommand, agentEnv } from '../../src/datasources/agent-payload.ts';
import { createPodAgent } from '../../src/datasources/pod-agent.ts';
import type { PodAgent, PodAgentOptions, UploadSource } from '../../src/datasources/pod-agent.ts';
import { createRandom } from '../../src/emulator/random.ts';
import { makeFolder } from './folder.ts';
import { until } from './until.ts';

const TOKEN = 'token-for-tests-0123456789';
const STOP_MS = 10_000;

export interface RunningAgent {
  readonly baseUrl: string;
  readonly token: string;
  /** Its disk: AGENT_DIR. */
  readonly folder: string;
  /** Everything it has said on stdout so far. */
  readonly output: () => string;
  /** A client of it; `baseUrl` may point to a proxy. */
  readonly client: (options?: Partial<PodAgentOptions>) => PodAgent;
  /** As the platform does: SIGTERM, then SIGKILL. */
  readonly stop: () => Promise<void>;
}

/** Starts the agent as a pod would; it is stopped when the test ends. */
export async function startAgent(
  options: { readonly env?: Readonly<Record<string, string>>; readonly folder?: string } = {},
): Promise<RunningAgent> {
  const { folder = makeFolder() } = options;
  // The bootstrap unpacks into the system's temp folder, which nobody would clear.
  const unpacked = join(makeFolder(), 'tmp');
  mkdirSync(unpacked);
  const [program = '', ...args] = agentCommand('toy');
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      TMPDIR: unpacked,
      PYTHONDONTWRITEBYTECODE: '1',
      ...agentEnv({
        token: TOKEN,
        selfTermination: { restUrl: 'http://127.0.0.1:9', graphqlUrl: 'http://127.0.0.1:9' },
        maxRuntimeSeconds: 600,
        uploadGraceSeconds: 600,
        resultGraceSeconds: 600,
        extra: { AGENT_PORT: '0', AGENT_HOST: '127.0.0.1', AGENT_DIR: folder, ...options.env },
      }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const stop = () => stopProcess(child);
  onTestFinished(stop);
  const [, port = ''] = await until('the agent says its port', () => /, port (\d+)"/.exec(output));
  const baseUrl = `http://127.0.0.1:${port}`;
  return {
    baseUrl,
    token: TOKEN,
    folder,
    output: () => output,
    client: (more = {}) => createPodAgent({ baseUrl, token: TOKEN, retryPauseMs: 5, ...more }),
    stop,
  };
}

/** SIGTERM first: the agent ends its trainer, which is in a process group of its own. */
async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

export interface CutProxy {
  readonly url: string;
  /** Connections that were cut so far. */
  readonly cuts: () => number;
}

export interface CutOptions {
  /** Asked once for each connection: after how many bytes it is cut; null: never. */
  readonly cutAfterBytes: () => number | null;
  /** Whose bytes count: what the client sends (up), or what it gets (down). */
  readonly direction: 'up' | 'down';
}

/** A TCP proxy that cuts connections in the middle, both ways at once. */
export async function cutProxy(target: string, options: CutOptions): Promise<CutProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    const destroy = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', destroy);
      socket.on('close', () => open.delete(socket));
    }
    const limit = options.cutAfterBytes();
    const [from, to] = options.direction === 'up' ? [client, upstream] : [upstream, client];
    to.pipe(from);
    let left = limit ?? Number.POSITIVE_INFINITY;
    from.on('data', (chunk: Buffer) => {
      to.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      cuts += 1;
      from.pause();
      // What was written is still sent, so that the cut is at this byte and not before it.
      to.end(destroy);
    });
    from.on('end', () => to.end());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
  };
}

/** A server in the agent's place that answers as the test likes; it is stopped when the test ends. */
export async function startImpostor(answer: RequestListener): Promise<string> {
  const server = createHttpServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Bytes as an upload, in chunks that fit no part. */
export function uploadOf(bytes: Buffer): UploadSource {
  return {
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async *read(offset) {
      for (let at = offset; at < bytes.length; at += 60_001) {
        yield await Promise.resolve(bytes.subarray(at, at + 60_001));
      }
    },
  };
}

/** Bytes that look random and are the same in every run. */
export function seededBytes(seed: number, size: number): Buffer {
  const random = createRandom(seed);
  return Buffer.from(Array.from({ length: size }, () => Math.floor(random() * 256)));
}

/** All that a transfer yields. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
