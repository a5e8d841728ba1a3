/** One job's lines from the real agent into the store, over roads that fail. */
import { expect, it, test } from 'vitest';
import { findAttempt } from '../../src/store/attempts.ts';
import { holdLease } from '../../src/store/leases.ts';
import { describeStores, eachEngine } from '../support/databases.ts';
import { until } from '../support/until.ts';
import { startLogWorld, TENANT } from './log-world.ts';
import type { LogWorld } from './log-world.ts';

/** Numbered lines, some at a time, and a result so that it succeeds. */
const counting = (lines: number, perSecond = 2_000) => `
import json, os, sys, time
spec = json.load(open(sys.argv[1]))
begun = time.time()
for n in range(1, ${lines} + 1):
    print("line %d" % n, flush=n % 50 == 0)
    if n % 50 == 0:
        time.sleep(max(0, begun + n / ${perSecond} - time.time()))
with open(os.path.join(spec["paths"]["results"], "r.txt"), "w") as out:
    out.write("done")
`;

const onSqlite = () => (eachEngine[0] ?? raise()).open();
function raise(): never {
  throw new Error('there is no engine');
}

function expectEach(lines: readonly { seq: number; text: string }[], count: number): void {
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
  const own = lines.map(({ text }) => text).filter((text) => text.startsWith('line '));
  expect(own).toEqual(Array.from({ length: count }, (_, index) => `line ${index + 1}`));
}

async function storedLine({ db, jobId }: LogWorld): Promise<number> {
  return (await findAttempt(db, jobId, 1))?.bootLine ?? 0;
}

describeStores('a follower', (open) => {
  it('brings every line of a run, once and in order, and then ends', async () => {
    const world = await startLogWorld(await open(), counting(3_000));
    const followers = world.followers();
    followers.follow(world.target);
    await world.start();
    expectEach(await world.wholeLog(), 3_000);
    await followers.settled(world.jobId, 5_000);
    const leases = await world.db.query(
      `select name from leases where name = 'ingest:${world.jobId}'`,
    );
    expect(leases).toEqual([]);
    // It reads nothing again: a second look at a finished log begins no stream.
    const before = (await world.control.requests()).proxy;
    followers.follow(world.target);
    await followers.settled(world.jobId, 100);
    expect((await world.control.requests()).proxy).toBe(before);
  });

  it('of which two servers each want one is one, and the other takes over', async () => {
    const world = await startLogWorld(await open(), counting(4_000));
    const [first, second] = [world.followers(), world.followers()];
    first.follow(world.target);
    await world.start();
    await until('the first has lines', async () => (await storedLine(world)) > 200);
    second.follow(world.target);
    await first.close();
    await until('the second takes over', async () => {
      second.follow(world.target);
      return (await storedLine(world)) > 2_000;
    });
    expectEach(await world.wholeLog(), 4_000);
  });
});

describeStores('of an attempt that another server ends', (open) => {
  /** The first server stands at a hole, and has lines behind it; the agent does not answer. */
  async function standAtHole() {
    const world = await startLogWorld(await open(), counting(2_000, 10_000));
    await world.start();
    await until('all is written', async () => {
      const status = await world.agent.status(new AbortController().signal);
      return status.logClosed;
    });
    await world.control.addFault({ kind: 'status', status: 502, route: 'proxy' });
    await world.control.addFault({ kind: 'sse-drop', every: 1_500 });
    const first = world.followers({ timing: { holeMs: 60_000 } });
    first.follow(world.target);
    await until('it stands at the hole', async () => (await storedLine(world)) > 1_400);
    const { proxy } = await world.control.requests();
    await until('pages are asked for', async () => {
      return (await world.control.requests()).proxy > proxy + 5;
    });
    return { world, first };
  }

  it('the lines behind a hole are stored first, and the hole is told', async () => {
    const { world } = await standAtHole();
    const second = world.followers();
    expect(await second.finish(world.target, false)).toBe(true);
    const lines = await world.lines();
    expect(lines.filter(({ source }) => source === 'LIFECYCLE')).toMatchObject([
      { text: expect.stringContaining('missing here') as string },
    ]);
    expect(lines.map(({ text }) => text)).toContain('line 1999');
    const leases = await world.db.query<{ name: string }>('select name from leases');
    expect(leases.map(({ name }) => name)).not.toContain(`finish:${world.jobId}`);
  });

  it('a server that does not answer is not waited for, and the rest is asked of the agent', async () => {
    const { world, first } = await standAtHole();
    await first.close();
    await world.control.clearFaults();
    const lease = { tenantId: TENANT, name: `ingest:${world.jobId}`, workerId: 'dead' };
    await holdLease(world.db, { ...lease, leaseMs: 60_000 });
    const second = world.followers();
    expect(await second.finish(world.target, true)).toBe(false);
    expectEach(await world.lines(), 2_000);
  });
});

