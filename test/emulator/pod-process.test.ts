import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { until } from '../support/until.ts';
import { callerOf, graphql, GPU, podBody, readPod } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';
import { processesOf, recordOf, runPod, runShell, startPodWorld, untilGone } from './pod-client.ts';
import type { PodWorld } from './pod-client.ts';

const CONTAINER = '?source=container&tail=5000';
const SYSTEM = '?source=system&tail=5000';

async function firstLines({ emulator }: PodWorld, podId: string, count: number, query = CONTAINER) {
  return linesOf(await (await openLog(emulator, podId, { query })).take(count));
}

function parseEnvironment(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => [line.replace(/=.*/s, ''), line.replace(/^[^=]*=/, '')]),
  );
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'emulator-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

describe('a pod with a command', () => {
  it('runs it once it is RUNNING, and logs what it says on both outputs', async () => {
    const world = await startPodWorld({ provisioningMs: 30, startingMs: 30 });
    const { id } = await runShell(world.call, 'echo out; echo "Grüße 🎉" >&2; exec sleep 60');
    expect((await recordOf(world.call, id)).pid).toBeNull();
    const lines = await firstLines(world, id, 2);
    expect(lines.toSorted()).toEqual(['Grüße 🎉', 'out']);
    const { pid, status, restarts } = await recordOf(world.call, id);
    expect([status, restarts]).toEqual(['RUNNING', 0]);
    expect(await processesOf(id)).toEqual([pid]);
  });

  it('runs entrypoint and command as one, without a shell between', async () => {
    const world = await startPodWorld();
    const { id } = await runPod(world.call, ['%s|', 'a b', '$HOME', '"'], {
      entrypoint: ['printf'],
    });
    expect((await firstLines(world, id, 1))[0]).toMatch(/^a b\|\$HOME\|"\|/);
  });

  it('has the Python that the emulator was given for it, and no other command changed', async () => {
    const python = join(temporaryFolder(), 'own-python');
    writeFileSync(python, '#!/bin/sh\necho "own Python: $*"\n', { mode: 0o755 });
    const world = await startPodWorld({ python });
    const own = await runPod(world.call, ['python3', '-c', 'print(1)']);
    expect((await firstLines(world, own.id, 1))[0]).toBe('own Python: -c print(1)');
    const other = await runPod(world.call, ['echo', 'python3']);
    expect((await firstLines(world, other.id, 1))[0]).toBe('python3');
  });

  it('runs the exec form that GraphQL has for it', async () => {
    const world = await startPodWorld();
    const args = JSON.stringify({ entrypoint: ['echo'], cmd: ['from', 'GraphQL'] });
    const { data } = await graphql(
      world.call,
      'mutation ($input: PodRentInterruptableInput!) { podRentInterruptable(input: $input) { id } }',
      { input: { bidPerGpu: 0.6, gpuTypeId: GPU, imageName: 'i', dockerArgs: args } },
    );
    const { id } = data?.podRentInterruptable as { id: string };
    expect(await firstLines(world, id, 1)).toEqual(['from GraphQL']);
  });

  it('has the environment of the platform and its own, and nothing of the emulator', async () => {
    process.env.EMULATOR_TEST_LEAK = 'secret';
    onTestFinished(() => {
      delete process.env.EMULATOR_TEST_LEAK;
    });
    const world = await startPodWorld();
    const pod = await runShell(world.call, 'env; echo end; exec sleep 60', {
      env: { MINE: 'yes', AGENT_HOST: '0.0.0.0', HOME: '/root' },
      ports: ['8000/http', '9000/http', '22/tcp'],
    });
    const reader = await openLog(world.emulator, pod.id, { query: CONTAINER });
    const lines: string[] = [];
    while (lines.at(-1) !== 'end') lines.push(...linesOf(await reader.take(1)));
    const env = parseEnvironment(lines.slice(0, -1));
    expect(
      Object.keys(env)
        .filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name))
        .sort(),
    ).toEqual([
      ...['AGENT_DIR', 'AGENT_HOST', 'AGENT_PORT', 'EMULATOR_BOOT_ID', 'EMULATOR_PORT_8000'],
      ...['EMULATOR_PORT_9000', 'HOME', 'MINE', 'PATH', 'RUNPOD_API_KEY', 'RUNPOD_DC_ID'],
      ...['RUNPOD_GPU_COUNT', 'RUNPOD_POD_ID', 'TMPDIR'],
    ]);
    expect(env).toMatchObject({
      MINE: 'yes',
      AGENT_HOST: '127.0.0.1',
      RUNPOD_POD_ID: pod.id,
      RUNPOD_API_KEY: pod.env.RUNPOD_API_KEY,
      RUNPOD_GPU_COUNT: '1',
      AGENT_PORT: env.EMULATOR_PORT_8000,
    });
    const folder = dirname(String(env.HOME));
    expect([env.TMPDIR, env.AGENT_DIR, env.PWD]).toEqual([
      join(folder, 'tmp'),
      join(folder, 'workspace', 'agent'),
      folder,
    ]);
  });

  it('is limited: it writes no core dump and has its own bound of open files', async () => {
    const world = await startPodWorld();
    const { id } = await runShell(world.call, 'ulimit -c; ulimit -n; exec sleep 60');
    expect(await firstLines(world, id, 2)).toEqual(['0', '4096']);
  });

  it('is started again whenever it exits, on the disk as it left it, and goes on to cost', async () => {
    const world = await startPodWorld();
    const { id } = await runShell(world.call, 'echo x >> count; wc -l < count; exit 3');
    expect((await firstLines(world, id, 3)).map(Number)).toEqual([1, 2, 3]);
    const { restarts, status } = await recordOf(world.call, id);
    expect(restarts).toBeGreaterThanOrEqual(2);
    expect(status).toBe('RUNNING');
    const system = (await firstLines(world, id, 5, SYSTEM)).join('\n');
    expect(system).toMatch(/start container\ncontainer exited with code 3; it restarts in 5 ms/);
  });

  it('that this machine does not have exits with 127, as in a container', async () => {
    const world = await startPodWorld();
    const { id } = await runPod(world.call, ['no-such-command']);
    const system = await firstLines(world, id, 4, SYSTEM);
    expect(system.at(-1)).toMatch(/exited with code 127/);
  });

  it('has long lines cut, between characters', async () => {
    const world = await startPodWorld();
    const script = `import sys; sys.stdout.write("a" + "\\U0001F389" * 9000 + "\\nend"); sys.stdout.flush()`;
    const { id } = await runPod(world.call, ['python3', '-c', script]);
    const lines = await firstLines(world, id, 3);
    expect(lines.map(({ length }) => length)).toEqual([16_383, 1_618, 3]);
    expect(lines.join('')).toBe(`a${'🎉'.repeat(9_000)}end`);
  });

  it('finds no room where too many run', async () => {
    const { call } = await startPodWorld({ maxProcesses: 1 });
    const { id } = await runShell(call, 'exec sleep 60');
    const body = podBody({ cmd: ['sleep', '60'] });
    expect((await call('POST', '/v2/pods', { body })).status).toBe(400);
    expect((await call('POST', '/v2/pods', { body: podBody() })).status).toBe(201);
    await call('DELETE', `/v2/pods/${id}`);
    expect((await call('POST', '/v2/pods', { body })).status).toBe(201);
  });
});

