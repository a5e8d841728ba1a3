/** What can happen to a pod. Pure: each change makes a new pod of the old one and the instant. */
import { randomBytes } from 'node:crypto';
import type { Charge, Placement, Pod, PodSpec } from './pod.ts';

export type PodChange = (pod: Pod, now: number) => Pod;

/** How long a new pod stays hidden, by fault. */
export interface Hiding {
  readonly listingLagMs: number;
  readonly readLagMs: number;
}

/** Marks a key as one that was injected into a pod. */
export const POD_KEY_PREFIX = 'rpa_pod_';

/** USD per hour for 1 GB of a stopped pod's persistent disk: 0.20 a month. */
const STOPPED_DISK_USD = 0.2 / 730;

/** A pod that is charged for and boots from now on. */
export function newPod(spec: PodSpec, placement: Placement, hiding: Hiding, now: number): Pod {
  return {
    id: newId(14),
    apiKey: `${POD_KEY_PREFIX}${newId(32)}`,
    spec,
    placement,
    createdAt: now,
    bootedAt: now,
    exitedAt: null,
    terminatedAt: null,
    charges: [computeCharge(placement, now)],
    listedAt: now + hiding.listingLagMs,
    readableAt: now + hiding.readLagMs,
  };
}

export const startPod: PodChange = (pod, now) => ({
  ...pod,
  bootedAt: now,
  exitedAt: null,
  charges: [...endCharges(pod, now), computeCharge(pod.placement, now)],
});

/** Its container runs again, on the same machine and at the same charge. */
export const restartPod: PodChange = (pod, now) => ({ ...pod, bootedAt: now });

/** The machine is given back; a persistent disk is kept, and charged for. */
export const stopPod: PodChange = (pod, now) => ({
  ...pod,
  exitedAt: now,
  charges: [...endCharges(pod, now), ...diskCharge(pod, now)],
});

export const terminatePod: PodChange = (pod, now) => ({
  ...pod,
  terminatedAt: now,
  charges: endCharges(pod, now),
});

export function editPod(edit: Partial<PodSpec>): PodChange {
  return (pod) => ({ ...pod, spec: { ...pod.spec, ...edit } });
}

function computeCharge({ usdPerHour }: Placement, from: number): Charge {
  return { item: 'gpu', from, until: null, usdPerHour };
}

function diskCharge(pod: Pod, from: number): Charge[] {
  const sizeGb = pod.spec.mounts.persistent?.size ?? 0;
  if (sizeGb === 0) return [];
  return [{ item: 'disk', from, until: null, usdPerHour: sizeGb * STOPPED_DISK_USD }];
}

function endCharges(pod: Pod, now: number): Charge[] {
  return pod.charges.map((charge) => (charge.until === null ? { ...charge, until: now } : charge));
}

/** Lower-case letters and digits, as the original's ids. */
function newId(length: number): string {
  return [...randomBytes(length)].map((byte) => (byte % 36).toString(36)).join('');
}
