import type { Command } from 'commander';
import { z } from 'zod';
import { refusal } from '../failure.ts';
import { statusSpan } from '../format.ts';
import { JOB, faultSchema, jobSchema } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';

export const PAUSE = `mutation Pause($id: ID!) {
  wish: pauseTrainingJob(id: $id) { job { ${JOB} } userErrors { code message path } }
}`;
export const RESUME = `mutation Resume($id: ID!) {
  wish: resumeTrainingJob(id: $id) { job { ${JOB} } userErrors { code message path } }
}`;

const wishSchema = z.object({
  wish: z.object({ job: jobSchema.nullable(), userErrors: z.array(faultSchema) }),
});

export function addPause(program: Command, open: OpenSession): void {
  program
    .command('pause')
    .description('stop a job at a checkpoint and release its pod: it costs nothing until resumed')
    .argument('<id>', 'the job')
    .action((id: string, _options: unknown, command: Command) =>
      send(open, command, { id, text: PAUSE, done: 'paused' }),
    );
}

export function addResume(program: Command, open: OpenSession): void {
  program
    .command('resume')
    .description('end the pause of a job: another pod goes on from its checkpoint')
    .argument('<id>', 'the job')
    .action((id: string, _options: unknown, command: Command) =>
      send(open, command, { id, text: RESUME, done: 'resumed' }),
    );
}

interface Wish {
  readonly id: string;
  readonly text: string;
  readonly done: string;
}

async function send(open: OpenSession, command: Command, { id, text, done }: Wish): Promise<void> {
  const { api, output } = open(command);
  const { job, userErrors } = (await api.ask(text, { id }, wishSchema)).wish;
  if (job === null) throw refusal(`${id} was not ${done}:`, userErrors);
  await output.json(job);
  await output.line('The wish stands. ', job.id, ' is ', statusSpan(job.status), '.');
}
