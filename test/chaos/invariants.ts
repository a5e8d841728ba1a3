/** What must be so when all has settled, whatever happened on the way; read from the store itself. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { Launch } from '../../src/domain/job/job.ts';
import type { LogLine } from '../../src/domain/job/log-line.ts';
import { attemptsOf } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { findJobs } from '../../src/store/jobs.ts';
import { launchesOf } from '../../src/store/launches.ts';
import { linesAfter } from '../../src/store/log-lines.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { Submitted, World } from './world.ts';

const TENANT_ID = 'default';
/** The promise: a pod that no live attempt owns is gone within so long of being listable. */
const UNOWNED_MS = 60_000;

export interface Figures {
  readonly jobs: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly podsCreated: number;
  readonly leaked: number;
  /** Pods of a launch that never worked for an attempt. */
  readonly neverAdopted: number;
  readonly slowestEndMs: number;
}

/** Ends the server: the store is read by itself. */
export async function expectInvariants(world: World, lagMs = 0): Promise<Figures> {
  await expectArtifacts(world);
  const { DATABASE_URL: databaseUrl, DATA_DIR: dataDir = '' } = world.environment;
  await world.server().end('SIGTERM');
  const db = await openDatabase({ databaseUrl, dataDir });
  try {
    const outcomes: Record<string, number> = {};
    let attempts = 0;
    for (const submitted of world.jobs) {
      const end = await expectJob(db, submitted);
      outcomes[end.status] = (outcomes[end.status] ?? 0) + 1;
      attempts += end.attempts;
    }
    const [count] = await db.query<{ jobs: number }>('select count(*) as jobs from jobs');
    expect(count?.jobs, 'a submission makes one job').toBe(world.jobs.length);
    return { jobs: world.jobs.length, outcomes, attempts, ...(await expectPods(db, world, lagMs)) };
  } finally {
    await db.close();
  }
}

async function expectJob(
  db: Database,
  { id, key, isCancelled }: Submitted,
): Promise<{ status: string; attempts: number }> {
  const [job] = await findJobs(db, TENANT_ID, [id]);
  if (job == null) throw new Error(`${key} is lost`);
  const [attempts = []] = await attemptsOf(db, [id]);
  expect(job.endedAt, `${key} has ended`).not.toBeNull();
  if (isCancelled) expect(job.status, `${key}: cancellation wins`).toBe('CANCELLED');
  expect(
    attempts.map(({ number }) => number),
    `${key}: attempts follow each other`,
  ).toEqual(attempts.map((_each, index) => index + 1));
  for (const attempt of attempts) {
    expect(attempt.endedAt, `${key}, attempt ${attempt.number} has ended`).not.toBeNull();
  }
  const outcomes = attempts.map(({ outcome }) => outcome);
  const successes = outcomes.filter((outcome) => outcome === 'SUCCEEDED').length;
  expect(successes, `${key}: ${outcomes.join()}`).toBe(job.status === 'COMPLETED' ? 1 : 0);
  if (successes === 1) expect(outcomes.at(-1)).toBe('SUCCEEDED');
  const lines = await readLog(db, id);
  expect(
    lines.map(({ seq }) => seq),
    `${key}: lines are numbered from 1 without gaps`,
  ).toEqual(lines.map((_line, index) => index + 1));
  for (const { number, bootLine } of attempts) {
    const own = lines.filter(
      ({ attempt, source, text }) =>
        attempt === number &&
        source !== 'LIFECYCLE' &&
        !(source === 'SYSTEM' && OF_THE_PLATFORM.test(text)),
    );
    expect(own.length, `${key}, attempt ${number}: no line is lost or doubled`).toBe(bootLine);
  }
  const ends = lines.filter(({ source, text }) => source === 'LIFECYCLE' && END.test(text));
  expect(ends, `${key} ended once`).toHaveLength(1);
  return { status: job.status, attempts: attempts.length };
}

/** Lines of the emulator about the pod: best effort by nature, they have no number. */
const OF_THE_PLATFORM =
  /^(create container|start container|the emulator cannot run)|Pulling from registry|^container (exited|was killed)|image/i;

const END = /^(completed|cancelled|failed)\b/;

async function readLog(db: Database, jobId: string): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for (;;) {
    const page = await linesAfter(db, jobId, lines.at(-1)?.seq ?? 0);
    if (page.length === 0) return lines;
    lines.push(...page);
  }
}

type PodFigures = Pick<Figures, 'podsCreated' | 'leaked' | 'neverAdopted' | 'slowestEndMs'>;

async function expectPods(db: Database, world: World, lagMs: number): Promise<PodFigures> {
  const ids = world.jobs.map(({ id }) => id);
  const launches = (await launchesOf(db, ids)).flat();
  const adopted = launches.filter(({ liveAt }) => liveAt !== null);
  const places = adopted.map(({ jobId, attempt }) => `${jobId}/${attempt}`);
  expect(new Set(places).size, 'an attempt adopts one pod at most').toBe(places.length);
  const adoptedPods = new Set(adopted.map(({ podId }) => podId));
  for (const podId of world.front.jobTakers) {
    expect(adoptedPods.has(podId), `pod ${podId} was given a job and never adopted`).toBe(true);
  }
  const endOf = await attemptEnds(db, launches);
  const pods = await world.control.pods();
  const leaked = pods.filter(({ terminatedAt }) => terminatedAt === null);
  let slowestEndMs = 0;
  for (const { id, name, createdAt, terminatedAt } of pods) {
    const launch = launches.find(({ podName }) => podName === name);
    if (launch === undefined || terminatedAt === null) continue;
    const unownedAt = adoptedPods.has(id)
      ? (endOf.get(`${launch.jobId}/${launch.attempt}`) ?? 0)
      : Date.parse(createdAt) + lagMs;
    slowestEndMs = Math.max(slowestEndMs, Date.parse(terminatedAt) - unownedAt);
  }
  expect(leaked).toEqual([]);
  expect(slowestEndMs).toBeLessThan(UNOWNED_MS);
  const neverAdopted = pods.filter(({ id }) => !adoptedPods.has(id)).length;
  return { podsCreated: pods.length, leaked: leaked.length, neverAdopted, slowestEndMs };
}

async function attemptEnds(
  db: Database,
  launches: readonly Launch[],
): Promise<ReadonlyMap<string, number>> {
  const ids = [...new Set(launches.map(({ jobId }) => jobId))];
  const attempts = (await attemptsOf(db, ids)).flat();
  return new Map(attempts.map((each) => [`${each.jobId}/${each.number}`, each.endedAt ?? 0]));
}

interface DownloadableJob {
  readonly status: string;
  readonly artifacts: readonly { path: string; sha256: string; downloadUrl: string }[];
}

/** A completed job has its adapter, byte for byte what was verified. */
async function expectArtifacts(world: World): Promise<void> {
  for (const { id, key } of world.jobs) {
    const answer = await world.ask(
      'query($id: ID!) { trainingJob(id: $id) { status artifacts { path sha256 downloadUrl } } }',
      { id },
    );
    const job = answer.data?.trainingJob as unknown as DownloadableJob;
    if (job.status !== 'COMPLETED') continue;
    const adapter = job.artifacts.find(({ path }) => path === 'adapter_model.safetensors');
    if (adapter === undefined) throw new Error(`${key} is completed without an adapter`);
    const bytes = await (await fetch(adapter.downloadUrl)).arrayBuffer();
    const sha256 = createHash('sha256').update(Buffer.from(bytes)).digest('hex');
    expect(sha256, `the adapter of ${key}`).toBe(adapter.sha256);
  }
}
