/** The half of the composition root that jobs are made of. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { openArtifactStore } from './artifacts/open-artifact-store.ts';
import { createUrlSigner, downloadPathOf } from './artifacts/signed-url.ts';
import { createUploads } from './artifacts/uploads.ts';
import { openBus } from './bus/open-bus.ts';
import { createFileSystem } from './app-files.ts';
import type { FileSystem } from './app-files.ts';
import { createLogSystem } from './app-logs.ts';
import type { LogSystem } from './app-logs.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import type { Platform } from './datasources/platform.ts';
import { trainerProgram } from './datasources/agent-payload.ts';
import { createPodAgent } from './datasources/pod-agent.ts';
import type { PriceBook } from './datasources/price-book.ts';
import { createTrainer } from './domain/training/trainer.ts';
import type { TrainerKind } from './domain/training/trainer.ts';
import { createArtifactRoute } from './http/artifacts.ts';
import type { Metrics } from './http/metrics.ts';
import type { FileRoute } from './http/server.ts';
import { createUploadRoute } from './http/uploads.ts';
import { noFailpoint } from './jobs/failpoint.ts';
import type { Failpoint } from './jobs/failpoint.ts';
import { createJobLoaders } from './jobs/job-loaders.ts';
import { createJobs } from './jobs/jobs.ts';
import { createPodWatch } from './jobs/pod-watch.ts';
import { createReconciler } from './jobs/reconciler.ts';
import type { Reconciler } from './jobs/reconciler.ts';
import { createRentedPods } from './jobs/rented-pods.ts';
import { AGENT_PORT, createRenter } from './jobs/rent.ts';
import { createSweeper } from './jobs/sweeper.ts';
import { createLogReader } from './logs/reader.ts';
import { selectArtifacts } from './store/artifacts.ts';
import { createJobStreams } from './logs/tail-streams.ts';
import { createWaker } from './logs/tail-waker.ts';
import type { Database } from './store/database.ts';
import { keepOnce } from './store/installation.ts';
import { isUploadWanted } from './store/jobs.ts';

/** Until there are several, everything is one tenant's and runs on one credential. */
const TENANT_ID = 'default';
const CREDENTIAL_ID = 'default';
const DOWNLOAD_SECONDS = 3_600;
const FOLLOW_MS = 1_000;
/** What a trainer has to write a checkpoint once it is told to stop. */
const STOP_GRACE_SECONDS = 300;
const PREPARING_MS = 3_600_000;
const COLLECTING_MS = 6 * 3_600_000;
const ABSENCES = 3;
const MAX_RENT_FAILURES = 5;
const CAPACITY_RETRY_MS = 15_000;
const BILLING_MS = 600_000;
const BILLING_SETTLED_MS = 3 * 3_600_000;
const EMULATOR_BILLING_MS = 1_000;
/** An idle balancer must not take silence for death. */
const STREAM_TIMING = { heartbeatMs: 15_000, pollMs: 1_000 };
const PURGE_EVERY_MS = 3_600_000;

export interface JobSystemDeps {
  readonly db: Database;
  readonly platform: Platform;
  readonly book: PriceBook;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Known once the server listens. */
  readonly baseUrl: () => string;
  readonly failpoint?: Failpoint;
}

type ContextParts = Pick<
  Context,
  'jobs' | 'stored' | 'logs' | 'streams' | 'trainer' | 'rentedPods' | 'createUpload' | 'downloadUrl'
>;

export interface JobSystem {
  readonly routes: Readonly<Record<'artifacts' | 'uploads', FileRoute>>;
  /** For one operation. */
  contextParts(): ContextParts;
  start(): void;
  /** Streams say goodbye, those to come as well. */
  endStreams(): void;
  close(): Promise<void>;
}

