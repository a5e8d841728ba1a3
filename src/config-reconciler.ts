/** The settings that say how patient the reconciler is. */
import type { Environment } from './config.ts';

export interface ReconcilerConfig {
  readonly tickMs: number;
  readonly leaseMs: number;
  readonly listingGraceMs: number;
  readonly absentMs: number;
  readonly capacityMs: number;
  readonly provisioningMs: number;
  readonly pausingMs: number;
  readonly quarantineMs: number;
  readonly podEndMs: number;
  readonly uploadGraceSeconds: number;
  readonly ownerGraceSeconds: number;
}

const LIVE_TICK_SECONDS = 5;
const EMULATOR_TICK_SECONDS = 1;

export function toReconcilerConfig(env: Environment): ReconcilerConfig {
  const usual = env.RUNPOD_API_KEY === undefined ? EMULATOR_TICK_SECONDS : LIVE_TICK_SECONDS;
  return {
    tickMs: (env.RECONCILE_SECONDS ?? usual) * 1_000,
    leaseMs: env.LEASE_SECONDS * 1_000,
    listingGraceMs: env.LISTING_GRACE_SECONDS * 1_000,
    absentMs: env.POD_ABSENT_SECONDS * 1_000,
    capacityMs: env.CAPACITY_WAIT_SECONDS * 1_000,
    provisioningMs: env.PROVISIONING_SECONDS * 1_000,
    pausingMs: env.PAUSING_SECONDS * 1_000,
    quarantineMs: env.QUARANTINE_SECONDS * 1_000,
    podEndMs: env.POD_END_SECONDS * 1_000,
    uploadGraceSeconds: env.UPLOAD_GRACE_SECONDS,
    ownerGraceSeconds: env.OWNER_GRACE_SECONDS,
  };
}
