/**
 * A platform of our own whose pods outlive every server, and servers that are killed and started
 * again on what they left. Callers ask again until somebody answers, as real ones do.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { controlOf } from '../support/emulator-control.ts';
import { makeFolder } from '../support/folder.ts';
import { postQuery } from '../support/start-app.ts';
import type { GraphqlAnswer } from '../support/start-app.ts';
import { SPEC, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';
import { startFront } from './front.ts';
import { startServer } from './server-process.ts';
import type { Plan, ServerProcess } from './server-process.ts';

export const INSTALLATION_ID = 'chaos1';
export const SIGNING_KEY = 'a-signing-key-for-chaos-0123456789abcdef';
/** After which a caller hangs up and asks again. */
const PATIENCE_MS = 5_000;
const ANSWER_MS = 60_000;
const MAX_ATTEMPTS = 8;

/** Everything that waits, as short as it works. */
export const QUICK: Readonly<Record<string, string>> = {
  PORT: '0',
  LOG_LEVEL: 'info',
  INSTALLATION_ID,
  SIGNING_KEY,
  RECONCILE_SECONDS: '0.1',
  LEASE_SECONDS: '1',
  LISTING_GRACE_SECONDS: '1.5',
  POD_ABSENT_SECONDS: '0.4',
  RUNPOD_TIMEOUT_SECONDS: '2',
  RUNPOD_CREATE_TIMEOUT_SECONDS: '1',
  PROVISIONING_SECONDS: '10',
  CAPACITY_WAIT_SECONDS: '30',
  QUARANTINE_SECONDS: '1',
  SHUTDOWN_GRACE_SECONDS: '1',
  MAX_ATTEMPTS: String(MAX_ATTEMPTS),
};

export interface WorldOptions {
  readonly seed?: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly podEnvironment?: Readonly<Record<string, string>>;
  /** False: nobody stands between servers and platform, and notes who was given a job. */
  readonly isWatched?: boolean;
}

export type World = Awaited<ReturnType<typeof createWorld>>;

export interface Submitted {
  readonly id: string;
  readonly key: string;
  /** A cancellation was accepted while the job had not ended. */
  isCancelled: boolean;
}

