/** What comes of a pod's checkpoints whose transfer is cut, or which are removed before they are here. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { pino } from 'pino';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import type { AgentManifest, AgentStatus, PodAgent } from '../../src/datasources/pod-agent.ts';
import type { Attempt } from '../../src/domain/job/job.ts';
import { AppError } from '../../src/errors.ts';
import { createCheckpointKeeper } from '../../src/jobs/checkpoint-keeper.ts';
import { saveCheckpoint } from '../../src/jobs/checkpoints.ts';
import { noFailpoint } from '../../src/jobs/failpoint.ts';
import { beginAttempt, findAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { insertJob } from '../../src/store/jobs.ts';
import { linesAfter } from '../../src/store/log-lines.ts';
import { describeStores } from '../support/databases.ts';
import { makeFolder } from '../support/folder.ts';
import { jobRecord } from '../support/job-record.ts';
import { until } from '../support/until.ts';

const sumOf = (bytes: string) => createHash('sha256').update(bytes).digest('hex');

function filesOf(step: number): readonly (readonly [path: string, bytes: string])[] {
  const weights = `weights ${step}`;
  const marker = JSON.stringify({ step, sha256: { 'weights.bin': sumOf(weights) } });
  const folder = `checkpoints/checkpoint-${step}/`;
  return [
    [`${folder}COMPLETE`, marker],
    [`${folder}weights.bin`, weights],
  ];
}

type Pod = Pick<PodAgent, 'results' | 'readResult'>;

interface PodState {
  /** It has these checkpoints. */
  readonly steps: readonly number[];
  /** What reading weights comes to. */
  readonly fault?: AppError;
  readonly isFinal?: boolean;
}

function podWith({ steps, fault, isFinal = false }: PodState): Pod {
  const all = steps.flatMap(filesOf);
  const manifest: AgentManifest = {
    bootId: 'boot',
    isFinal,
    pending: 0,
    files: all.map(([path, bytes]) => ({
      path,
      sizeBytes: bytes.length,
      sha256: sumOf(bytes),
      kind: 'CHECKPOINT',
    })),
  };
  return {
    results: () => Promise.resolve(manifest),
    async *readResult(path, { from, to }) {
      if (fault !== undefined && path.endsWith('weights.bin')) throw fault;
      const bytes = all.find(([each]) => each === path)?.[1] ?? '';
      yield await Promise.resolve(Buffer.from(bytes.slice(from, to + 1)));
    },
  };
}

async function prepare(db: Database) {
  const job = jobRecord('one', { attempt: 1 });
  await insertJob(db, job);
  await beginAttempt(db, { tenantId: 'default', jobId: 'one', number: 1, spot: false, now: 1 });
  const deps = {
    db,
    artifacts: createLocalStore(makeFolder()),
    stagingFolder: makeFolder(),
    maxBytes: 1_000,
    keep: 2,
    now: Date.now,
    failpoint: noFailpoint,
  };
  const { signal } = new AbortController();
  const sourceOf = (agent: Pod) => ({ job, attempt: 1, bootId: 'boot', agent });
  /** What the pod was asked to spare, list by list. */
  const held: (number | undefined)[] = [];
  const save = (state: PodState) => {
    const pod = podWith(state);
    const results: Pod['results'] = (listSignal, bootId, holdStep) => {
      held.push(holdStep);
      return pod.results(listSignal, bootId, holdStep);
    };
    return saveCheckpoint(deps, sourceOf({ ...pod, results }), signal);
  };
  return { job, deps, save, held };
}

const LATE = new AppError('POD_REFUSED', 'There is no such result.', { reason: 'NO_SUCH_RESULT' });
const CUT = new AppError('POD_UNREACHABLE', 'The pod does not answer.');

describeStores('a checkpoint that was begun', (open) => {
  it('is gone on with after a cut, whatever is newer by then', async () => {
    const { save, held } = await prepare(await open());
    await expect(save({ steps: [20], fault: CUT })).rejects.toBe(CUT);
    expect(await save({ steps: [20, 40] })).toEqual({ kind: 'stored', step: 20 });
    expect(await save({ steps: [20, 40] })).toEqual({ kind: 'stored', step: 40 });
    expect(await save({ steps: [20, 40] })).toEqual({ kind: 'none' });
    expect(held).toEqual([undefined, 20, undefined, undefined]);
  });

  it('is let go for the newest one when it is gone, or the training is over', async () => {
    const { save } = await prepare(await open());
    await expect(save({ steps: [20], fault: CUT })).rejects.toBe(CUT);
    expect(await save({ steps: [40, 60] })).toEqual({ kind: 'pruned', step: 20 });
    await expect(save({ steps: [40, 60], fault: CUT })).rejects.toBe(CUT);
    const over = { steps: [40, 60, 80], isFinal: true };
    expect(await save(over)).toEqual({ kind: 'stored', step: 80 });
    expect(await save(over)).toEqual({ kind: 'none' });
  });
});

/** A pod whose trainer has removed each checkpoint by the time at which it is read. */
function createHastyPod() {
  let lists = 0;
  const newest = () => 20 * (1 + Math.floor(lists / 2));
  const pod: Pod = {
    results: async (signal) => {
      const steps = [newest()];
      lists += 1;
      // The second list of each pull tells that it is gone.
      return podWith({ steps: lists % 2 === 1 ? steps : [] }).results(signal);
    },
    // eslint-disable-next-line require-yield
    async *readResult() {
      throw await Promise.resolve(LATE);
    },
  };
  return { pod, newest, lost: () => Math.floor(lists / 2) };
}

describeStores('checkpoints that are removed before they are stored', (open) => {
  it('are told once, when it was three in a row', async () => {
    const db = await open();
    const { job, deps } = await prepare(db);
    const attempt = { ...(await findAttempt(db, 'one', 1)), bootId: 'boot' } as Attempt;
    let now = 0;
    const log = pino({ enabled: false });
    const keeper = createCheckpointKeeper({
      ...{ db, checkpoints: deps, workerId: 'a', leaseMs: 60_000, log, onStored: () => undefined },
      now: () => now,
    });
    const { pod, newest, lost } = createHastyPod();
    const lose = (count: number) =>
      until(`${count} are lost`, () => {
        now += 1_000_000;
        const status = { checkpointStep: newest() } as AgentStatus;
        if (lost() < count) keeper.note(job, attempt, pod as PodAgent, status);
        return lost() === count;
      });
    const warnings = async () =>
      (await linesAfter(db, 'one', 0)).filter(({ text }) => text.includes('checkpointSteps'));
    await lose(2);
    expect(await warnings()).toEqual([]);
    await lose(3);
    await until('it is told', async () => (await warnings()).length === 1);
    await lose(7);
    await keeper.close();
    const [told, ...more] = await warnings();
    expect(told?.text).toMatch(/^warning: 3 checkpoints in a row were removed on the pod/);
    expect(more).toEqual([]);
  });
});
