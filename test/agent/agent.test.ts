import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 280_000;
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
const missing = python.status === 0 ? null : 'python3 3.9 or later is not installed here';

/** Starts one of the agent's own suites; its whole output is what a failure shows. */
function startSuite(pattern: string) {
  const child = spawn('python3', ['-m', 'unittest', 'discover', '-s', 'agent', '-p', pattern], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('close', (code) => {
      resolve({ code, output });
    });
  });
  // On SIGTERM the suite ends what it started, so no agent is left behind.
  const interrupt = () => void child.kill('SIGTERM');
  return { ended, interrupt };
}

test.concurrent.for(['test_agent.py', 'test_trainer.py'])(
  'the pod agent passes its own suite %s',
  { timeout: LIMIT_MS },
  async (pattern, { skip, expect, onTestFinished }) => {
    if (missing !== null) skip(missing);
    const suite = startSuite(pattern);
    onTestFinished(suite.interrupt);
    const timer = setTimeout(suite.interrupt, LIMIT_MS - 20_000);
    onTestFinished(() => {
      clearTimeout(timer);
    });
    const { code, output } = await suite.ended;
    expect(code, output).toBe(0);
    expect(output).toMatch(/Ran [1-9]\d* tests?/);
  },
);