export async function createJobSystem(config: Config, deps: JobSystemDeps): Promise<JobSystem> {
  const { db, platform, log, baseUrl } = deps;
  const keys = await keptKeys(config, db);
  const store = openArtifactStore({
    url: config.artifacts.url,
    dataDir: config.dataDir,
    s3: config.artifacts.s3,
  });
  const download = createUrlSigner({ key: keys.signingKey, purpose: 'download', baseUrl });
  const upload = createUrlSigner({ key: keys.signingKey, purpose: 'upload', baseUrl });
  const uploads = createUploads({
    db,
    store,
    signer: upload,
    dataDir: config.dataDir,
    maxBytes: config.maxUploadBytes,
    tenantId: TENANT_ID,
    isReferenced: (id) => isUploadWanted(db, TENANT_ID, id),
  });
  const trainer = createTrainer(trainerKind(config), trainerProgram);
  const bus = openBus({ databaseUrl: config.databaseUrl });
  const agentOf = agentsOf(platform, keys);
  const workerId = randomUUID();
  const ingest = createLogSystem(config, {
    db,
    platform,
    artifacts: store,
    bus,
    agentOf,
    tenantId: TENANT_ID,
    workerId,
    log,
    now: Date.now,
    failpoint: deps.failpoint ?? noFailpoint,
  });
  const onChange = (jobId: string) => {
    bus.publish(jobId);
  };
  const files = createFileSystem(config, {
    db,
    store,
    tenantId: TENANT_ID,
    workerId,
    log,
    failpoint: deps.failpoint ?? noFailpoint,
    onStored: onChange,
  });
  const parts = {
    config,
    deps,
    keys,
    files,
    uploads,
    trainer,
    ingest,
    agentOf,
    workerId,
    onChange,
  };
  const reconciler = createJobReconciler(parts);
  const jobs = createJobs({
    db,
    tenantId: TENANT_ID,
    credentialId: CREDENTIAL_ID,
    rules: { limits: config.jobLimits, unsupported: (request) => trainer.unsupported(request) },
    isUploadReady: async (id) => (await uploads.find(id))?.state === 'READY',
    onDue: (jobId) => {
      onChange(jobId);
      reconciler.kick(jobId);
    },
    ...(deps.failpoint && { failpoint: deps.failpoint }),
  });
  const logs = createLogReader({ db });
  const waker = createWaker({ db, bus, pollMs: STREAM_TIMING.pollMs });
  const streams = createJobStreams({ db, tenantId: TENANT_ID, waker, timing: STREAM_TIMING });
  const rentedPods = createRentedPods({ db, credentialId: CREDENTIAL_ID });
  const find = async (id: string) => {
    const [row] = await selectArtifacts(db, TENANT_ID, [id]);
    if (row == null) return null;
    return { ...row, sizeBytes: row.size_bytes, storageKey: row.storage_key };
  };
  const purge = setInterval(() => {
    uploads.purge(Date.now()).catch((error: unknown) => {
      log.warn({ err: error }, 'uploads were not purged');
    });
  }, PURGE_EVERY_MS);
  purge.unref();

  return {
    routes: {
      artifacts: createArtifactRoute({ find, store, signer: download, log }),
      uploads: createUploadRoute({ uploads, signer: upload, log }),
    },
    contextParts: () => ({
      jobs,
      logs,
      streams,
      trainer,
      rentedPods,
      stored: createJobLoaders(db, TENANT_ID),
      createUpload: (fileName, sizeBytes) => uploads.create(fileName, sizeBytes),
      downloadUrl: (id, path) => download.sign(downloadPathOf(id, path), DOWNLOAD_SECONDS).url,
    }),
    start: () => {
      reconciler.start();
      ingest.start();
      files.start();
    },
    endStreams: () => {
      streams.close();
    },
    async close() {
      clearInterval(purge);
      waker.close();
      await reconciler.close(config.shutdownGraceMs);
      await files.close();
      await ingest.close();
      await bus.close();
      await store.close();
    },
  };
}

interface Keys {
  readonly installationId: string;
  readonly signingKey: string;
}

async function keptKeys(config: Config, db: Database): Promise<Keys> {
  const id = randomBytes(5).toString('hex');
  const key = randomBytes(32).toString('base64url');
  return {
    installationId: config.installationId ?? (await keepOnce(db, TENANT_ID, 'installation-id', id)),
    signingKey: config.signingKey ?? (await keepOnce(db, TENANT_ID, 'signing-key', key)),
  };
}

function agentToken({ signingKey }: Keys, podName: string): string {
  return createHmac('sha256', signingKey).update(`agent token\n${podName}`).digest('hex');
}

function agentsOf(platform: Platform, keys: Keys) {
  return (podId: string, podName: string) =>
    createPodAgent({
      baseUrl: platform.proxyUrl(podId, AGENT_PORT),
      token: agentToken(keys, podName),
    });
}

