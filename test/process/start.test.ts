import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { postQuery } from '../support/start-app.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function run(module: string, settings: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, ['bin/run.js', module], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: makeFolder(), ...settings },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, ended, out: () => out, err: () => err };
}

function urlIn(text: string): string | undefined {
  return /listening on (\S+)/.exec(text)?.[1];
}

test('a start without settings says where it is, that nothing is billed, and answers', async () => {
  const server = run('src/main.ts', {});
  const url = await until('the server listens', () => urlIn(server.out()));
  expect(server.out()).toMatch(/emulator on http:\/\/127\.0\.0\.1:\d+/);
  expect(server.out()).toContain('nothing is billed');
  const answer = await postQuery(url, '{ gpuPlatform { emulated connected } }');
  expect(answer.data).toEqual({ gpuPlatform: { emulated: true, connected: true } });
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  expect(server.err()).toBe('');
});

test('a second signal ends it at once', async () => {
  const server = run('src/main.ts', { SHUTDOWN_GRACE_SECONDS: '600' });
  const url = await until('the server listens', () => urlIn(server.out()));
  const emulatorUrl = /emulator on (http:\S+\d)/.exec(server.out())?.[1] ?? '';
  await fetch(`${emulatorUrl}/__emulator/faults`, {
    method: 'POST',
    body: JSON.stringify({ kind: 'hang', route: 'GET /v2/catalog/gpus' }),
  });
  postQuery(url, '{ gpuResources { id } }').catch(() => undefined);
  await until('the request hangs', async () => {
    const counts = await (await fetch(`${emulatorUrl}/__emulator/requests`)).text();
    return counts.includes('catalog');
  });
  server.child.kill('SIGINT');
  await until('it says so', () => server.out().includes('once more'));
  const again = setInterval(() => server.child.kill('SIGINT'), 50);
  expect(await server.ended).toBe(130);
  clearInterval(again);
});

test('bad settings are told all at once and end with 1', async () => {
  const server = run('src/main.ts', { PORT: '99999', LOG_LEVEL: 'loud' });
  expect(await server.ended).toBe(1);
  expect(server.err()).toMatch(/2 faults[\s\S]*PORT: got "99999"[\s\S]*LOG_LEVEL: got "loud"/);
  expect(server.err()).not.toContain('node_modules');
});

test('a port that is taken is told with what to do', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const server = run('src/main.ts', { PORT: String(port) });
  expect(await server.ended).toBe(1);
  expect(server.err()).toContain(`Port ${port} on 127.0.0.1 is taken`);
});

test('the emulator runs on its own, on loopback only', async () => {
  const alone = run('src/emulator/main.ts', { EMULATOR_PORT: '0' });
  const url = await until('the emulator listens', () => urlIn(alone.out()));
  expect((await fetch(`${url}/v2/pods`)).status).toBe(401);
  alone.child.kill('SIGTERM');
  expect(await alone.ended).toBe(0);
  const open = run('src/emulator/main.ts', { HOST: '0.0.0.0' });
  expect(await open.ended).toBe(1);
  expect(open.err()).toContain('loopback');
});
