/** `npm run supergraph -- --check`: whether everything works together, and then the end. */
import { createExperiment, submitTinyJob } from './visitor.ts';
import type { Visitor } from './visitor.ts';

const CHECK_MS = 90_000;

const LOGS = `subscription($jobId: ID!) { trainingJobLogs(jobId: $jobId) {
  __typename ... on LogBatch { firstSeq count } ... on StreamEnd { reason }
} }`;
const STATES = `subscription($jobId: ID!) { trainingJobChanged(jobId: $jobId) {
  status experiment { name }
} }`;
const EXPERIMENT = `query($id: ID!) { experiment(id: $id) {
  name trainingJobs { name status gpuResource { name } cost { usdSoFar } artifacts { kind } }
} }`;

interface LogEvent {
  readonly __typename: string;
  readonly firstSeq: number | null;
  readonly count: number;
  readonly reason: string;
}

/** @throws {Error} saying what was not as it should be */
export async function check(
  visitor: Visitor,
  say: (line: string) => void,
  ending: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([ending, AbortSignal.timeout(CHECK_MS)]);
  const { gpuResources } = await visitor.ask<{ gpuResources: object[] }>('{ gpuResources { id } }');
  expect(gpuResources.length > 0, 'the catalogue has GPUs');
  say(`query         ${gpuResources.length} GPUs`);

  const jobId = await submitTinyJob(visitor, 'checked');
  const experimentId = await createExperiment(visitor, 'check', [jobId]);
  say(`mutations     job ${jobId} in a new experiment`);

  const [lines, ofSse, states] = await Promise.all([
    readLog(visitor.overWebSocket(LOGS, { jobId }, signal)),
    readLog(visitor.overSse(LOGS, { jobId }, signal)),
    readStates(visitor.overWebSocket(STATES, { jobId }, signal)),
  ]);
  say(`WebSocket     ${lines} lines of log, each once, to the end of the job`);
  expect(ofSse === lines, `${ofSse} lines came as server-sent events, ${lines} over WebSocket`);
  say(`SSE           the same ${ofSse}`);
  expect(states.at(-1) === 'COMPLETED', `the job is COMPLETED and not ${states.at(-1) ?? ''}`);
  say(`enriched      ${states.join(' → ')}, each with the name of its experiment`);

  const { experiment } = await visitor.ask<{ experiment: { trainingJobs: object[] } }>(EXPERIMENT, {
    id: experimentId,
  });
  say(`both          ${JSON.stringify(experiment)}`);
  expect(experiment.trainingJobs.length === 1, 'the experiment has its job');
}

async function readLog(events: AsyncIterable<{ data?: unknown; errors?: unknown }>) {
  let seen = 0;
  for await (const { data, errors } of events) {
    expect(errors === undefined, `the log comes without errors: ${JSON.stringify(errors)}`);
    const event = (data as { trainingJobLogs: LogEvent }).trainingJobLogs;
    if (event.__typename === 'StreamEnd') {
      expect(event.reason === 'JOB_ENDED', `the log ends with its job, and not ${event.reason}`);
      return seen;
    }
    if (event.firstSeq === null) continue;
    expect(event.firstSeq === seen + 1, `line ${seen + 1} is next, and not ${event.firstSeq}`);
    seen += event.count;
  }
  throw new Error('The log was cut: it ended without a StreamEnd.');
}

async function readStates(events: AsyncIterable<{ data?: unknown; errors?: unknown }>) {
  const states: string[] = [];
  for await (const { data, errors } of events) {
    expect(errors === undefined, `states come without errors: ${JSON.stringify(errors)}`);
    const { trainingJobChanged: job } = data as {
      trainingJobChanged: { status: string; experiment: { name: string } | null };
    };
    if (job.status !== states.at(-1)) states.push(job.status);
    // It may be seen before it is in the experiment.
    if (job.status === 'COMPLETED') expect(job.experiment?.name === 'check', 'it is enriched');
  }
  return states;
}

function expect(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`Not so: ${what}.`);
}
