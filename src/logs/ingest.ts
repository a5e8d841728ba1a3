/**
 * Brings what the agent wrote into the job's log, page by page, under the job's lease. What was
 * stored is remembered with it (attempt, boot, number), so that no line is lost or stored twice.
 *
 * @see agent/PROTOCOL.md §5.6
 */
import type { AgentLine, AgentStatus, PodAgent } from '../datasources/pod-agent.ts';
import type { Attempt } from '../domain/job/job.ts';
import type { LogSource, NewLogLine } from '../domain/job/log-line.ts';
import { pointsOf, progressOf, readMetricLine } from '../domain/job/metric-line.ts';
import { setBootLine } from '../store/attempts.ts';
import type { Database } from '../store/database.ts';
import { fenced, patchJob } from '../store/jobs.ts';
import type { Lease } from '../store/jobs.ts';
import { appendLines } from '../store/log-lines.ts';
import { appendPoints } from '../store/metric-points.ts';

const LINES_PER_PAGE = 1_000;
/** In one go: a trainer that writes without end must not keep its job from being looked at. */
const MAX_PAGES = 20;
const SOURCES: Readonly<Record<AgentLine['stream'], LogSource>> = {
  stdout: 'STDOUT',
  stderr: 'STDERR',
  agent: 'SYSTEM',
};

export interface IngestDeps {
  readonly db: Database;
  readonly now: () => number;
}

/** @returns whether every line of the boot is stored and no more will come */
export async function ingestLines(
  { db, now }: IngestDeps,
  lease: Lease,
  attempt: Pick<Attempt, 'number' | 'bootId' | 'bootLine'>,
  agent: PodAgent,
  status: AgentStatus,
  signal: AbortSignal,
): Promise<boolean> {
  const { bootId } = attempt;
  let stored = attempt.bootLine;
  if (bootId === null) return false;
  for (let page = 0; page < MAX_PAGES && stored < status.lastLine; page += 1) {
    const { lines, next } = await agent.lines(bootId, stored, LINES_PER_PAGE, signal);
    if (lines.length === 0) break;
    await storePage(db, lease, attempt.number, lines, next, now());
    stored = next;
  }
  return status.logClosed && stored >= status.lastLine;
}

async function storePage(
  db: Database,
  lease: Lease,
  attempt: number,
  lines: readonly AgentLine[],
  next: number,
  now: number,
): Promise<void> {
  const events = lines.flatMap((line) => {
    const event = line.stream === 'stdout' ? readMetricLine(line.text) : null;
    return event === null ? [] : [{ event, at: line.at }];
  });
  const points = events.flatMap(({ event, at }) => pointsOf(event, at));
  const progress = events.map(({ event }) => progressOf(event)).findLast((each) => each !== null);
  await fenced(db, lease, async (tx, job) => {
    await appendLines(
      tx,
      job,
      lines.map((line) => toLogLine(line, attempt)),
    );
    await appendPoints(tx, job, points);
    await setBootLine(tx, job.id, attempt, next);
    if (progress) await patchJob(tx, job, { progress }, now);
  });
}

function toLogLine({ at, stream, text }: AgentLine, attempt: number): NewLogLine {
  return { at, source: SOURCES[stream], attempt, text };
}
