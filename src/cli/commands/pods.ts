import type { Command } from 'commander';
import { z } from 'zod';
import { refusal } from '../failure.ts';
import { NONE, ago, statusSpan, usdPerHour } from '../format.ts';
import { faultSchema } from '../job-answer.ts';
import type { OpenSession } from '../program.ts';
import { printTable } from '../table.ts';

export const PODS = `query Pods {
  rentedPods { podId podName usdPerHour state jobId attempt since decision }
}`;

const podSchema = z.object({
  podId: z.string().nullable(),
  podName: z.string(),
  usdPerHour: z.number(),
  state: z.string(),
  jobId: z.string().nullable(),
  attempt: z.number().nullable(),
  since: z.string(),
  decision: z.string().nullable(),
});
type Pod = z.infer<typeof podSchema>;

export const DECIDE = `mutation Decide($podId: ID!, $decision: QuarantineDecision!) {
  decideQuarantinedPod(podId: $podId, decision: $decision) { userErrors { code message path } }
}`;

const decidedSchema = z.object({
  decideQuarantinedPod: z.object({ userErrors: z.array(faultSchema) }),
});

export function addPods(program: Command, open: OpenSession): void {
  const pods = program
    .command('pods')
    .description('pods that are rented now, and what they cost')
    .action(async (_options: unknown, command: Command) => {
      const { api, output } = open(command);
      const { rentedPods } = await api.ask(PODS, {}, z.object({ rentedPods: z.array(podSchema) }));
      await output.json({ pods: rentedPods });
      if (rentedPods.length === 0) await output.line('No pod is rented.');
      else await printTable(output, columnsAt(Date.now()), rentedPods);
    });
  addDecision(pods, open, 'terminate', 'terminate a pod that is in quarantine');
  addDecision(pods, open, 'keep', 'leave a pod that is in quarantine alone from now on');
}

function addDecision(
  pods: Command,
  open: OpenSession,
  decision: 'terminate' | 'keep',
  description: string,
): void {
  pods
    .command(decision)
    .description(description)
    .argument('<id>', 'the pod')
    .action(async (podId: string, _options: unknown, command: Command) => {
      const { api, output } = open(command);
      const variables = { podId, decision: decision.toUpperCase() };
      const { decideQuarantinedPod } = await api.ask(DECIDE, variables, decidedSchema);
      const { userErrors } = decideQuarantinedPod;
      if (userErrors.length > 0) throw refusal(`Nothing was decided on ${podId}:`, userErrors);
      await output.json({ podId, decision: variables.decision });
      await output.line(`${podId}: ${decision}.`);
    });
}

function columnsAt(now: number) {
  return [
    { title: 'POD', isKey: true, cell: ({ podId }: Pod) => podId ?? NONE },
    { title: 'NAME', cell: ({ podName }: Pod) => podName },
    { title: 'STATE', cell: ({ state }: Pod) => statusSpan(state) },
    { title: 'PRICE', side: 'right', cell: (pod: Pod) => usdPerHour(pod.usdPerHour) },
    { title: 'DECISION', cell: ({ decision }: Pod) => decision ?? NONE },
    { title: 'JOB', cell: ({ jobId }: Pod) => jobId ?? NONE },
    { title: 'ATTEMPT', side: 'right', cell: ({ attempt }: Pod) => `${attempt ?? NONE}` },
    { title: 'SINCE', cell: ({ since }: Pod) => ago(since, now) },
  ] as const;
}
