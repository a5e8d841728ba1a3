/**
 * `npm run test:training [-- FILTER]`: real training on this machine's CPU, through the whole product.
 *
 * Readies a Python environment (TRAINING_VENV, default `.venv-training`), makes tiny models, and runs
 * the tests of this folder on them, or those of files whose name has FILTER in it. `if-changed` is the
 * gate's: one job, and none where the programs are those that all of these tests passed with.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isProved, noteProved } from './proved.ts';
import { readyVenv } from './venv.ts';

const ROOT = join(import.meta.dirname, '../..');

const say = (text: string) => {
  process.stdout.write(`test:training: ${text}\n`);
};

const [first, ...rest] = process.argv.slice(2);
if (first === 'if-changed') {
  if (isProved()) say('skipped: all of it passed with the programs of agent/ as they are');
  else run(['smoke', ...rest]);
} else {
  const passed = run(process.argv.slice(2));
  if (passed && first === undefined) noteProved();
}

/** @returns whether everything that was asked for was tested and is well */
function run(filters: readonly string[]): boolean {
  const venv = readyVenv(process.env.TRAINING_VENV, say);
  if (venv.kind === 'unavailable') {
    say(`skipped, nothing was tested: the Python packages are not to be had (${venv.reason})`);
    return false;
  }
  const hub = mkdtempSync(join(tmpdir(), 'runpod-subgraph-hub-'));
  try {
    say('making tiny models');
    const made = spawnSync(venv.python, [join(import.meta.dirname, 'make_models.py'), hub], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`make_models.py failed: ${made.stderr}`);
    const config = join(import.meta.dirname, 'vitest.config.ts');
    const { status } = spawnSync(
      process.execPath,
      [vitest(), 'run', '--root', ROOT, '--config', config, ...filters],
      {
        cwd: ROOT,
        stdio: 'inherit',
        env: { ...process.env, TRAINING_PYTHON: venv.python, TRAINING_HUB: hub },
      },
    );
    process.exitCode = status ?? 1;
    return status === 0;
  } finally {
    rmSync(hub, { recursive: true, force: true });
  }
}

function vitest(): string {
  return join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
}
