/** The part of the composition root that brings logs in and looks after them. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ArtifactStore } from './artifacts/artifact-store.ts';
import type { Bus } from './bus/bus.ts';
import type { Config } from './config.ts';
import { readAgentRecord } from './datasources/agent-schemas.ts';
import type { Platform } from './datasources/platform.ts';
import type { PodAgent } from './datasources/pod-agent.ts';
import type { Failpoint } from './jobs/failpoint.ts';
import { createLogWatch } from './jobs/log-watch.ts';
import type { LogWatch } from './jobs/log-watch.ts';
import { FOLLOWER_TIMING } from './logs/follower.ts';
import { createFollowers } from './logs/followers.ts';
import { createLogWriter } from './logs/ingest.ts';
import { createLogKeeper } from './logs/log-keeper.ts';
import type { Database } from './store/database.ts';

/** A closed log without a new line for so long will not become whole. */
const PATIENCE_MS = 120_000;
const LEAST_KEEPER_TICK_MS = 500;

export interface LogSystemDeps {
  readonly db: Database;
  readonly platform: Platform;
  readonly artifacts: ArtifactStore;
  readonly bus: Bus;
  readonly agentOf: (podId: string, podName: string) => PodAgent;
  readonly tenantId: string;
  readonly workerId: string;
  readonly log: Logger;
  readonly now: () => number;
  readonly failpoint: Failpoint;
}

export interface LogSystem {
  readonly watch: LogWatch;
  start(): void;
  close(): Promise<void>;
}

export function createLogSystem(config: Config, deps: LogSystemDeps): LogSystem {
  const { db, platform, bus, tenantId, workerId, log, now, failpoint } = deps;
  const { leaseMs, tickMs } = config.reconciler;
  const publish = (jobId: string) => {
    bus.publish(jobId);
  };
  const writer = createLogWriter({ db, onStored: publish, failpoint });
  const followers = createFollowers({
    db,
    writer,
    platform,
    agentOf: deps.agentOf,
    readRecord: readAgentRecord,
    workerId,
    leaseMs,
    timing: FOLLOWER_TIMING,
    log,
    now,
    bus,
  });
  const keeper = createLogKeeper({
    db,
    artifacts: deps.artifacts,
    stagingFolder: join(config.dataDir, 'staging'),
    tenantId,
    workerId,
    leaseMs,
    tickMs: Math.max(LEAST_KEEPER_TICK_MS, tickMs),
    policy: config.logRetention,
    log,
    now,
    onArchived: publish,
  });
  return {
    watch: createLogWatch({ db, followers, patienceMs: PATIENCE_MS, now }),
    start: () => {
      keeper.start();
    },
    async close() {
      await followers.close();
      await writer.close();
      await keeper.close();
    },
  };
}
