/** What the agent alone can take of a flood: its process, with and without a reader of its stream. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createPodAgent } from '../src/datasources/pod-agent.ts';
import { until } from '../test/support/until.ts';

const AGENT = fileURLToPath(new URL('../agent/agent.py', import.meta.url));
const TOKEN = 'bench-token-0123456789';
const ENOUGH_MS = 120_000;

export interface AgentFigures {
  readonly lines: number;
  readonly seconds: number;
}

/** `environment`: the trainer's. @returns how many lines it took in which time */
export async function measureAgent(
  environment: Readonly<Record<string, string>>,
  isRead: boolean,
): Promise<AgentFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-flood-'));
  const child = spawn('python3', ['-u', AGENT], {
    env: {
      PATH: process.env.PATH,
      AGENT_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
      AGENT_HOST: '127.0.0.1',
      AGENT_PORT: '0',
      AGENT_DIR: folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const signal = AbortSignal.timeout(ENOUGH_MS);
  try {
    const port = Promise.withResolvers<string>();
    // Read to its end, as a platform would.
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /, port (\d+)/.exec(line.slice(0, 200)) ?? [];
      if (found !== undefined) port.resolve(found);
    });
    const agent = createPodAgent({
      baseUrl: `http://127.0.0.1:${await port.promise}`,
      token: TOKEN,
    });
    const { bootId } = await agent.status(signal);
    await agent.putJob(
      { spec: { maxSteps: 1 }, secrets: {}, files: [], requirements: null },
      signal,
    );
    await agent.start(signal);
    const isOver = async () => (await agent.status(signal)).logClosed;
    if (isRead) await drain(agent, bootId, signal);
    await until('the flood is over', isOver, ENOUGH_MS);
    const { lastLine } = await agent.status(signal);
    const { lines } = await agent.lines(bootId, lastLine - 3, 3, signal);
    const [, count, seconds] =
      lines.map(({ text }) => /^end (\d+) ([\d.]+)$/.exec(text)).find((found) => found !== null) ??
      [];
    return { lines: Number(count), seconds: Number(seconds) };
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function drain(
  agent: ReturnType<typeof createPodAgent>,
  bootId: string,
  signal: AbortSignal,
): Promise<void> {
  let at = 0;
  for (;;) {
    for await (const event of agent.stream(bootId, at, signal)) {
      if (event.kind === 'lines') at += event.lines.length;
      if (event.kind === 'end') return;
    }
  }
}
