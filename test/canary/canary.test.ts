/**
 * A canary, like Loki's: jobs write numbered lines, and readers that are cut every few seconds resume
 * by cursor while the server is killed and sources fail, repeat and drop. Each reader must end with
 * every line exactly once and in order; so must the pages and the file of the log. Small with every
 * `npm test`, a million lines by `npm run test:canary`; `plan.ts` has the sizes.
 */
import { expect, it } from 'vitest';
import { createRandom } from '../chaos/random.ts';
import { allOf, createWorld } from '../chaos/world.ts';
import type { World } from '../chaos/world.ts';
import { createLineCheck, noFaults } from './line-check.ts';
import type { SeenLine } from './line-check.ts';
import { readPlan } from './plan.ts';
import { readToEnd } from './reader.ts';
import { checkArtifact, checkPages, readJob } from './stored-log.ts';
import { closingTable, startTally } from './tally.ts';
import type { Tally } from './tally.ts';
import { canaryPods } from './trainer.ts';
import { startTrouble } from './trouble.ts';

const CUT_MS = [1_000, 5_000] as const;
const PROGRESS_MS = 15_000;

/** Many pods begin at once on a small machine: none of that is what is looked at here. */
const PATIENT = {
  LOG_LEVEL: 'warn',
  PROVISIONING_SECONDS: '600',
  CAPACITY_WAIT_SECONDS: '1200',
  RUNPOD_TIMEOUT_SECONDS: '5',
  RUNPOD_CREATE_TIMEOUT_SECONDS: '10',
};

const plan = readPlan();

/** One job, from its submission to the comparison of its log on every road. */
async function followJob(world: World, tally: Tally, index: number, signal: AbortSignal) {
  const { id } = await world.submit();
  const { cuts, odd, counts } = tally;
  const readers = Math.max(1, Math.floor(plan.readers / plan.jobs));
  const readings = Array.from({ length: readers }, async (_, reader) => {
    const check = createLineCheck();
    const random = createRandom(plan.seed * 1_000_003 + index * 1_009 + reader);
    const url = () => (world.server().hasEnded() ? null : world.server().url);
    const take = (lines: readonly SeenLine[]) => {
      check.take(lines);
      counts.delivered += lines.length;
    };
    await readToEnd({ jobId: id, url, random, take, cuts, cutMs: CUT_MS, signal });
    const verdict = check.verdict();
    tally.add(verdict);
    return verdict;
  });
  await allOf(readings);
  const verdicts = await Promise.all(readings);
  const { status, failure, attempts } = await readJob(world, id);
  expect(status, JSON.stringify({ failure, attempts })).toBe('COMPLETED');
  const pages = await checkPages(world, id);
  const file = await checkArtifact(world, id);
  odd.differing += [...verdicts, file].filter(({ digest }) => digest !== pages.digest).length;
  odd.toldMissing += pages.toldMissing;
  // The attempt that completed wrote all of them; one that was ended early, the first of them.
  expect(pages.lastNumbers.at(-1)).toBe(plan.lines);
  counts.stored += pages.lines;
  counts.attempts += attempts.length;
  counts.jobs += 1;
}

it(
  'every reader that resumes by cursor gets every line once and in order',
  async () => {
    const world = await createWorld({
      seed: plan.seed,
      settings: PATIENT,
      isWatched: false,
      podEnvironment: canaryPods(plan.lines, plan.rate),
    });
    await world.begin();
    const tally = startTally(plan);
    const progress = setInterval(() => {
      process.stdout.write(`canary ${tally.progress()}\n`);
    }, PROGRESS_MS);
    const troubles = startTrouble(world, plan, () => tally.counts.delivered);
    try {
      const signal = AbortSignal.timeout(plan.deadlineMs);
      const jobs = Array.from({ length: plan.jobs }, (_, index) => index);
      await allOf(jobs.map((index) => followJob(world, tally, index, signal)));
    } finally {
      clearInterval(progress);
      process.stdout.write(closingTable(plan, tally, await troubles.end()));
    }
    const { kills } = await troubles.end();
    expect(kills).toBe(plan.kills);
    expect({ ...tally.faults, seams: tally.cuts.seams, ...tally.odd }).toMatchObject({
      ...noFaults(),
      seams: 0,
      differing: 0,
    });
    expect(tally.counts.delivered).toBeGreaterThanOrEqual(plan.jobs * plan.lines);
    expect(tally.cuts.cuts).toBeGreaterThan(0);
  },
  plan.deadlineMs + 60_000,
);
