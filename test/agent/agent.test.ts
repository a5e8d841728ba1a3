import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';
import type { TestContext } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIMIT_MS = 280_000;
/** Minutes of real training: only where a python with agent/requirements-trl.txt is named. */
const TRAINING_LIMIT_MS = 1_500_000;
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']);
const missing = python.status === 0 ? null : 'python3 3.9 or later is not installed here';

/** Starts one of the agent's own suites; its whole output is what a failure shows. */
function startSuite(pattern: string) {
  const child = spawn('python3', ['-m', 'unittest', 'discover', '-s', 'agent', '-p', pattern], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PYTHONDONTWRITEBYTECODE: '1',
      TRAINING_PYTHON: process.env.TRAINING_PYTHON,
      UNSLOTH_PYTHON: process.env.UNSLOTH_PYTHON,
    },
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

test.concurrent.for(['test_agent.py', 'test_trainer.py', 'test_trainer_parts.py'])(
  'the pod agent passes its own suite %s',
  { timeout: LIMIT_MS },
  async (pattern, context) => {
    await passes(pattern, context, LIMIT_MS);
  },
);

test(
  'the trainer passes its suite on the real libraries',
  { timeout: TRAINING_LIMIT_MS },
  async (context) => {
    if ((process.env.TRAINING_PYTHON ?? '') === '') {
      context.skip('TRAINING_PYTHON names no python that has agent/requirements-trl.txt installed');
    }
    await passes('test_trainer_trl.py', context, TRAINING_LIMIT_MS);
  },
);

async function passes(
  pattern: string,
  { skip, expect, onTestFinished }: TestContext,
  limitMs: number,
): Promise<void> {
  if (missing !== null) skip(missing);
  const suite = startSuite(pattern);
  onTestFinished(suite.interrupt);
  const timer = setTimeout(suite.interrupt, limitMs - 20_000);
  onTestFinished(() => {
    clearTimeout(timer);
  });
  const { code, output } = await suite.ended;
  expect(code, output).toBe(0);
  expect(output).toMatch(/Ran [1-9]\d* tests?/);
}