test('lines come once each while the proxy cuts every stream', async () => {
  const world = await startLogWorld(await onSqlite(), counting(4_000));
  await world.control.addFault({ kind: 'proxy-cut', afterBytes: 20_000 });
  world.followers().follow(world.target);
  await world.start();
  expectEach(await world.wholeLog(), 4_000);
});

test('a stream that the agent ends by itself is opened again', async () => {
  const env = { AGENT_STREAM_SECONDS: '0.2', AGENT_HEARTBEAT_SECONDS: '0.05' };
  const world = await startLogWorld(await onSqlite(), counting(3_000), env);
  world.followers().follow(world.target);
  await world.start();
  expectEach(await world.wholeLog(), 3_000);
});

test("while the proxy fails, lines come by the platform's stream, and later by the agent's again", async () => {
  const world = await startLogWorld(await onSqlite(), counting(6_000));
  world.followers().follow(world.target);
  await world.start();
  await until('some lines came', async () => (await storedLine(world)) > 100);
  await world.control.addFault({ kind: 'status', status: 502, route: 'proxy' });
  const before = await storedLine(world);
  await until('lines come all the same', async () => (await storedLine(world)) > before + 1_000);
  await world.control.clearFaults();
  expectEach(await world.wholeLog(), 6_000);
});

test('what the platform doubles, drops and cuts is stored once, and asked of the agent', async () => {
  const world = await startLogWorld(await onSqlite(), counting(6_000));
  await world.start();
  // Streams and pages fail at random: half of the time only the platform's stream is left.
  await world.control.addFault({ kind: 'status', status: 502, route: 'proxy', probability: 0.7 });
  await world.control.addFault({ kind: 'sse-duplicate', every: 3 });
  await world.control.addFault({ kind: 'sse-drop', every: 50 });
  await world.control.addFault({ kind: 'sse-cut', afterLines: 400 });
  world.followers().follow(world.target);
  expectEach(await world.wholeLog(40_000), 6_000);
}, 60_000);

test('lines that are nowhere any more are missing by number, and the log says so', async () => {
  const world = await startLogWorld(await onSqlite(), counting(3_000));
  await world.start();
  await world.control.addFault({ kind: 'status', status: 502, route: 'proxy' });
  await world.control.addFault({ kind: 'sse-drop', every: 100 });
  world.followers().follow(world.target);
  const missing = await until(
    'the log says that lines are missing',
    async () => (await world.lines()).find(({ text }) => text.includes('missing here')),
    20_000,
  );
  expect(missing.source).toBe('LIFECYCLE');
  const lines = await world.lines();
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
  const numbers = lines.flatMap(({ text }) => /^line (\d+)$/.exec(text)?.[1] ?? []).map(Number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
}, 40_000);

test('a follower that is killed after a commit is followed by one that goes on behind it', async () => {
  const world = await startLogWorld(await onSqlite(), counting(4_000));
  let commits = 0;
  const failpoint = () => {
    commits += 1;
    if (commits % 3 === 0) throw new Error('killed between commit and acknowledgement');
  };
  const followers = world.followers({ failpoint });
  await world.start();
  await until('it is whole', async () => {
    followers.follow(world.target);
    const { lastLine, logClosed } = await world.agent.status(new AbortController().signal);
    return logClosed && (await storedLine(world)) === lastLine;
  });
  expect(commits).toBeGreaterThan(3);
  expectEach(await world.lines(), 4_000);
});

test('an agent that restarts ends the follower of its last boot with what that boot wrote', async () => {
  const world = await startLogWorld(await onSqlite(), counting(1_000_000));
  const followers = world.followers();
  followers.follow(world.target);
  await world.start();
  await until('some lines came', async () => (await storedLine(world)) > 500);
  await world.control.addFault({ kind: 'restart', podId: world.podId });
  await until('the agent is there again', async () => {
    const status = await world.agent.status(new AbortController().signal).catch(() => null);
    return status?.restarted === true;
  });
  expect(await followers.finish(world.target, true)).toBe(true);
  const lines = await world.lines();
  const own = lines.filter(({ text }) => text.startsWith('line ')).map(({ text }) => text);
  expect(own).toEqual(own.map((_text, index) => `line ${index + 1}`));
}, 40_000);