/** A command with a child in its group and one that has left group, session and parent. */
const FAMILY = ['sh', '-c', '(setsid sh -c "sleep 60 & sleep 60; :" &); sleep 60 & echo up; wait'];

describe('the end of a pod', () => {
  it('takes every process with it, those of other sessions too, and its folder', async () => {
    const stateDir = temporaryFolder();
    const world = await startPodWorld({ stateDir });
    const { id } = await runPod(world.call, FAMILY);
    await firstLines(world, id, 1);
    await until('all five run', async () => (await processesOf(id)).length === 5);
    expect(existsSync(join(stateDir, 'pods', id))).toBe(true);
    await world.call('DELETE', `/v2/pods/${id}`);
    await untilGone(id);
    await until('the folder is gone', () => !existsSync(join(stateDir, 'pods', id)));
    expect((await recordOf(world.call, id)).pid).toBeNull();
  });

  it('begins with SIGTERM, and comes to one that does not listen after the grace', async () => {
    const world = await startPodWorld({ stopGraceMs: 500 });
    const { id } = await runShell(
      world.call,
      `exec 2>/dev/null; trap 'echo asked' TERM; echo up; while :; do sleep 0.02; done`,
    );
    const reader = await openLog(world.emulator, id, { query: CONTAINER });
    expect(linesOf(await reader.take(1))).toEqual(['up']);
    await world.call('POST', `/v2/pods/${id}/action`, { body: { action: 'stop' } });
    expect(linesOf(await reader.take(1))).toEqual(['asked']);
    await untilGone(id);
    expect(await readPod(world.call, id)).toMatchObject({ status: 'EXITED' });
  });

  it('stop: empties the container disk, and start runs the command anew', async () => {
    const world = await startPodWorld();
    const script = 'ls -A; echo end; touch left workspace/kept; exec sleep 60';
    const { id } = await runShell(world.call, script);
    expect(await firstLines(world, id, 4)).toEqual(['home', 'tmp', 'workspace', 'end']);
    for (const action of ['stop', 'start']) {
      await world.call('POST', `/v2/pods/${id}/action`, { body: { action } });
    }
    const lines = await firstLines(world, id, 8);
    expect(lines.slice(4)).toEqual(['home', 'tmp', 'workspace', 'end']);
  });

  it('is waited for when the emulator closes', async () => {
    const emulator = await createEmulator({ provisioningMs: 0, startingMs: 0, closeGraceMs: 200 });
    const call = callerOf(emulator);
    const { id } = await runPod(call, FAMILY);
    await until('all five run', async () => (await processesOf(id)).length === 5);
    await emulator.close();
    expect(await processesOf(id)).toEqual([]);
  });
});

describe('an emulator with a state directory', () => {
  it('runs its pods again after a restart, on their disks', async () => {
    const stateDir = temporaryFolder();
    const options = { stateDir, provisioningMs: 0, startingMs: 0, closeGraceMs: 200 };
    const before = await createEmulator(options);
    const script = 'echo x >> count; echo boot $(wc -l < count); exec sleep 60';
    const kept = await runShell(callerOf(before), script);
    const stopped = await runShell(callerOf(before), 'exec sleep 60');
    await firstLines({ emulator: before, call: callerOf(before) }, kept.id, 1);
    await callerOf(before)('POST', `/v2/pods/${stopped.id}/action`, { body: { action: 'stop' } });
    await before.close();
    expect(await processesOf(kept.id)).toEqual([]);

    const world = await startPodWorld({ stateDir });
    expect((await firstLines(world, kept.id, 1))[0]).toMatch(/^boot +2$/);
    expect(await processesOf(stopped.id)).toEqual([]);
    await world.call('DELETE', `/v2/pods/${stopped.id}`);
    await until('only one folder is left', () => {
      return readdirSync(join(stateDir, 'pods')).join() === kept.id;
    });
  });
});
