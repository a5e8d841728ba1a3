import { describe, expect, onTestFinished, test } from 'vitest';
import { connectClient, LOGS, numbered, readLogs } from '../support/follow.ts';
import { startWithDataset } from '../support/training.ts';
import { until } from '../support/until.ts';
import { startRestartable } from '../support/restartable.ts';
import { behindGateway, createExperiment, IS_MISSING, supergraphOf } from './start-supergraph.ts';
import { listenEveryWay, logEventsIn, viewEveryWay } from './views.ts';

const STATES = `subscription($jobId: ID!) { trainingJobChanged(jobId: $jobId) {
  status experiment { name trainingJobCount } } }`;

/** In each test one client comes over WebSocket and another for server-sent events. */
describe.skipIf(IS_MISSING).each([
  { planner: 'js', streams: 'ws' },
  { planner: 'rust', streams: 'ws' },
  // As the gateway asks by default.
  { planner: 'js', streams: 'http' },
  { planner: 'rust', streams: 'http' },
] as const)(behindGateway('$planner, reading over $streams'), ({ planner, streams }) => {
  const supergraph = supergraphOf({ planner, streams });

  async function start(lines: number) {
    const subgraph = await startRestartable();
    // Before it closes in good order, behind which the gateway waits before it comes again.
    onTestFinished(() => void supergraph.runpod().cut());
    supergraph.runpod().point(subgraph.url());
    supergraph.runpod().reset();
    await subgraph.write(lines);
    return subgraph;
  }

  /** Two views, once both have so many lines. */
  async function viewAll(jobId: string, lines: number) {
    const views = viewEveryWay(supergraph.url(), jobId);
    const have = (count: number) =>
      until(`${count} lines`, () => views.every((view) => view.lines().length === count));
    await have(lines);
    return { views, have };
  }

  async function expectEnd(
    subgraph: Awaited<ReturnType<typeof start>>,
    views: ReturnType<typeof viewEveryWay>,
    count: number,
  ): Promise<void> {
    await subgraph.end('the end');
    await until('the end', () => views.every(({ seen }) => seen.isAtEnd));
    for (const { lines } of views) expect(lines()).toEqual([...numbered(1, count), 'the end']);
  }

  test('clients get every line, and how the stream ends', async () => {
    const subgraph = await start(50);
    const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: subgraph.job.id });
    await until('the first lines', () => clients.every(({ answers }) => answers.length > 0));
    await subgraph.write(50);
    await subgraph.end('the end');
    for (const { answers, done } of clients) {
      await done;
      const events = logEventsIn(answers);
      const lines = events.flatMap(({ count, text }) => (count > 0 ? text.split('\n') : []));
      expect(lines).toEqual([...numbered(1, 100), 'the end']);
      expect(events.at(-1)).toMatchObject({ reason: 'JOB_ENDED', retry: false });
    }
  });

  test('the states of a job come with what the other subgraph knows of it', async () => {
    const { url, submit } = await startWithDataset();
    supergraph.runpod().point(url);
    const jobId = await submit();
    await createExperiment(supergraph, [jobId], 'shown');
    const clients = listenEveryWay(supergraph.url(), STATES, { jobId });
    const experiment = { name: 'shown', trainingJobCount: 1 };
    for (const { answers, done } of clients) {
      await done;
      expect(answers.length).toBeGreaterThan(1);
      expect(answers).toEqual(
        answers.map(() => ({
          data: { trainingJobChanged: { status: expect.any(String) as unknown, experiment } },
        })),
      );
      expect(answers.at(-1)).toMatchObject({
        data: { trainingJobChanged: { status: 'COMPLETED' } },
      });
    }
  });

  test('views resume behind their cursors', async () => {
    const subgraph = await start(5);
    const { views } = await viewAll(subgraph.job.id, 5);
    for (const { close } of views) close();
    await subgraph.write(5);
    const cursors = views.map(({ seen }) => seen.cursor);
    const rest = viewEveryWay(supergraph.url(), subgraph.job.id, cursors);
    await until('five more', () => rest.every(({ lines }) => lines().length === 5));
    for (const { lines } of rest) expect(lines()).toEqual(numbered(6, 10));
  });

  test('when clients leave, nothing is read for them', async () => {
    const subgraph = await start(1);
    const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: subgraph.job.id });
    await until('a line', () => clients.every(({ answers }) => answers.length > 0));
    for (const { leave } of clients) leave();
    const { messages } = supergraph.runpod();
    if (streams === 'http') {
      await until('the gateway leaves too', () => supergraph.runpod().open() === 0);
      return;
    }
    const idsOf = (wanted: string) =>
      new Set(messages.flatMap(({ type, id }) => (type === wanted ? [id] : [])));
    await until('the gateway leaves too', () => idsOf('complete').size === 2);
    expect(idsOf('complete')).toEqual(idsOf('subscribe'));
  });

  test('a cut behind the gateway loses nothing and repeats nothing', async () => {
    const subgraph = await start(10);
    const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: subgraph.job.id });
    const { views, have } = await viewAll(subgraph.job.id, 10);
    await until('the lines', () => clients.every(({ answers }) => answers.length > 0));
    expect(supergraph.runpod().cut()).toBeGreaterThan(0);
    for (const { answers, done } of clients) {
      await done;
      // What the gateway makes of it, as docs/federation.md says.
      expect(answers.at(-1)?.errors).toHaveLength(1);
      expect(logEventsIn(answers.slice(-1))).toHaveLength(planner === 'rust' ? 1 : 0);
    }
    await subgraph.write(10);
    await have(20);
    await expectEnd(subgraph, views, 20);
  });

  // Only sockets can be closed with a word that says so.
  test.skipIf(streams === 'http')(
    'where the gateway comes again by itself it repeats lines, and views do not',
    async () => {
      const subgraph = await start(10);
      const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: subgraph.job.id });
      const { views, have } = await viewAll(subgraph.job.id, 10);
      // A close that says that one may come again, as a load balancer says it.
      const GOING_AWAY = 1001;
      supergraph.runpod().cut(GOING_AWAY);
      const firstLines = (answers: Parameters<typeof logEventsIn>[0]) =>
        logEventsIn(answers).filter(({ firstSeq }) => firstSeq === 1);
      await until('it repeats', () =>
        clients.every(({ answers }) => firstLines(answers).length === 2),
      );
      await subgraph.write(10);
      await have(20);
      await expectEnd(subgraph, views, 20);
    },
  );

  test('views outlive a restart of the subgraph, and clients are told of it', async () => {
    const subgraph = await start(10);
    const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: subgraph.job.id });
    const { views, have } = await viewAll(subgraph.job.id, 10);
    await subgraph.restart();
    for (const { answers, done } of clients) {
      await done;
      expect(logEventsIn(answers).at(-1)).toMatchObject({ reason: 'SHUTTING_DOWN', retry: true });
    }
    await subgraph.write(10);
    supergraph.runpod().point(subgraph.url());
    await have(20);
    await expectEnd(subgraph, views, 20);
  });

  test('one socket for all has a limit; with HTTP every stream is by itself', async () => {
    const subgraph = await start(1);
    const client = connectClient(supergraph.url());
    const LIMIT = 100;
    const readings = Array.from({ length: LIMIT + 1 }, () =>
      readLogs(client, { jobId: subgraph.job.id }),
    );
    let refused = 0;
    for (const { done } of readings) done.catch(() => (refused += 1));
    const served = () => readings.filter(({ events }) => events.length > 0).length;
    await until('an answer to each', () => served() + refused === LIMIT + 1);
    expect(refused).toBe(streams === 'ws' ? 1 : 0);
  });

  test('of a job that is not there clients are told, in words that depend on the planner', async () => {
    const subgraph = await start(0);
    const clients = listenEveryWay(supergraph.url(), LOGS, { jobId: 'nope' });
    const code = planner === 'js' ? 'NOT_FOUND' : 'INTERNAL_SERVER_ERROR';
    for (const { answers, done } of clients) {
      await done;
      expect(answers).toMatchObject([{ errors: [{ extensions: { code } }] }]);
    }
    expect(subgraph.job.id).not.toBe('nope');
  });
});
