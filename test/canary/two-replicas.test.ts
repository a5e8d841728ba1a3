/** Servers on one PostgreSQL: a job is submitted at one, followed at others, and its ingester killed. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createRandom } from '../chaos/random.ts';
import { startServer } from '../chaos/server-process.ts';
import type { ServerProcess } from '../chaos/server-process.ts';
import { createWorld, settle } from '../chaos/world.ts';
import { makeFolder } from '../support/folder.ts';
import { freshPostgres, hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { createLineCheck, noFaults } from './line-check.ts';
import { readToEnd } from './reader.ts';
import { checkPages } from './stored-log.ts';
import { canaryPods } from './trainer.ts';

const LINES = 2_400;
const RATE = 300;
const NEVER_MS = 600_000;
const STEP_MS = 60_000;

it.skipIf(!hasPostgres)(
  `a reader at another server gets every line once when the one that ingests is killed${POSTGRES_MISSING}`,
  async () => {
    const gates = makeFolder();
    const world = await createWorld({
      settings: {
        DATABASE_URL: await freshPostgres(),
        ARTIFACT_FOLDER_SHARED: 'true',
        ARTIFACT_URL: makeFolder(),
      },
      podEnvironment: { ...canaryPods(LINES, RATE), CANARY_GATES: gates },
    });
    const startOther = () => startServer({ ...world.environment, DATA_DIR: makeFolder() }, null);
    const first = await world.begin();
    const { id } = await world.submit();

    /** Reads at one of the others, and goes on at the next when it is gone. */
    const others: ServerProcess[] = [];
    const startReader = (seed: number, cutMs: number) => {
      const check = createLineCheck();
      const cuts = { cuts: 0, losses: 0, seams: 0 };
      let lines = 0;
      const done = readToEnd({
        jobId: id,
        url: () => others.find((server) => !server.hasEnded())?.url ?? null,
        random: createRandom(seed),
        take: (more) => {
          check.take(more);
          lines += more.length;
        },
        cuts,
        cutMs: [cutMs / 2, cutMs],
        signal: AbortSignal.timeout(3 * STEP_MS),
      });
      return { done, check, cuts, lines: () => lines };
    };
    const steady = startReader(1, NEVER_MS);
    const restless = startReader(2, 800);
    const reach = (quarters: number) =>
      until(`${quarters} quarters`, () => steady.lines() >= (quarters * LINES) / 4, STEP_MS);
    const openGate = (gate: number) => {
      writeFileSync(join(gates, String(gate)), '');
    };

    // Alone, the first is the one that ingests.
    await until('the first ingests', () => ingests(first) > 3, STEP_MS);
    const second = await startOther();
    others.push(second);
    await reach(1);
    expect(ingests(second)).toBe(0);
    openGate(1);
    await reach(1.2);
    await first.end('SIGKILL');
    await reach(2);
    const third = await startOther();
    others.push(third);
    openGate(2);
    await reach(2.2);
    await second.end('SIGKILL');
    await reach(3);
    // What comes behind the last gate was written when the others were dead.
    openGate(3);
    await Promise.all([steady.done, restless.done]);

    expect(ingests(third)).toBeGreaterThan(0);
    expect(steady.cuts).toEqual({ cuts: 0, losses: 1, seams: 0 });
    expect(restless.cuts).toMatchObject({ seams: 0 });
    await world.start();
    const pages = await checkPages(world, id);
    expect(pages).toMatchObject({ ...noFaults(), lastNumbers: [LINES], toldMissing: 0 });
    expect(steady.check.verdict()).toEqual(pages);
    expect(restless.check.verdict()).toEqual(pages);
    await settle(world);
  },
  240_000,
);

/** How often it has stored what came from pods. */
function ingests({ hits }: ServerProcess): number {
  return hits.filter((name) => name === 'ingest.committed').length;
}