interface ReconcilerParts {
  readonly config: Config;
  readonly deps: JobSystemDeps;
  readonly keys: Keys;
  readonly files: FileSystem;
  readonly uploads: ReturnType<typeof createUploads>;
  readonly trainer: ReturnType<typeof createTrainer>;
  readonly ingest: LogSystem;
  readonly agentOf: ReturnType<typeof agentsOf>;
  readonly workerId: string;
  readonly onChange: (jobId: string) => void;
}

function createJobReconciler(parts: ReconcilerParts): Reconciler {
  const { config, deps, keys, files, uploads, trainer, ingest, agentOf } = parts;
  const { db, platform, book, log, metrics, failpoint = noFailpoint } = deps;
  const timing = config.reconciler;
  const now = Date.now;
  const identity = { tenantId: TENANT_ID, credentialId: CREDENTIAL_ID };
  const followMs = Math.min(FOLLOW_MS, timing.tickMs);
  const patience = { podEndMs: timing.podEndMs, askingSince: now() };
  const tokenOf = (podName: string) => agentToken(keys, podName);
  const watch = createPodWatch({
    platform,
    maxAgeMs: 3 * timing.tickMs + 5_000,
    now,
    onFailure: ({ message }) => {
      log.warn({ reason: message }, 'pods could not be listed');
    },
  });
  const sweeper = createSweeper({
    db,
    platform,
    ...identity,
    installationId: keys.installationId,
    policy: {
      absences: ABSENCES,
      absentMs: timing.absentMs,
      quarantineMs: timing.quarantineMs,
      ...patience,
      billingMs: platform.emulated ? EMULATOR_BILLING_MS : BILLING_MS,
      billingSettledMs: platform.emulated ? 0 : BILLING_SETTLED_MS,
    },
    log,
    now,
    failpoint,
    onQuarantine: (pods) => {
      metrics.quarantinedPods.set(pods);
    },
    onOverdue: (pods) => {
      metrics.overduePods.set(pods);
    },
  });
  const renter = createRenter({
    db,
    platform,
    book,
    installationId: keys.installationId,
    policy: {
      createTimeoutMs: config.runpodCreateTimeoutMs,
      leaseMs: timing.leaseMs,
      listingGraceMs: timing.listingGraceMs,
      capacityRetryMs: Math.min(CAPACITY_RETRY_MS, timing.capacityMs),
      uploadGraceSeconds: timing.uploadGraceSeconds,
      resultGraceSeconds: timing.ownerGraceSeconds,
    },
    tokenOf,
    programOf: (job) => trainer.programOf(job),
    environment: config.podEnvironment,
    now,
    failpoint,
  });
  return createReconciler({
    db,
    platform,
    workerId: parts.workerId,
    ...identity,
    leaseMs: timing.leaseMs,
    policy: {
      tickMs: timing.tickMs,
      followMs,
      capacityMs: timing.capacityMs,
      provisioningMs: timing.provisioningMs,
      pausingMs: timing.pausingMs,
      preparingMs: PREPARING_MS,
      collectingMs: COLLECTING_MS,
      absences: ABSENCES,
      absentMs: timing.absentMs,
    },
    watch,
    sweeper,
    onChange: parts.onChange,
    observe: {
      db,
      watch,
      logs: ingest.watch,
      checkpoints: files.checkpoints,
      agentOf,
      now,
      listingGraceMs: timing.listingGraceMs,
      ...patience,
      failpoint,
    },
    perform: {
      db,
      logs: ingest.watch,
      renter,
      sweeper,
      checkpoints: files.checkpoints,
      deliver: {
        db,
        artifacts: files.checkpointing.artifacts,
        openUpload: (id) => uploads.openForPod(id),
        programOf: (job) => trainer.programOf(job),
        secrets: config.trainerSecrets,
        now,
        failpoint,
      },
      collect: files.checkpointing,
      stagingFolder: files.checkpointing.stagingFolder,
      pause: {
        db,
        checkpointing: files.checkpointing,
        stopGraceSeconds: Math.min(STOP_GRACE_SECONDS, timing.pausingMs / 2_000),
        log,
        now,
        failpoint,
      },
      tickMs: timing.tickMs,
      followMs,
      maxRentFailures: MAX_RENT_FAILURES,
      log,
      now,
      failpoint,
    },
    log,
    now,
  });
}

function trainerKind({ runpod, emulatorPython }: Config): TrainerKind {
  if (runpod.kind === 'live') return 'gpu';
  return emulatorPython === undefined ? 'toy' : 'cpu';
}
