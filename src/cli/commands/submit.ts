import type { Command } from 'commander';
import { failUnlessCompleted, followJob } from '../follow-job.ts';
import { statusSpan } from '../format.ts';
import type { JobAnswer } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';
import type { Session } from '../session.ts';
import { retryJob, submitFile } from '../submit-job.ts';

interface SubmitOptions {
  readonly follow?: true;
  readonly idempotencyKey?: string;
}

export function addSubmit(program: Command, open: OpenSession): void {
  program
    .command('submit')
    .description('submit a training; its dataset file is uploaded first')
    .argument('<file>', 'the submission, such as examples/tiny.json')
    .option('--follow', 'show log and progress until it has ended')
    .option('--idempotency-key <key>', 'makes a repeated submission harmless')
    .action(async (file: string, options: SubmitOptions, command: Command) => {
      const session = open(command);
      await report(session, await submitFile(session, file, options.idempotencyKey), options);
    });
}

export function addRetry(program: Command, open: OpenSession): void {
  program
    .command('retry')
    .description('submit an ended job again, as a new one')
    .argument('<id>', 'the job that ended')
    .option('--follow', 'show log and progress until it has ended')
    .option('--idempotency-key <key>', 'makes a repeated retry harmless')
    .action(async (id: string, options: SubmitOptions, command: Command) => {
      const session = open(command);
      await report(session, await retryJob(session, id, options.idempotencyKey), options);
    });
}

async function report(session: Session, job: JobAnswer, { follow }: SubmitOptions): Promise<void> {
  const { output, commandLine } = session;
  await output.json(follow === true ? { event: 'submitted', job } : job);
  await output.line('Submitted ', { text: job.id, style: 'bold' }, ' ', statusSpan(job.status));
  if (follow !== true) {
    await output.line(`Follow it: ${commandLine('logs', job.id, '--follow')}`);
    return;
  }
  const ended = await followJob(session, { id: job.id, after: null });
  failUnlessCompleted(session, ended);
  await output.line(`Fetch its results: ${commandLine('download', job.id)}`);
}
