/** A job's log and progress as they come, for people or as one JSON document per line. */
import { CliFailure } from './failure.ts';
import { duration, statusSpan, usd } from './format.ts';
import { hasEnded } from './job-answer.ts';
import type { BriefJob, LineAnswer } from './job-answer.ts';
import { readMetric } from './metric-text.ts';
import type { Metric } from './metric-text.ts';
import { barOf } from './output.ts';
import type { Output, Span } from './output.ts';
import type { Session } from './session.ts';
import { watchJob } from './watch-job.ts';

const BAR_WIDTH = 24;

/** Who is told of a job, in the order in which things come. */
export interface JobView {
  /** Its state; the same again where nothing changed. */
  readonly job: (job: BriefJob) => Promise<void>;
  readonly line: (line: LineAnswer) => Promise<void>;
}

/**
 * Until the job has ended and its whole log was told.
 * @throws {CliFailure} where it ended without a result, and when Ctrl-C ended the following
 */
export async function followJob(
  session: Session,
  { id, after }: { id: string; after: string | null },
  show: JobView = createView(session.output),
): Promise<BriefJob> {
  const { output } = session;
  let cursor = after;
  let job: BriefJob | undefined;
  try {
    for await (const seen of watchJob(session, { id, after })) {
      // Its end is told behind the last line, and not among them.
      if (!hasEnded(seen.job)) await show.job(seen.job);
      for (const line of seen.lines) {
        await show.line(line);
        cursor = line.cursor;
      }
      ({ job } = seen);
    }
  } catch (error) {
    throw error instanceof CliFailure ? withWayBack(error, session, id, cursor) : error;
  } finally {
    await output.status(null);
  }
  if (job === undefined) throw new Error('a job is seen at least once');
  await show.job(job);
  await output.status(null);
  await output.json({ event: 'ended', job });
  return job;
}

/** For people lines and a bar, for scripts one document per line. */
function createView(output: Output): JobView {
  let last: BriefJob | undefined;
  let metric: Metric | null = null;

  const drawBar = async (): Promise<void> => {
    if (last !== undefined) await output.status(statusLine(last, metric));
  };

  return {
    async job(job: BriefJob): Promise<void> {
      const isNew = JSON.stringify(job) !== JSON.stringify(last);
      const before = last;
      last = job;
      if (!isNew) return;
      await output.json({ event: 'job', job });
      if (before?.status !== job.status || before.statusReason !== job.statusReason) {
        const reason = job.statusReason === null ? '' : `  ${job.statusReason}`;
        await output.line('● ', statusSpan(job.status), reason);
      }
      await drawBar();
    },
    async line(line: LineAnswer): Promise<void> {
      await output.json({ event: 'line', line });
      const seen = readMetric(line.text);
      metric = seen ?? metric;
      // The bar tells it: a terminal would scroll through hundreds of them.
      if (seen?.event === 'step' && output.isTerminal) await drawBar();
      else await output.line(...spansOfLine(line));
    },
  };
}

function statusLine({ status, progress, cost }: BriefJob, metric: Metric | null): string {
  const step = metric?.step ?? progress?.step ?? null;
  const total = metric?.totalSteps ?? progress?.totalSteps ?? null;
  const bar = step === null || total === null ? [] : [barOf(step / total, BAR_WIDTH)];
  const steps = step === null ? [] : [`step ${step}${total === null ? '' : `/${total}`}`];
  const loss = metric?.loss == null ? [] : [`loss ${metric.loss.toFixed(3)}`];
  const left = progress?.secondsRemaining;
  const time = left == null || left === 0 ? [] : [`${duration(left)} left`];
  const isTraining = status === 'RUNNING' || step !== null;
  return [
    ...bar,
    ...(isTraining ? [] : [status]),
    ...steps,
    ...loss,
    ...time,
    usd(cost.usdSoFar),
  ].join('  ');
}

/** A line of the log: the pod's own words plain, what was done with the job apart from them. */
export function spansOfLine({ source, text }: LineAnswer): readonly Span[] {
  const metric = readMetric(text);
  if (metric !== null) return [{ text: metric.text, style: 'dim' }];
  switch (source) {
    case 'LIFECYCLE':
      return [{ text: `» ${text}`, style: 'bold' }];
    case 'SYSTEM':
      return [{ text, style: 'dim' }];
    default:
      return [text];
  }
}

function withWayBack(
  failure: CliFailure,
  { commandLine }: Session,
  id: string,
  cursor: string | null,
): CliFailure {
  if (failure.kind === 'not-found' || failure.kind === 'refused') return failure;
  const since = cursor === null ? [] : ['--since', cursor];
  const again = commandLine('logs', id, '--follow', ...since);
  return failure.withHint(
    `The job goes on. To follow it again: ${again}\nTo end it: ${commandLine('cancel', id)}`,
  );
}

/** @throws {CliFailure} unless it was completed */
export function failUnlessCompleted(
  { commandLine }: Session,
  { id, status, failure }: BriefJob,
): void {
  if (status === 'COMPLETED') return;
  const why = failure === null ? '' : `: ${failure.message} (${failure.code})`;
  const again = `It may succeed when tried again: ${commandLine('retry', id)}`;
  const retry = failure?.retryable === true ? [again] : [];
  const hint = [...(failure?.suggestions ?? []), ...retry].join('\n');
  throw new CliFailure('refused', `The job ${id} is ${status}${why}`, {
    ...(hint !== '' && { hint }),
    ...(failure !== null && { code: failure.code }),
  });
}
