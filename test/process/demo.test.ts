import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../support/folder.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The demo with a temporary folder of its own. */
function startDemo(env: Readonly<Record<string, string | undefined>> = {}) {
  const folder = makeFolder();
  const child = spawn(process.execPath, [join(ROOT, 'bin/run.js'), 'src/demo.ts'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      TMPDIR: folder,
      // Node's own, which would lie in that folder.
      NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
      ...env,
    },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, folder, ended, out: () => out, err: () => err };
}

/** Processes that work in the folder or were started with it in their words; Linux alone tells. */
function processesAt(folder: string): readonly string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      return [words, environment, readlinkSync(`/proc/${pid}/cwd`)].some((text) =>
        text.includes(folder),
      );
    } catch {
      // It ended, or it is somebody else's.
      return false;
    }
  });
}

test('the demo trains, fetches a verified adapter, and leaves only that', async () => {
  // A key in the environment must not make it rent anything.
  const demo = startDemo({ RUNPOD_API_KEY: 'not-a-key', RUNPOD_REST_URL: 'http://127.0.0.1:9' });
  expect(await demo.ended, demo.out() + demo.err()).toBe(0);
  expect(demo.err()).toBe('');
  const out = demo.out();
  const [, adapter = ''] = /^Adapter {3}(.+)$/m.exec(out) ?? [];
  const [, sha256 = ''] = /^SHA-256 {3}([0-9a-f]{64})$/m.exec(out) ?? [];
  expect(adapter.startsWith(demo.folder)).toBe(true);
  expect(createHash('sha256').update(readFileSync(adapter)).digest('hex')).toBe(sha256);
  const statuses = ['PROVISIONING', 'RUNNING', 'COMPLETED'];
  for (const status of statuses) expect(out).toContain(status);
  expect(out).toMatch(/pod at \$\d\.\d+\/h/);
  const losses = [...out.matchAll(/loss (\d\.\d+)/g)].map(([, loss]) => Number(loss));
  expect(losses.length).toBeGreaterThan(8);
  expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) * 0.7);
  expect(processesAt(demo.folder)).toEqual([]);
  const [own = ''] = readdirSync(demo.folder);
  expect(readdirSync(join(demo.folder, own))).toEqual(['results']);
}, 60_000);

test('Ctrl-C in the middle ends everything and leaves nothing', async () => {
  const demo = startDemo();
  await until('it trains', () => demo.out().includes('RUNNING'), 20_000);
  expect(processesAt(demo.folder).length).toBeGreaterThan(1);
  demo.child.kill('SIGINT');
  expect(await demo.ended, demo.err()).toBe(130);
  expect(demo.err()).toContain('Interrupted; everything was ended.');
  expect(processesAt(demo.folder)).toEqual([]);
  expect(readdirSync(demo.folder)).toEqual([]);
}, 60_000);

test('without python3 it says so at once', async () => {
  const bin = join(makeFolder(), 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const demo = startDemo({ PATH: bin });
  expect(await demo.ended).toBe(1);
  expect(demo.err()).toContain('error: The demo needs python3');
  expect(demo.out()).toBe('');
});
