/** A job whose pod runs the real agent in the emulator, with a trainer of the test's own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createMemoryBus } from '../../src/bus/memory.ts';
import { agentCommand, agentEnv } from '../../src/datasources/agent-payload.ts';
import { readAgentRecord } from '../../src/datasources/agent-schemas.ts';
import { createPodAgent } from '../../src/datasources/pod-agent.ts';
import type { PodAgent } from '../../src/datasources/pod-agent.ts';
import { createRunpod } from '../../src/datasources/runpod/runpod.ts';
import type { Job } from '../../src/domain/job/job.ts';
import type { LogLine } from '../../src/domain/job/log-line.ts';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { createFollowers } from '../../src/logs/followers.ts';
import type { FollowerTiming } from '../../src/logs/follower.ts';
import type { Followers, FollowersDeps, FollowTarget } from '../../src/logs/followers.ts';
import { createLogWriter } from '../../src/logs/ingest.ts';
import { beginAttempt, findAttempt, setBoot } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { adoptLaunch, intendLaunch } from '../../src/store/launches.ts';
import { linesAfter } from '../../src/store/log-lines.ts';
import { controlOf } from '../support/emulator-control.ts';
import { makeFolder } from '../support/folder.ts';
import { launchRequest } from '../support/platform-compliance.ts';
import { until } from '../support/until.ts';

const TOKEN = 'token-for-tests-0123456789';
export const TENANT = 'default';
const { signal } = new AbortController();

/** So quick that a test sees every road taken. */
const TIMING = {
  retryMs: 20,
  maxRetryMs: 500,
  soundMs: 2_000,
  pageMs: 50,
  holeMs: 1_500,
};

let jobs = 0;

/** A job that is RUNNING in its first attempt, with a live launch and no boot yet. */
export async function insertRunningJob(db: Database): Promise<{ id: string; podName: string }> {
  jobs += 1;
  const id = `job${jobs}x${Math.random().toString(36).slice(2, 8)}`;
  const podName = `rps-test-${id}-1-abcdef`;
  const now = Date.now();
  const job = { id, tenantId: TENANT, credentialId: 'default', name: 'a job', status: 'RUNNING' };
  const parts = { spec: {}, placement: {}, limits: {}, labels: [], estimatedUsd: null };
  await insertJob(db, { ...job, ...parts, createdAt: now } as unknown as Job);
  await beginAttempt(db, { tenantId: TENANT, jobId: id, number: 1, spot: false, now });
  await db.query('update jobs set attempt = 1 where id = $1', [id]);
  const intent = { tenantId: TENANT, credentialId: 'default', jobId: id, attempt: 1 };
  const machine = { gpuTypeId: 'g', gpuCount: 1, cloud: 'SECURE', spot: false } as const;
  const times = { usdPerHour: 1, intendedAt: now, unsureUntil: now };
  await intendLaunch(db, { podName, ...intent, ...machine, ...times });
  return { id, podName };
}

export async function allLines(db: Database, jobId: string): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for (;;) {
    const page = await linesAfter(db, jobId, lines.at(-1)?.seq ?? 0);
    if (page.length === 0) return lines;
    lines.push(...page);
  }
}

export async function startEmulated() {
  const emulator = await createEmulator();
  onTestFinished(() => emulator.close());
  const platform = createRunpod({
    restUrl: emulator.url,
    graphqlUrl: `${emulator.url}/graphql`,
    proxyUrl: `${emulator.url}/__proxy/{podId}/{port}`,
    apiKey: 'key',
    emulated: true,
    timeoutMs: 5_000,
    log: pino({ level: 'silent' }),
  });
  return { emulator, platform, control: controlOf(emulator.url) };
}

export interface FollowerOptions {
  readonly failpoint?: (name: string) => void;
  readonly timing?: Partial<FollowerTiming>;
}

export interface LogWorld extends Awaited<ReturnType<typeof startEmulated>> {
  readonly db: Database;
  readonly jobId: string;
  readonly podId: string;
  readonly podName: string;
  readonly bootId: string;
  readonly agent: PodAgent;
  readonly target: FollowTarget;
  /** As another server would have them. */
  readonly followers: (options?: FollowerOptions) => Followers;
  /** Begins what the trainer does. */
  readonly start: () => Promise<void>;
  readonly lines: () => Promise<readonly LogLine[]>;
  /** The trainer's own lines that are stored, once its log is closed and all of it is. */
  readonly wholeLog: (deadlineMs?: number) => Promise<readonly LogLine[]>;
}

/** `trainer` is a Python program; it is given nothing. */
export async function startLogWorld(
  db: Database,
  trainer: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LogWorld> {
  const emulated = await startEmulated();
  const { platform, emulator } = emulated;
  const path = join(makeFolder(), 'trainer.py');
  writeFileSync(path, trainer);
  const { id: jobId, podName } = await insertRunningJob(db);
  const pod = await platform.launch({
    ...launchRequest(podName),
    command: agentCommand('toy'),
    env: agentEnv({
      token: TOKEN,
      selfTermination: platform.selfTermination,
      maxRuntimeSeconds: 600,
      uploadGraceSeconds: 600,
      resultGraceSeconds: 600,
      extra: { AGENT_TRAINER: path, ...env },
    }),
  });
  await adoptLaunch(db, podName, { ...pod, now: Date.now() });
  const agentOf = () =>
    createPodAgent({ baseUrl: platform.proxyUrl(pod.id, 8_000), token: TOKEN, silenceMs: 2_000 });
  const agent = agentOf();
  const bus = createMemoryBus();
  const { bootId } = await until('the agent answers', () => agent.status(signal).catch(() => null));
  await setBoot(db, jobId, 1, bootId);
  const place = { tenantId: TENANT, jobId, attempt: 1, podId: pod.id, podName };
  const target: FollowTarget = { ...place, bootId };
  const isWhole = async () => {
    const status = await agent.status(signal).catch(() => null);
    const { bootLine = 0 } = (await findAttempt(db, jobId, 1)) ?? {};
    return status?.logClosed === true && bootLine === status.lastLine;
  };
  return {
    ...emulated,
    emulator,
    db,
    jobId,
    podId: pod.id,
    podName,
    bootId,
    agent,
    target,
    followers: (options = {}) => startFollowers({ db, platform, agentOf, bus }, options),
    async start() {
      await agent.putJob({ spec: {}, secrets: {}, files: [], requirements: null }, signal);
      await agent.start(signal);
    },
    lines: () => allLines(db, jobId),
    async wholeLog(deadlineMs = 20_000) {
      await until('the log is closed and stored', isWhole, deadlineMs);
      return allLines(db, jobId);
    },
  };
}

function startFollowers(
  deps: Pick<FollowersDeps, 'db' | 'platform' | 'agentOf' | 'bus'>,
  { failpoint = () => undefined, timing = {} }: FollowerOptions,
): Followers {
  const writer = createLogWriter({ db: deps.db, onStored: () => undefined, failpoint });
  const followers = createFollowers({
    ...deps,
    writer,
    readRecord: readAgentRecord,
    workerId: Math.random().toString(36),
    leaseMs: 1_000,
    timing: { ...TIMING, ...timing },
    log: pino({ level: process.env.TEST_LOG ?? 'silent' }),
    now: Date.now,
  });
  onTestFinished(async () => {
    await followers.close();
    await writer.close();
  });
  return followers;
}
