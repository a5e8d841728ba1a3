import type { Command } from 'commander';
import { z } from 'zod';
import { refusal } from '../failure.ts';
import { statusSpan } from '../format.ts';
import { JOB, faultSchema, jobSchema } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';

export const CANCEL = `mutation Cancel($id: ID!) {
  cancelTrainingJob(id: $id) { job { ${JOB} } userErrors { code message path } }
}`;

const cancelSchema = z.object({
  cancelTrainingJob: z.object({ job: jobSchema.nullable(), userErrors: z.array(faultSchema) }),
});

export function addCancel(program: Command, open: OpenSession): void {
  program
    .command('cancel')
    .description('end a job; its pod is terminated')
    .argument('<id>', 'the job')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, output } = open(command);
      const { cancelTrainingJob } = await api.ask(CANCEL, { id }, cancelSchema);
      const { job, userErrors } = cancelTrainingJob;
      if (job === null) throw refusal(`${id} was not cancelled:`, userErrors);
      await output.json(job);
      await output.line('The cancellation stands. ', job.id, ' is ', statusSpan(job.status), '.');
    });
}
