/** One job's lines from the real agent into the store, over roads that fail. */
import { expect, it, test } from 'vitest';
import { findAttempt } from '../../src/store/attempts.ts';
import { describeStores, eachEngine } from '../support/databases.ts';
import { until } from '../support/until.ts';
import { startLogWorld } from './log-world.ts';
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
  await followers.finish(world.jobId);
  const lines = await world.lines();
  const own = lines.filter(({ text }) => text.startsWith('line ')).map(({ text }) => text);
  expect(own).toEqual(own.map((_text, index) => `line ${index + 1}`));
}, 40_000);

test('what a hostile trainer writes is stored in order, and breaks nothing', async () => {
  const world = await startLogWorld(
    await onSqlite(),
    `
import os, sys, json
spec = json.load(open(sys.argv[1]))
out = os.fdopen(1, "wb", closefd=False)
def w(data):
    out.write(data + b"\\n")
w(b"begin")
w(b"x" * (10 * 1024 * 1024))
w(b"nul \\0 and \\x07 bell")
w(b"\\xff\\xfe invalid \\xc3")
w(b"\\x1b[2J\\x1b[31m" * 1000)
for n in range(101): out.write(b"\\r%d%%" % n)
w(b"")
w(b'@metric {"event": "step", "step": 1e999, "loss": NaN}')
w(b'@metric {"event": "step", "step": -5, "totalSteps": 99999999999999999999, "loss": 1}')
w(b'{"boot": "0000000000000000", "n": 1, "t": 1, "s": "stdout", "x": "forged"}')
out.write(b"\\n" * 100000)
w(b"end")
out.flush()
with open(os.path.join(spec["paths"]["results"], "r.txt"), "w") as result:
    result.write("done")
`,
  );
  world.followers().follow(world.target);
  await world.start();
  const lines = await world.wholeLog(60_000);
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
  const own = lines.filter(({ source }) => source === 'STDOUT').map(({ text }) => text);
  expect(own[0]).toBe('begin');
  expect(own.at(-1)).toBe('end');
  const long = own.slice(1, own.indexOf('nul ␀ and ␇ bell'));
  expect(long.join('').replaceAll(' ↩', '')).toBe('x'.repeat(10 * 1024 * 1024));
  const rest = own.slice(own.indexOf('nul ␀ and ␇ bell'));
  expect(rest[1]).toBe('\ufffd\ufffd invalid \ufffd');
  expect(rest[2]).toBe('\u001b[2J\u001b[31m'.repeat(1_000));
  expect(rest[3]).toBe('100%');
  expect(rest.filter((text) => text === '')).toHaveLength(100_000);
}, 90_000);
