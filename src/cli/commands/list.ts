import type { Command } from 'commander';
import { z } from 'zod';
import { NONE, ago, statusSpan, usd } from '../format.ts';
import { BRIEF_JOB, briefJobSchema } from '../job-answer.ts';
import type { BriefJob } from '../job-answer.ts';
import { someOf, wholeNumber } from '../options.ts';
import type { OpenSession } from '../program.ts';
import type { Session } from '../session.ts';
import { printTable } from '../table.ts';

export const LIST = `query List(
  $first: Int!, $after: String, $status: [TrainingJobStatus!], $name: String
) {
  trainingJobs(first: $first, after: $after, status: $status, nameContains: $name) {
    nodes { ${BRIEF_JOB} } pageInfo { hasNextPage endCursor } totalCount
  }
}`;

const listSchema = z.object({
  trainingJobs: z.object({
    nodes: z.array(briefJobSchema),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
    totalCount: z.number().nullable(),
  }),
});

const STATUSES = [
  'PENDING',
  'PROVISIONING',
  'PREPARING',
  'RUNNING',
  'COLLECTING',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const;
/** The most that the API gives at a time. */
const MAX_PAGE = 100;

interface ListOptions {
  readonly status?: readonly string[];
  readonly name?: string;
  readonly limit: number;
}

export function addList(program: Command, open: OpenSession): void {
  program
    .command('list')
    .description('jobs, newest first')
    .option('--status <status>', 'only with one of these, comma-separated', someOf(STATUSES))
    .option('--name <text>', 'only whose name contains this')
    .option('--limit <n>', 'how many at most', wholeNumber(1, 10_000), 20)
    .action(async (options: ListOptions, command: Command) => {
      const session = open(command);
      const { jobs, totalCount } = await readJobs(session, options);
      const { output } = session;
      await output.json({ jobs, totalCount });
      if (jobs.length === 0) await output.line('There are no such jobs.');
      else await printTable(output, columnsAt(Date.now()), jobs);
      const more = (totalCount ?? 0) - jobs.length;
      if (more > 0) await output.line({ text: `… and ${more} more: --limit`, style: 'dim' });
    });
}

async function readJobs({ api }: Session, { status, name, limit }: ListOptions) {
  const jobs: BriefJob[] = [];
  let after: string | null = null;
  for (;;) {
    const first = Math.min(MAX_PAGE, limit - jobs.length);
    const variables = { first, after, status, name };
    const page: z.infer<typeof listSchema> = await api.ask(LIST, variables, listSchema);
    const { nodes, pageInfo, totalCount } = page.trainingJobs;
    jobs.push(...nodes);
    after = pageInfo.endCursor;
    const isDone = jobs.length >= limit || !pageInfo.hasNextPage || nodes.length === 0;
    if (isDone || after === null) return { jobs: jobs.slice(0, limit), totalCount };
  }
}

function columnsAt(now: number) {
  return [
    { title: 'ID', isKey: true, cell: ({ id }: BriefJob) => id },
    { title: 'NAME', cell: ({ name }: BriefJob) => name },
    { title: 'STATUS', cell: ({ status }: BriefJob) => statusSpan(status) },
    { title: 'STEP', side: 'right', cell: ({ progress }: BriefJob) => stepText(progress) },
    { title: 'COST', side: 'right', cell: ({ cost }: BriefJob) => usd(cost.usdSoFar) },
    { title: 'SUBMITTED', cell: ({ createdAt }: BriefJob) => ago(createdAt, now) },
  ] as const;
}

export function stepText(progress: BriefJob['progress']): string {
  if (progress === null) return NONE;
  const { step, totalSteps } = progress;
  return totalSteps === null ? `${step}` : `${step}/${totalSteps}`;
}
