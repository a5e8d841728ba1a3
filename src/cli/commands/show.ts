import type { Command } from 'commander';
import { z } from 'zod';
import { noSuchJob } from '../failure.ts';
import { NONE, bytes, duration, statusSpan, usd, usdPerHour } from '../format.ts';
import { JOB, jobSchema } from '../job-answer.ts';
import type { JobAnswer } from '../job-answer.ts';
import type { Output, Span } from '../output.ts';
import { padTo } from '../output.ts';
import type { OpenSession } from '../program.ts';
import { printTable } from '../table.ts';
import { stepText } from './list.ts';

export const SHOW = `query Show($id: ID!) { trainingJob(id: $id) { ${JOB} } }`;

const showSchema = z.object({ trainingJob: jobSchema.nullable() });
const LABEL_WIDTH = 12;

export function addShow(program: Command, open: OpenSession): void {
  program
    .command('show')
    .description('one job with its attempts, cost and results')
    .argument('<id>', 'the job')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, output } = open(command);
      const { trainingJob: job } = await api.ask(SHOW, { id }, showSchema);
      if (job === null) throw noSuchJob(id);
      await output.json(job);
      await printJob(output, job);
    });
}

async function printJob(output: Output, job: JobAnswer): Promise<void> {
  for (const [label, ...spans] of factsOf(job)) {
    await output.line({ text: padTo(label, LABEL_WIDTH, 'left'), style: 'dim' }, ...spans);
  }
  if (job.attempts.length > 0) {
    await output.line();
    await printTable(output, ATTEMPT_COLUMNS, job.attempts);
  }
  if (job.artifacts.length > 0) {
    await output.line();
    await printTable(output, ARTIFACT_COLUMNS, job.artifacts);
  }
}

function factsOf(job: JobAnswer): readonly (readonly [string, ...Span[]])[] {
  const { cost, failure, progress } = job;
  return [
    ['Job', { text: job.id, style: 'bold' }],
    ['Name', job.name],
    ['Status', statusSpan(job.status), job.statusReason === null ? '' : `  ${job.statusReason}`],
    ...failureFacts(failure),
    ['Trains', `${job.spec.baseModel} with ${job.spec.algorithm}`],
    ['Progress', `step ${stepText(progress)}`, leftText(progress)],
    ['Cost', `${usd(cost.usdSoFar)} so far`, `, ${usdPerHour(cost.usdPerHour)} now`],
    ['Estimate', usd(cost.estimatedUsd)],
    ['Submitted', job.createdAt],
    ['Started', job.startedAt ?? NONE],
    ['Ended', job.endedAt ?? NONE],
    ...job.labels.map(({ name, value }) => ['Label', `${name}=${value}`] as const),
  ];
}

function failureFacts(failure: JobAnswer['failure']): readonly (readonly [string, ...Span[]])[] {
  if (failure === null) return [];
  return [
    ['Failure', { text: failure.code, style: 'red' }, `  ${failure.message}`],
    ...failure.suggestions.map((text) => ['', text] as const),
  ];
}

function leftText(progress: JobAnswer['progress']): string {
  const left = progress?.secondsRemaining;
  return left == null || left === 0 ? '' : `, ${duration(left)} left`;
}

type Attempt = JobAnswer['attempts'][number];
const ATTEMPT_COLUMNS = [
  { title: 'ATTEMPT', side: 'right', cell: ({ number }: Attempt) => `${number}` },
  { title: 'GPU', cell: ({ gpuResourceId }: Attempt) => gpuResourceId ?? NONE },
  { title: 'WHERE', cell: ({ dataCenterId }: Attempt) => dataCenterId ?? NONE },
  { title: 'PRICE', side: 'right', cell: (attempt: Attempt) => usdPerHour(attempt.usdPerHour) },
  { title: 'OUTCOME', cell: ({ outcome }: Attempt) => outcome ?? NONE },
  { title: 'EXIT', side: 'right', cell: ({ exitCode }: Attempt) => `${exitCode ?? NONE}` },
] as const;

type Artifact = JobAnswer['artifacts'][number];
const ARTIFACT_COLUMNS = [
  { title: 'FILE', isKey: true, cell: ({ path }: Artifact) => path },
  { title: 'KIND', cell: ({ kind }: Artifact) => kind },
  { title: 'SIZE', side: 'right', cell: ({ sizeBytes }: Artifact) => bytes(sizeBytes) },
  { title: 'SHA-256', cell: ({ sha256 }: Artifact) => sha256 },
] as const;
