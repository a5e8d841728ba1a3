/**
 * Decides which lines of one boot are new, whatever road they come by: the next number is taken, a
 * lower one was taken before, a higher one waits until the hole before it is filled.
 */
import type { AgentLine } from '../datasources/pod-agent.ts';
import { CONTINUED, splitText } from '../domain/job/log-line.ts';
import type { LogSource, NewLogLine } from '../domain/job/log-line.ts';
import { pointsOf, progressOf, readMetricLine } from '../domain/job/metric-line.ts';
import type { MetricEvent } from '../domain/job/metric-line.ts';
import { createPace } from '../domain/job/pace.ts';
import type { BootPart, LogLane } from './ingest.ts';

/** Lines behind a hole that are kept: the agent has them too, and is asked for them later. */
const MAX_AHEAD_LINES = 5_000;
const MAX_AHEAD_CHARACTERS = 4 * 1024 * 1024;

const SOURCES: Readonly<Record<AgentLine['stream'], LogSource>> = {
  stdout: 'STDOUT',
  stderr: 'STDERR',
  agent: 'SYSTEM',
};

export interface Intake {
  /** The last number that was taken. */
  readonly position: () => number;
  /** Lines are there whose predecessors are not. */
  readonly hasHole: () => boolean;
  /** Without gaps, from wherever. Resolves when more may come. @throws when the lane has failed */
  take(lines: readonly AgentLine[]): Promise<void>;
  /** In any order, with gaps. @throws when the lane has failed */
  offer(line: AgentLine): Promise<void>;
  /** Gives up what is missing, and says so in the log. */
  skipHole(): Promise<void>;
}

export interface IntakeOptions {
  readonly lane: Pick<LogLane<BootPart>, 'push'>;
  readonly attempt: number;
  readonly position: number;
  readonly now: () => number;
  readonly onMetric: (event: MetricEvent) => void;
}

export function createIntake(options: IntakeOptions): Intake {
  const { lane, attempt, now } = options;
  let { position } = options;
  const ahead = new Map<number, AgentLine>();
  let aheadCharacters = 0;
  const pace = createPace();

  /** At once, so that two roads never take the same line; waits only afterwards. */
  function put(lines: readonly AgentLine[]): Promise<void> {
    const last = lines.at(-1);
    if (last === undefined) return Promise.resolve();
    position = last.n;
    return lane.push({ ...toPart(lines), to: position });
  }

  function toPart(lines: readonly AgentLine[]): Omit<BootPart, 'to'> {
    const kept: NewLogLine[] = [];
    const points = [];
    let progress = null;
    for (const line of lines) {
      addLogLines(kept, line, attempt);
      const event = line.stream === 'stdout' ? readMetricLine(line.text) : null;
      if (event === null) continue;
      points.push(...pointsOf(event, line.at));
      const seen = progressOf(event);
      if (seen !== null) progress = pace.see(event, seen, line.at);
      options.onMetric(event);
    }
    return { lines: kept, points, progress };
  }

  /** What waited for the number that has come. */
  function takeAhead(): AgentLine[] {
    const lines: AgentLine[] = [];
    for (let n = position + 1; ahead.has(n); n += 1) {
      const line = ahead.get(n);
      if (line !== undefined) lines.push(line);
    }
    for (const n of ahead.keys()) if (n <= position + lines.length) ahead.delete(n);
    if (ahead.size === 0) aheadCharacters = 0;
    return lines;
  }

  async function take(lines: readonly AgentLine[]): Promise<void> {
    const isNew = lines.length > 0 && (lines[0]?.n ?? 0) > position;
    const fresh = isNew ? lines : lines.filter(({ n }) => n > position);
    if (fresh.length === 0) return;
    if (fresh[0]?.n !== position + 1) throw new RangeError('lines with a gap were taken');
    const room = put(fresh);
    await (ahead.size === 0 ? room : Promise.all([room, put(takeAhead())]));
  }

  return {
    position: () => position,
    hasHole: () => ahead.size > 0,
    take,
    async offer(line) {
      if (line.n <= position) return;
      if (line.n === position + 1) return take([line]);
      if (ahead.size >= MAX_AHEAD_LINES || aheadCharacters >= MAX_AHEAD_CHARACTERS) return;
      if (!ahead.has(line.n)) aheadCharacters += line.text.length;
      ahead.set(line.n, line);
    },
    async skipHole() {
      const next = Math.min(...ahead.keys());
      if (!Number.isFinite(next)) return;
      const missing = next - 1 - position;
      position = next - 1;
      const text = missingText(missing);
      const line: NewLogLine = { at: now(), source: 'LIFECYCLE', attempt, text };
      const room = lane.push({ lines: [line], to: position });
      await Promise.all([room, put(takeAhead())]);
    },
  };
}

export function missingText(count: number): string {
  return count === 1
    ? 'One line is missing here: the pod could not deliver it.'
    : `${count} lines are missing here: the pod could not deliver them.`;
}

/** Into one array for a whole batch: this runs for every line there is. */
function addLogLines(
  kept: NewLogLine[],
  { at, stream, text, isContinued }: AgentLine,
  attempt: number,
): void {
  const source = SOURCES[stream];
  const texts = splitText(text);
  for (const [index, each] of texts.entries()) {
    const goesOn = isContinued === true && index === texts.length - 1;
    kept.push({ at, source, attempt, text: goesOn ? each + CONTINUED : each });
  }
}
