import type { Command } from 'commander';
import { z } from 'zod';
import { noSuchJob } from '../failure.ts';
import { failUnlessCompleted, followJob, spansOfLine } from '../follow-job.ts';
import { LOG_PAGE, logPageSchema } from '../job-answer.ts';
import type { LineAnswer } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';
import type { Session } from '../session.ts';

export const LOGS = `query Logs($id: ID!, $after: LogCursor) {
  trainingJob(id: $id) { ${LOG_PAGE} }
}`;

const logsSchema = z.object({ trainingJob: z.object({ logs: logPageSchema }).nullable() });

interface LogsOptions {
  readonly follow?: true;
  readonly since?: string;
}

export function addLogs(program: Command, open: OpenSession): void {
  program
    .command('logs')
    .description('the log of a job')
    .argument('<id>', 'the job')
    .option('--follow', 'go on until the job has ended')
    .option('--since <cursor>', 'only what comes behind this place')
    .action(async (id: string, { follow, since }: LogsOptions, command: Command) => {
      const session = open(command);
      const after = since ?? null;
      if (follow !== true) {
        await printLog(session, id, after);
        return;
      }
      failUnlessCompleted(session, await followJob(session, { id, after }));
    });
}

/** What is stored now. */
async function printLog({ api, output }: Session, id: string, after: string | null): Promise<void> {
  const lines: LineAnswer[] = [];
  let cursor = after;
  for (;;) {
    const { trainingJob } = await api.ask(LOGS, { id, after: cursor }, logsSchema);
    if (trainingJob === null) throw noSuchJob(id);
    const { logs } = trainingJob;
    for (const line of logs.lines) await output.line(...spansOfLine(line));
    if (output.isJson) lines.push(...logs.lines);
    cursor = logs.endCursor ?? cursor;
    if (!logs.hasNextPage) break;
  }
  await output.json({ lines, endCursor: cursor });
}
