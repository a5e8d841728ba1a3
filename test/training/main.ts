/**
 * `npm run test:training [-- smoke]`: real training on this machine's CPU, through the whole product.
 *
 * Readies a Python environment (TRAINING_VENV, default `.venv-training`), makes tiny models, and runs
 * the tests of this folder on them. `smoke`: one job only.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readyVenv } from './venv.ts';

const say = (text: string) => {
  process.stdout.write(`test:training: ${text}\n`);
};

const venv = readyVenv(process.env.TRAINING_VENV, say);
if (venv.kind === 'unavailable') {
  say(`skipped, nothing was tested: the Python packages are not to be had (${venv.reason})`);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-hub-'));
  try {
    say('making tiny models');
    runOrThrow(venv.python, [join(import.meta.dirname, 'make_models.py'), folder]);
    const vitest = join(
      dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
      'vitest.mjs',
    );
    const root = join(import.meta.dirname, '../..');
    const config = join(import.meta.dirname, 'vitest.config.ts');
    const { status } = spawnSync(
      process.execPath,
      [vitest, 'run', '--root', root, '--config', config, ...process.argv.slice(2)],
      {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, TRAINING_PYTHON: venv.python, TRAINING_HUB: folder },
      },
    );
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runOrThrow(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args[0] ?? command} failed: ${stderr}`);
}
