/** Commands that wish something of a job. The server stores the wish; what it takes comes later. */
import type { Command } from 'commander';
import { z } from 'zod';
import { refusal } from '../failure.ts';
import { statusSpan } from '../format.ts';
import { JOB, faultSchema, jobSchema } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';

interface Wish {
  readonly name: string;
  readonly description: string;
  readonly document: string;
  /** For the sentences of its two ends. */
  readonly done: string;
  readonly thing: string;
}

const wishDocument = (name: string, field: string) => `mutation ${name}($id: ID!) {
  wish: ${field}(id: $id) { job { ${JOB} } userErrors { code message path } }
}`;

export const CANCEL = wishDocument('Cancel', 'cancelTrainingJob');
export const PAUSE = wishDocument('Pause', 'pauseTrainingJob');
export const RESUME = wishDocument('Resume', 'resumeTrainingJob');

const WISHES: readonly Wish[] = [
  {
    name: 'pause',
    description: 'stop a job at a checkpoint and release its pod: it costs nothing until resumed',
    document: PAUSE,
    done: 'paused',
    thing: 'wish',
  },
  {
    name: 'resume',
    description: 'end the pause of a job: another pod goes on from its checkpoint',
    document: RESUME,
    done: 'resumed',
    thing: 'wish',
  },
  {
    name: 'cancel',
    description: 'end a job; its pod is terminated',
    document: CANCEL,
    done: 'cancelled',
    thing: 'cancellation',
  },
];

const wishSchema = z.object({
  wish: z.object({ job: jobSchema.nullable(), userErrors: z.array(faultSchema) }),
});

export function addWishes(program: Command, open: OpenSession): void {
  for (const { name, description, document, done, thing } of WISHES) {
    program
      .command(name)
      .description(description)
      .argument('<id>', 'the job')
      .action(async (id: string, _options: unknown, command: Command) => {
        const { api, output } = open(command);
        const { job, userErrors } = (await api.ask(document, { id }, wishSchema)).wish;
        if (job === null) throw refusal(`${id} was not ${done}:`, userErrors);
        await output.json(job);
        await output.line(`The ${thing} stands. `, job.id, ' is ', statusSpan(job.status), '.');
      });
  }
}
