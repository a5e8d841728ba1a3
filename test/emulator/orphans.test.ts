import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { until } from '../support/until.ts';
import { callerOf, readPod, startEmulator } from './client.ts';
import { processesOf, recordOf, runPod, untilGone } from './pod-client.ts';

const MAIN = fileURLToPath(new URL('../../src/emulator/main.ts', import.meta.url));
/** A command with a child in its group and one in a session of its own. */
const FAMILY = ['sh', '-c', 'setsid sleep 600 & sleep 600 & wait'];

/** An emulator as a process of its own, with its temporary files in a folder of the test. */
async function startProcess(settings: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-test-'));
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, TMPDIR: folder, EMULATOR_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const url = line.split(' ').at(-1) ?? '';
  const close = () => Promise.resolve();
  return { child, folder, call: callerOf({ url, close }) };
}

async function runFamily(call: ReturnType<typeof callerOf>): Promise<string> {
  const { id } = await runPod(call, FAMILY);
  await until('all three run', async () => isFamily(await processesOf(id)));
  return id;
}

/** A process that is just becoming its program has no environment to be known by for a moment. */
function isFamily(pids: readonly number[]): boolean {
  return pids.map(nameOf).sort().join() === 'sh,sleep,sleep';
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return 'gone';
  }
}

describe('pods of an emulator that dies', () => {
  it('by SIGKILL: leave no process and no folder', async () => {
    const { child, folder, call } = await startProcess();
    const id = await runFamily(call);
    expect(readdirSync(folder)).toHaveLength(1);
    child.kill('SIGKILL');
    await untilGone(id);
    await until('no folder is left', () => readdirSync(folder).length === 0);
  });

  it('by SIGTERM: leave none either', async () => {
    const { child, folder, call } = await startProcess();
    const id = await runFamily(call);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await processesOf(id)).toEqual([]);
    await until('no folder is left', () => readdirSync(folder).length === 0);
  });

  it('are started again by the next one with their state, without what is left of before', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'emulator-state-'));
    onTestFinished(() => {
      rmSync(stateDir, { recursive: true, force: true });
    });
    const { child, call } = await startProcess({ EMULATOR_STATE_DIR: stateDir });
    const id = await runFamily(call);
    const before = await processesOf(id);
    child.kill('SIGKILL');
    const next = callerOf(await startEmulator({ stateDir, closeGraceMs: 300 }));
    await until('the command runs again', async () => (await recordOf(next, id)).pid !== null);
    await until('all three run', async () => {
      const now = await processesOf(id);
      return now.length === 3 && now.every((pid) => !before.includes(pid));
    });
    expect((await readPod(next, id)).status).toBe('RUNNING');
  });
});

it('an emulator that does not get its port leaves the pods of the one that has it alone', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'emulator-state-'));
  onTestFinished(() => {
    rmSync(stateDir, { recursive: true, force: true });
  });
  const first = await startEmulator({ stateDir, closeGraceMs: 300 });
  const id = await runFamily(callerOf(first));
  const before = await processesOf(id);
  const port = Number(new URL(first.url).port);
  await expect(createEmulator({ stateDir, port })).rejects.toThrow('EADDRINUSE');
  expect(await processesOf(id)).toEqual(before);
});
