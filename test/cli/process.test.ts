import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';
import { SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

const CLI = fileURLToPath(new URL('../../bin/cli.js', import.meta.url));

test('Ctrl-C ends a follower with 130, on either stream in whole lines, and not the job', async () => {
  const { url, query } = await startTestApp({ RECONCILE_SECONDS: '0.2' });
  const uploadId = await uploadDataset(query);
  const { job } = await submitJob(query, { name: 'x', spec: { ...SPEC, dataset: { uploadId } } });
  const id = job?.id ?? '';
  const child = spawn(process.execPath, [CLI, 'logs', id, '--follow', '--url', url], {
    // From any folder.
    cwd: tmpdir(),
    env: { PATH: process.env.PATH },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close');
  await until('it follows', () => out.includes('●'));
  child.kill('SIGINT');
  const [code] = (await ended) as [number];
  expect(code, err).toBe(130);
  expect(err).toMatch(/The job goes on. To follow it again: runpod-subgraph logs .*\n$/s);
  expect(out).toMatch(/\n$/);
});

test('a reader that wants no more ends it quietly', async () => {
  const { url } = await startTestApp();
  const { stdout, stderr } = await promisify(execFile)('bash', [
    '-c',
    `set -o pipefail; "$0" "$1" gpus --url "$2" | head -n 1`,
    process.execPath,
    CLI,
    url,
  ]);
  expect(stdout).toMatch(/^ID .*\n$/);
  expect(stderr).toBe('');
});

test('an exit code reaches the shell', async () => {
  const run = promisify(execFile)(process.execPath, [CLI, 'list', '--url', 'http://127.0.0.1:9/']);
  await expect(run).rejects.toMatchObject({ code: 3, stdout: '' });
});
