/** The part of the composition root that looks after files of jobs: checkpoints, and what may go. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ArtifactStore } from './artifacts/artifact-store.ts';
import type { Config } from './config.ts';
import { createCheckpointKeeper } from './jobs/checkpoint-keeper.ts';
import type { CheckpointKeeper } from './jobs/checkpoint-keeper.ts';
import type { StoringDeps } from './jobs/checkpoints.ts';
import type { Failpoint } from './jobs/failpoint.ts';
import { createFileKeeper } from './jobs/file-keeper.ts';
import type { Database } from './store/database.ts';

const LEAST_KEEPER_TICK_MS = 500;
/** So many leases after the end of an attempt nobody stores files of it any more. */
const GRACE_LEASES = 10;

export interface FileSystemDeps {
  readonly db: Database;
  readonly store: ArtifactStore;
  readonly tenantId: string;
  readonly workerId: string;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  readonly onStored: (jobId: string) => void;
}

export interface FileSystem {
  /** What it takes to store a checkpoint, or results. */
  readonly checkpointing: StoringDeps;
  readonly checkpoints: CheckpointKeeper;
  start(): void;
  close(): Promise<void>;
}

export function createFileSystem(config: Config, deps: FileSystemDeps): FileSystem {
  const { db, store, tenantId, workerId, log, failpoint, onStored } = deps;
  const { leaseMs, tickMs } = config.reconciler;
  const now = Date.now;
  const checkpointing = {
    db,
    artifacts: store,
    stagingFolder: join(config.dataDir, 'staging'),
    maxBytes: config.maxArtifactBytes,
    keep: config.checkpointKeep,
    now,
    failpoint,
  };
  const checkpoints = createCheckpointKeeper({
    db,
    checkpoints: checkpointing,
    workerId,
    leaseMs,
    log,
    now,
    onStored,
  });
  const keeper = createFileKeeper({
    ...checkpointing,
    tenantId,
    workerId,
    leaseMs,
    tickMs: Math.max(LEAST_KEEPER_TICK_MS, tickMs),
    graceMs: GRACE_LEASES * leaseMs,
    log,
  });
  return {
    checkpointing,
    checkpoints,
    start: () => {
      keeper.start();
    },
    async close() {
      await checkpoints.close();
      await keeper.close();
    },
  };
}
