import { describe, expect, test } from 'vitest';
import type { Planner } from '../../examples/supergraph/gateway.ts';
import { createWorld } from '../chaos/world.ts';
import { postQuery } from '../support/start-app.ts';
import { LONG_SPEC } from '../support/training.ts';
import { until } from '../support/until.ts';
import { behindGateway, IS_MISSING, supergraphOf } from './start-supergraph.ts';
import { viewEveryWay } from './views.ts';

const CUTS = 20;
/** Behind which cut, and how. */
const RESTARTS = new Map<number, NodeJS.Signals>([
  [5, 'SIGTERM'],
  [10, 'SIGKILL'],
  [15, 'SIGTERM'],
]);
const LINES_BETWEEN = 20;
const TEST_MS = 120_000;

const PAGE = `query($id: ID!, $after: LogCursor) { trainingJob(id: $id) {
  logs(first: 1000, after: $after) { lines { text } endCursor hasNextPage } } }`;

interface Page {
  readonly lines: readonly { readonly text: string }[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

/** What the store has, asked of the subgraph itself. */
async function storedLines(url: string, id: string): Promise<string[]> {
  const lines: string[] = [];
  let after: string | null = null;
  for (;;) {
    const { data } = await postQuery(url, PAGE, { id, after });
    const { logs } = (data as unknown as { trainingJob: { logs: Page } }).trainingJob;
    lines.push(...logs.lines.map(({ text }) => text));
    if (!logs.hasNextPage) return lines;
    after = logs.endCursor;
  }
}

/** How many more of each line there are in `some` than in `others`, all in all. */
function surplus(some: readonly string[], others: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of some) counts.set(line, (counts.get(line) ?? 0) + 1);
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) - 1);
  return [...counts.values()].reduce((sum, count) => sum + Math.max(0, count), 0);
}

describe.skipIf(IS_MISSING).each<Planner>(['js', 'rust'])(behindGateway('%s'), (planner) => {
  const supergraph = supergraphOf({ planner });

  test(
    `a log over ${CUTS} cuts and ${RESTARTS.size} restarts: nothing is missing, nothing doubled`,
    {
      timeout: TEST_MS,
    },
    async () => {
      const world = await createWorld();
      const pointAt = ({ url }: { url: string | null }) => {
        supergraph.runpod().point(url ?? '');
      };
      let server = await world.begin();
      pointAt(server);
      const { id } = await world.submit({ spec: LONG_SPEC });
      const views = viewEveryWay(supergraph.clients().url, id);
      const slowest = () => Math.min(...views.map(({ lines }) => lines().length));
      const more = (count: number, goal = slowest() + count) =>
        until(`${count} lines more`, () => slowest() >= goal, 30_000);

      let cuts = 0;
      for (let cut = 1; cut <= CUTS; cut += 1) {
        await more(LINES_BETWEEN);
        const front = cut % 2 === 0 ? supergraph.clients() : supergraph.runpod();
        cuts += front.cut() > 0 ? 1 : 0;
        const signal = RESTARTS.get(cut);
        if (signal === undefined) continue;
        await server.end(signal);
        server = await world.start();
        pointAt(server);
      }
      await more(LINES_BETWEEN);
      await world.ask('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
      await until('the end', () => views.every(({ seen }) => seen.isAtEnd), 30_000);

      const stored = await storedLines(`${server.url ?? ''}/graphql`, id);
      for (const { lines } of views) {
        const shown = lines();
        expect({ missing: surplus(stored, shown), doubled: surplus(shown, stored) }).toEqual({
          missing: 0,
          doubled: 0,
        });
        expect(shown).toEqual(stored);
      }
      expect(cuts).toBe(CUTS);
      expect(stored.length).toBeGreaterThan(CUTS * LINES_BETWEEN);
    },
  );
});