export async function createWorld({
  seed = 1,
  settings = {},
  podEnvironment = {},
  isWatched = true,
}: WorldOptions = {}) {
  const emulator = await createEmulator({
    seed,
    provisioningMs: 30,
    startingMs: 30,
    stopGraceMs: 300,
    reclaimGraceMs: 100,
    closeGraceMs: 100,
    restartMs: 50,
    rateLimit: null,
    maxProcesses: 200,
    podEnvironment,
  });
  onTestFinished(() => emulator.close());
  const front = await startFront(emulator.url);
  const environment: Record<string, string> = {
    ...QUICK,
    DATA_DIR: makeFolder(),
    // Compiled once: most of a server's start is that.
    NODE_COMPILE_CACHE: makeFolder(),
    EMULATOR_URL: isWatched ? front.url : emulator.url,
    ...settings,
  };
  const control = controlOf(emulator.url);
  const jobs: Submitted[] = [];
  const hits = new Map<string, number>();
  const listeners = new Set<(name: string) => void>();
  let server: ServerProcess | null = null;
  let kills = 0;
  let uploadId = '';

  function noteHit(name: string): void {
    hits.set(name, (hits.get(name) ?? 0) + 1);
    for (const listener of listeners) listener(name);
  }

  async function start(plan: Plan | null = null): Promise<ServerProcess> {
    server = await startServer(environment, plan, noteHit, () => (kills += 1));
    return server;
  }

  /** As it would be in a fresh world: with a dataset that jobs can train on. */
  async function begin(plan: Plan | null = null): Promise<ServerProcess> {
    const first = await start();
    uploadId = await uploadDataset((query, variables) => ask(query, variables));
    if (plan === null) return first;
    await first.end('SIGKILL');
    return start(plan);
  }

  /** Asks whatever server is there until one answers; `via` is asked first, it may be stopped. */
  async function ask(
    query: string,
    variables: Readonly<Record<string, unknown>> = {},
    via: ServerProcess | null = null,
  ): Promise<GraphqlAnswer> {
    let next = via;
    return until(
      'an answer of the server',
      async () => {
        const url = (next ?? server)?.url;
        next = null;
        if (url == null) return undefined;
        const answer = await Promise.race([
          postQuery(`${url}/graphql`, query, variables).catch(() => undefined),
          pause(PATIENCE_MS, undefined, { ref: false }),
        ]);
        return answer?.status === 200 && answer.errors === undefined ? answer : undefined;
      },
      ANSWER_MS,
    );
  }

  let keys = 0;

  async function submit(
    input: Readonly<Record<string, unknown>> = {},
    via: ServerProcess | null = null,
  ): Promise<Submitted> {
    keys += 1;
    const key = `job-${keys}`;
    const { spec, ...rest } = input as { spec?: object };
    const answer = await ask(
      `mutation($input: SubmitTrainingJobInput!) { submitTrainingJob(input: $input) {
         job { id } userErrors { message path } } }`,
      {
        input: {
          name: key,
          idempotencyKey: key,
          spec: { ...SPEC, dataset: { uploadId }, ...spec },
          ...rest,
        },
      },
      via,
    );
    const payload = answer.data?.submitTrainingJob as unknown as {
      job: { id: string } | null;
      userErrors: unknown;
    };
    if (payload.job === null) throw new Error(JSON.stringify(payload.userErrors));
    const submitted = { id: payload.job.id, key, isCancelled: false };
    jobs.push(submitted);
    return submitted;
  }

  async function cancel(job: Submitted): Promise<void> {
    const answer = await ask(
      'mutation($id: ID!) { cancelTrainingJob(id: $id) { job { status } } }',
      { id: job.id },
    );
    const payload = answer.data?.cancelTrainingJob as unknown as {
      job: { status: string } | null;
    };
    if (!ENDED.has(payload.job?.status ?? 'COMPLETED')) job.isCancelled = true;
  }

  async function wish(name: 'pauseTrainingJob' | 'resumeTrainingJob', id: string): Promise<void> {
    await ask(`mutation($id: ID!) { ${name}(id: $id) { job { status } } }`, { id });
  }

  async function statusOf(id: string): Promise<string> {
    const answer = await ask('query($id: ID!) { trainingJob(id: $id) { status } }', { id });
    return (answer.data?.trainingJob as unknown as { status: string }).status;
  }

  return {
    environment,
    emulator,
    control,
    front,
    jobs,
    hits,
    start,
    begin,
    ask,
    submit,
    cancel,
    pause: ({ id }: Submitted) => wish('pauseTrainingJob', id),
    resume: ({ id }: Submitted) => wish('resumeTrainingJob', id),
    statusOf,
    kills: () => kills,
    server: () => {
      if (server === null) throw new Error('no server was started');
      return server;
    },
    /** Told of every failpoint that any server comes by; the answer ends that. */
    onHit(listener: (name: string) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    livingPods: async () =>
      (await control.pods()).filter(({ terminatedAt }) => terminatedAt === null),
  };
}

export const ENDED: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED']);

/** Waits until every job has ended and no pod is left. */
export async function settle(world: World, deadlineMs = 60_000): Promise<void> {
  const left = new Map<string, string>();
  try {
    await until(
      'every job has ended',
      async () => {
        left.clear();
        for (const { id, key } of world.jobs) {
          const status = await world.statusOf(id);
          if (!ENDED.has(status)) left.set(key, status);
        }
        return left.size === 0;
      },
      deadlineMs,
    );
    await until('no pod is left', async () => (await world.livingPods()).length === 0, deadlineMs);
  } catch (error) {
    const story = JSON.stringify({ jobs: [...left], pods: await world.livingPods() }, null, 1);
    throw new Error(`${story}\n${world.server().complaint()}`, { cause: error });
  }
}

/** Waits for all, and then tells of every failure. */
export async function allOf(work: readonly Promise<unknown>[]): Promise<void> {
  const failures = (await Promise.allSettled(work)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason as Error] : [],
  );
  if (failures.length === 0) return;
  const story = failures.map((error) => error.stack ?? error.message).join('\n\n');
  throw new AggregateError(failures, story);
}
