/** `npm run supergraph`, as its user has it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';
import { behindGateway, IS_MISSING } from './start-supergraph.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FREE_PORTS = ['--port', '0', '--runpod-port', '0', '--experiments-port', '0'];
const COMMAND_MS = 60_000;

function start(words: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['bin/run.js', 'examples/supergraph/main.ts', ...words],
    // Whatever the environment says, nothing is rented.
    { cwd: ROOT, env: { ...process.env, RUNPOD_API_KEY: 'not-a-key' } },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  const keep = (chunk: Buffer) => (said += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, ended, said: () => said };
}

describe.skipIf(IS_MISSING)(behindGateway('the command'), { timeout: COMMAND_MS }, () => {
  test('--check tries everything, ends by itself, and says so', async () => {
    const { ended, said } = start(['--check']);
    expect(await ended, said()).toBe(0);
    expect(said()).toContain('Everything works.');
  });

  test('it shows where to go, and Ctrl-C ends all of it', async () => {
    const { child, ended, said } = start(FREE_PORTS);
    await until('the banner', () => said().includes('Ctrl-C ends everything.'), COMMAND_MS);
    const [url = ''] = /http:\S+\/graphql/.exec(said().split('Supergraph')[1] ?? '') ?? [];
    // A request that is asked as it is shown.
    const [, body = ''] = /-d '(\{"query":"\{ experiment.*\})'/.exec(said()) ?? [];
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    expect(await answer.json()).toMatchObject({
      data: { experiment: { trainingJobs: [{ name: 'rank 32' }] } },
    });
    child.kill('SIGINT');
    expect(await ended, said()).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });
});

test('a word it does not know is answered with those it does', async () => {
  const { ended, said } = start(['--planer', 'rust']);
  expect(await ended).toBe(2);
  expect(said()).toContain('--planner js|rust');
});
