/** Hive Gateway as a process of its own, as it is run anywhere. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { EXAMPLE_FOLDER } from './install.ts';

/** Who plans queries: Hive's own planner in JavaScript, or that of Hive Router, in Rust. */
export type Planner = 'js' | 'rust';

export interface GatewaySettings {
  readonly port: number;
  readonly planner: Planner;
  readonly runpodUrl: string;
  readonly experimentsUrl: string;
  /** How streams are asked of the subgraph; absent: as the gateway does by default, over HTTP. */
  readonly streams?: 'ws' | 'http';
  /** Without its IDE, and as quick as it gets. */
  readonly isProduction?: boolean;
}

export interface Gateway {
  readonly url: string;
  readonly pid: number;
  /** What it logged last. */
  readonly complaint: () => string;
  readonly close: () => Promise<void>;
}

const START_MS = 30_000;
const END_MS = 5_000;
const POLL_MS = 25;
const KEPT_CHARACTERS = 8_000;

/** @throws {Error} with its last words, if it does not come up */
export async function startGateway(settings: GatewaySettings): Promise<Gateway> {
  const port = settings.port === 0 ? await freePort() : settings.port;
  const child = spawn(process.execPath, commandLine(port), {
    cwd: EXAMPLE_FOLDER,
    env: gatewayEnv(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let complaint = '';
  const keep = (chunk: Buffer): void => {
    complaint = (complaint + chunk.toString()).slice(-KEPT_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  async function close(): Promise<void> {
    child.kill('SIGTERM');
    // It waits for its clients, streams among them.
    const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await ended;
    clearTimeout(timer);
  }

  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + START_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await close();
      throw new Error(`The gateway did not start on port ${port}:\n${complaint}`);
    }
    await pause(POLL_MS);
  }
  return { url: `${url}/graphql`, pid: child.pid ?? 0, complaint: () => complaint, close };
}

function commandLine(port: number): string[] {
  return [
    'node_modules/@graphql-hive/gateway/dist/bin.js',
    ...['supergraph', 'supergraph.graphql', '--config-path', 'gateway.config.ts'],
    ...['--host', '127.0.0.1', '--port', String(port)],
  ];
}

/** No more than it needs: of the environment of whoever starts the example it gets nothing else. */
function gatewayEnv(settings: GatewaySettings): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    LOG_LEVEL: 'warn',
    RUNPOD_SUBGRAPH_URL: settings.runpodUrl,
    EXPERIMENTS_SUBGRAPH_URL: settings.experimentsUrl,
    RUNPOD_STREAMS: settings.streams ?? 'http',
    ...(settings.isProduction === true && { NODE_ENV: 'production' }),
    ...(settings.planner === 'rust' && { HIVE_ROUTER_RUNTIME: '1' }),
  };
}

async function isReady(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(1_000);
  return fetch(`${url}/readiness`, { signal }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Gateways cannot be told to take any port and then say which. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
