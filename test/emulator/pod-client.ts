/** What the tests of pods that run something share. */
import { findMarked } from '../../src/emulator/containers/process-tree.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';
import { until } from '../support/until.ts';
import { callerOf, createPod, podRecords, startEmulator } from './client.ts';
import type { Call, PodAnswer } from './client.ts';

export interface PodWorld {
  readonly emulator: Emulator;
  readonly call: Call;
}

/** An emulator that boots and restarts pods at once and has little patience with what must end. */
export async function startPodWorld(options: EmulatorOptions = {}): Promise<PodWorld> {
  const emulator = await startEmulator({
    restartMs: 5,
    stopGraceMs: 2_000,
    reclaimGraceMs: 300,
    closeGraceMs: 300,
    ...options,
  });
  return { emulator, call: callerOf(emulator) };
}

export function runPod(
  call: Call,
  cmd: readonly string[],
  change: object = {},
): Promise<PodAnswer> {
  return createPod(call, { cmd, ...change });
}

export function runShell(call: Call, script: string, change: object = {}): Promise<PodAnswer> {
  return runPod(call, ['sh', '-c', script], change);
}

/** Every process of a pod, whoever started it and whatever group it is in. */
export function processesOf(podId: string): Promise<number[]> {
  return findMarked(`RUNPOD_POD_ID=${podId}`);
}

export async function recordOf(call: Call, podId: string) {
  const record = (await podRecords(call)).find(({ id }) => id === podId);
  if (record === undefined) throw new Error(`there was no pod ${podId}`);
  return record;
}

export function untilGone(podId: string): Promise<unknown> {
  return until('no process of the pod is left', async () => {
    return (await processesOf(podId)).length === 0;
  });
}
