/** What comes of a pod's checkpoints whose transfer is cut, or which are removed before they are here. */
import { expect, it } from 'vitest';
import { pino } from 'pino';
import type { AgentStatus, PodAgent } from '../../src/datasources/pod-agent.ts';
import type { Attempt } from '../../src/domain/job/job.ts';
import { AppError } from '../../src/errors.ts';
import { createCheckpointKeeper } from '../../src/jobs/checkpoint-keeper.ts';
import { findAttempt } from '../../src/store/attempts.ts';
import type { Database } from '../../src/store/database.ts';
import { linesAfter } from '../../src/store/log-lines.ts';
import { describeStores } from '../support/databases.ts';
import { until } from '../support/until.ts';
import { podWith, startAttempt } from './checkpoint-pod.ts';
import type { Pod, PodState } from './checkpoint-pod.ts';

/** What it takes to store what a pod has, and what the pod was asked to spare, list by list. */
async function prepare(db: Database) {
  const attempt = await startAttempt(db);
  const held: (number | undefined)[] = [];
  const save = (state: PodState) => {
    const pod = podWith(state);
    const results: Pod['results'] = (signal, bootId, holdStep) => {
      held.push(holdStep);
      return pod.results(signal, bootId, holdStep);
    };
    return attempt.save({ ...pod, results });
  };
  return { ...attempt, save, held };
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
