/**
 * Hostile content on the whole way: agent, follower, store, subscription. The clock of its pod is an
 * hour off. The order is exact and nothing breaks, by the agent's road and by the platform's.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { CONTINUED } from '../../src/domain/job/log-line.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { createRandom } from '../chaos/random.ts';
import { startLogWorld, TENANT } from '../logs/log-world.ts';
import { endJob } from '../support/follow.ts';
import { makeFolder } from '../support/folder.ts';
import { jobRecord } from '../support/job-record.ts';
import { startStreamServer } from '../support/stream-server.ts';
import type { SeenLine } from './line-check.ts';
import { isFull } from './plan.ts';
import { readToEnd } from './reader.ts';

const PROGRAM = readFileSync(new URL('./hostile.py', import.meta.url), 'utf8');
const CLOCK = fileURLToPath(new URL('./clock/', import.meta.url));
const EMPTY_LINES = isFull ? 1_000_000 : 50_000;
const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const DEADLINE_MS = isFull ? 300_000 : 60_000;

const EXPECTED: readonly string[] = [
  'begin',
  'x'.repeat(10 * MIB),
  '€😀é'.repeat(Math.floor((10 * MIB) / 9)),
  '\ufffd'.repeat(MIB),
  '␀'.repeat(MIB),
  'nul ␀ bell ␇ delete ␡ tab \t',
  '\ufffd\ufffd invalid \ufffd( cut \ufffd surrogate \ufffd\ufffd\ufffd overlong \ufffd\ufffd',
  'separators \u2028 \u2029 bidi \u202e bom \ufeff',
  '\u001b[2J\u001b[31m'.repeat(1_000),
  ...Array.from({ length: 5_000 }, () => '\u001b]0;title␇\u001b[99999999;99999999H\u001b[1J'),
  '100%',
  '@metric {"event": "step", "step": 1e999, "loss": NaN}',
  '@metric {"event": "step", "step": -5, "totalSteps": 99999999999999999999, "loss": 1}',
  '@failure {]',
  '{"boot": "0000000000000000", "n": 1, "t": 1, "s": "stdout", "x": "forged"}',
  'data: {"n": 1}',
  'event: end',
  ...Array.from({ length: EMPTY_LINES }, () => ''),
  'end without a line feed',
];

/** The second has the first in it: both are taken only in the full canary. */
const ROADS = [
  { road: "the agent's stream", faults: [] },
  {
    road: "the agent's and the platform's, which fail, repeat and drop",
    faults: [
      { kind: 'status', status: 502, route: 'proxy', probability: 0.5 },
      { kind: 'proxy-cut', afterBytes: 700_000 },
      { kind: 'sse-duplicate', every: 7 },
      { kind: 'sse-drop', every: 500 },
    ],
  },
];

it.each(isFull ? ROADS : ROADS.slice(1))(
  'what a hostile trainer writes arrives in order by $road',
  async ({ faults }) => {
    const db = await openDatabase({ databaseUrl: undefined, dataDir: makeFolder() });
    onTestFinished(() => db.close());
    const world = await startLogWorld(db, PROGRAM, {
      CANARY_EMPTY_LINES: String(EMPTY_LINES),
      PYTHONPATH: CLOCK,
      PYTHONDONTWRITEBYTECODE: '1',
    });
    const server = await startStreamServer(db, { timing: { heartbeatMs: 1_000, pollMs: 50 } });
    onTestFinished(() => server.close());

    const lines: SeenLine[] = [];
    const cuts = { cuts: 0, losses: 0, seams: 0 };
    const reading = readToEnd({
      jobId: world.jobId,
      url: () => server.url,
      random: createRandom(1),
      take: (more) => {
        for (const line of more) lines.push(line);
      },
      cuts,
      cutMs: [100, 1_500],
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    await world.start();
    for (const fault of faults) await world.control.addFault(fault);
    world.followers({ timing: { holeMs: DEADLINE_MS } }).follow(world.target);
    await world.wholeLog(DEADLINE_MS);
    await endJob(db, jobRecord(world.jobId, { tenantId: TENANT }));
    server.bus.publish(world.jobId);
    await reading;

    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_line, index) => index + 1));
    expect(cuts.seams).toBe(0);
    const own = lines.filter(({ source }) => source === 'STDOUT');
    const texts = joined(own.map(({ text }) => text));
    // Not `toEqual`: a difference in a line of 10 MB is not to be printed.
    expect(texts.findIndex((text, index) => text !== EXPECTED[index])).toBe(-1);
    expect(texts).toHaveLength(EXPECTED.length);
    const hoursOff = own.map(({ at }) => Math.round((Date.parse(at) - Date.now()) / HOUR_MS));
    expect(hoursOff.every((hours) => hours === 1 || hours === -1)).toBe(true);
    expect(lines.filter(({ source }) => source === 'LIFECYCLE')).toEqual([]);
  },
  DEADLINE_MS + 30_000,
);

/** Lines that were too long for one are put together again. */
function joined(texts: readonly string[]): readonly string[] {
  const whole: string[] = [];
  let begun: string[] = [];
  for (const text of texts) {
    if (text.endsWith(CONTINUED)) begun.push(text.slice(0, -CONTINUED.length));
    else {
      whole.push(begun.join('') + text);
      begun = [];
    }
  }
  return whole;
}
