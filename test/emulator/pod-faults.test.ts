import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { addFault, createPod, firedOf, GPU, graphql, podBody, readPod } from './client.ts';
import type { Call } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';
import { processesOf, recordOf, runPod, runShell, startPodWorld, untilGone } from './pod-client.ts';

const CONTAINER = '?source=container&tail=5000';
/** Says so when it is asked to end, and takes its time. */
const SLOW = `exec 2>/dev/null; trap 'echo asked' TERM; echo up; while :; do sleep 0.02; done`;

async function runSpot(call: Call, script: string): Promise<string> {
  const { data } = await graphql(
    call,
    'mutation ($input: PodRentInterruptableInput!) { podRentInterruptable(input: $input) { id } }',
    {
      input: {
        bidPerGpu: 0.6,
        gpuTypeId: GPU,
        imageName: 'i',
        dockerArgs: JSON.stringify({ cmd: ['sh', '-c', script] }),
      },
    },
  );
  return (data?.podRentInterruptable as { id: string }).id;
}

describe('a spot pod that is reclaimed', () => {
  it('is asked to end, and killed after the grace', async () => {
    const { emulator, call } = await startPodWorld({ reclaimGraceMs: 500 });
    const id = await runSpot(call, SLOW);
    const reader = await openLog(emulator, id, { query: CONTAINER });
    expect(linesOf(await reader.take(1))).toEqual(['up']);
    const startedAt = performance.now();
    await addFault(call, { kind: 'spot-reclaim', podId: id });
    expect((await readPod(call, id)).status).toBe('EXITED');
    expect(linesOf(await reader.take(1))).toEqual(['asked']);
    await untilGone(id);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(490);
    await until('its record has no process', async () => (await recordOf(call, id)).pid === null);
  });
});

describe('a pod whose host dies', () => {
  it('exits, on demand or not, without a word to its processes', async () => {
    const { emulator, call } = await startPodWorld();
    const { id } = await runShell(call, SLOW);
    const spot = await runSpot(call, SLOW);
    const reader = await openLog(emulator, id, { query: CONTAINER });
    await reader.take(1);
    await addFault(call, { kind: 'host-death' });
    await Promise.all([id, spot].map(untilGone));
    expect((await readPod(call, id)).status).toBe('EXITED');
    expect((await readPod(call, spot)).status).toBe('EXITED');
    const again = await openLog(emulator, id, { query: CONTAINER });
    expect(linesOf(await again.take(1))).toEqual(['up']);
    const system = await openLog(emulator, id, { query: '?source=system' });
    expect(linesOf(await system.take(4)).at(-1)).toMatch(/killed by SIGKILL$/);
  });

  it('is gone, where that is asked for, and others are not', async () => {
    const { call } = await startPodWorld();
    const { id } = await runPod(call, ['sleep', '60']);
    const other = await runPod(call, ['sleep', '60']);
    await addFault(call, { kind: 'host-death', podId: id, mode: 'vanish' });
    expect((await call('GET', `/v2/pods/${id}`)).status).toBe(404);
    await untilGone(id);
    expect((await readPod(call, other.id)).status).toBe('RUNNING');
  });
});

describe('a pod that fails to boot', () => {
  it('stays STARTING, says why in its system log, and runs nothing', async () => {
    const { emulator, call } = await startPodWorld();
    const message = 'error pulling image: no space left on device';
    const fault = await addFault(call, { kind: 'boot-failure', message, times: 1 });
    const { id } = await runPod(call, ['sleep', '60']);
    const reader = await openLog(emulator, id, { query: '?source=system' });
    expect(linesOf(await reader.take(2))[1]).toBe(message);
    expect(await readPod(call, id)).toMatchObject({ status: 'STARTING', runtime: null });
    expect((await recordOf(call, id)).pid).toBeNull();
    expect(await firedOf(call, fault)).toBe(1);
    const next = await createPod(call);
    expect((await readPod(call, next.id)).status).toBe('RUNNING');
    expect((await call('DELETE', `/v2/pods/${id}`)).status).toBe(204);
  });

  it('is no other pod than that: one that is refused uses the fault not up', async () => {
    const { call } = await startPodWorld();
    const fault = await addFault(call, { kind: 'boot-failure', times: 1 });
    await call('POST', '/v2/pods', { body: podBody({ gpu: { id: GPU, count: 99 } }) });
    expect(await firedOf(call, fault)).toBe(0);
  });
});

describe('a container that is made to restart', () => {
  const SCRIPT = 'echo x >> count; echo boot $(cat count | tr -d "\\n"); exec sleep 60';

  it('runs its command again as another process, on the same disk', async () => {
    const { emulator, call } = await startPodWorld();
    const { id } = await runShell(call, SCRIPT);
    const reader = await openLog(emulator, id, { query: CONTAINER });
    expect(linesOf(await reader.take(1))).toEqual(['boot x']);
    const { pid } = await recordOf(call, id);
    await addFault(call, { kind: 'restart', podId: id });
    expect(linesOf(await reader.take(1))).toEqual(['boot xx']);
    const after = await recordOf(call, id);
    expect(after).toMatchObject({ status: 'RUNNING', restarts: 1 });
    expect(after.pid).not.toBe(pid);
  });

  it('has an empty disk, where that is asked for', async () => {
    const { emulator, call } = await startPodWorld();
    const { id } = await runShell(call, SCRIPT);
    const reader = await openLog(emulator, id, { query: CONTAINER });
    await reader.take(1);
    await addFault(call, { kind: 'restart', podId: id, wipe: true });
    expect(linesOf(await reader.take(1))).toEqual(['boot x']);
  });

  it('keeps a volume when its disk is wiped', async () => {
    const { emulator, call } = await startPodWorld();
    const { id } = await runShell(call, `cd workspace; ${SCRIPT}`, {
      mounts: { persistent: { size: 10, path: '/workspace' } },
    });
    const reader = await openLog(emulator, id, { query: CONTAINER });
    await reader.take(1);
    await addFault(call, { kind: 'restart', podId: id, wipe: true });
    expect(linesOf(await reader.take(1))).toEqual(['boot xx']);
  });

  it('is none, where the pod has no command', async () => {
    const { call } = await startPodWorld();
    const { id } = await createPod(call);
    const body = { kind: 'restart', podId: id };
    expect((await call('POST', '/__emulator/faults', { body })).status).toBe(404);
  });

  it('by the API: boots again with the same disk', async () => {
    const { emulator, call } = await startPodWorld();
    const { id } = await runShell(call, SCRIPT);
    const reader = await openLog(emulator, id, { query: CONTAINER });
    await reader.take(1);
    await call('POST', `/v2/pods/${id}/action`, { body: { action: 'restart' } });
    expect(linesOf(await reader.take(1))).toEqual(['boot xx']);
    await until('one process runs', async () => (await processesOf(id)).length === 1);
  });
});
