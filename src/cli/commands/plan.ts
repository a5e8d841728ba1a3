import type { Command } from 'commander';
import { z } from 'zod';
import { refusal } from '../failure.ts';
import { NONE, duration, usd, usdPerHour } from '../format.ts';
import { faultSchema } from '../job-answer.ts';
import type { Output } from '../output.ts';
import type { OpenSession } from '../program.ts';
import { readSubmissionFile, withUpload } from '../submission-file.ts';
import { printTable } from '../table.ts';

export const PLAN = `query Plan(
  $spec: TrainingSpecInput!, $placement: PlacementInput, $limits: LimitsInput
) {
  trainingPlan(spec: $spec, placement: $placement, limits: $limits) {
    userErrors { code message path }
    warnings backend backendReason requiredMemoryGb
    options {
      gpuResource { id name memoryGb }
      gpuCount cloud fits usdPerHour estimatedSeconds estimatedUsd stock
    }
  }
}`;

const optionSchema = z.object({
  gpuResource: z.object({ id: z.string(), name: z.string(), memoryGb: z.number() }),
  gpuCount: z.number(),
  cloud: z.string(),
  fits: z.boolean(),
  usdPerHour: z.number().nullable(),
  estimatedSeconds: z.number().nullable(),
  estimatedUsd: z.number().nullable(),
  stock: z.string(),
});
type Option = z.infer<typeof optionSchema>;

const planSchema = z.object({
  trainingPlan: z.object({
    userErrors: z.array(faultSchema),
    warnings: z.array(z.string()),
    backend: z.string().nullable(),
    backendReason: z.string().nullable(),
    requiredMemoryGb: z.number().nullable(),
    options: z.array(optionSchema),
  }),
});
type Plan = z.infer<typeof planSchema>['trainingPlan'];

/** A plan looks at no data: it stands for the dataset that `submit` would upload. */
const NOT_UPLOADED = 'not-uploaded-yet';

export function addPlan(program: Command, open: OpenSession): void {
  program
    .command('plan')
    .description('check a submission: what it needs, where it could run, what it costs')
    .argument('<file>', 'the submission, such as examples/tiny.json')
    .action(async (file: string, _options: unknown, command: Command) => {
      const { api, output } = open(command);
      const { input, datasetFile } = await readSubmissionFile(file);
      const { spec, placement, limits } =
        datasetFile === undefined ? input : withUpload(input, NOT_UPLOADED);
      const { trainingPlan } = await api.ask(PLAN, { spec, placement, limits }, planSchema);
      await output.json(trainingPlan);
      if (trainingPlan.userErrors.length > 0) {
        throw refusal(`${file} could not be submitted:`, trainingPlan.userErrors);
      }
      await printPlan(output, trainingPlan);
    });
}

async function printPlan(output: Output, plan: Plan) {
  const { warnings, backendReason, requiredMemoryGb, options } = plan;
  const need = requiredMemoryGb === null ? 'unknown' : `${requiredMemoryGb} GB per GPU`;
  await output.line('Memory needed: ', { text: need, style: 'bold' });
  if (backendReason !== null) await output.line(backendReason);
  if (options.length === 0) await output.line('Nothing fits.');
  else await printTable(output, COLUMNS, options);
  if (output.isJson) return;
  for (const warning of warnings) await output.note({ text: `! ${warning}`, style: 'yellow' });
}

const COLUMNS = [
  { title: 'GPU', cell: ({ gpuResource, gpuCount }: Option) => `${gpuCount} × ${gpuResource.id}` },
  { title: 'CLOUD', cell: ({ cloud }: Option) => cloud },
  { title: 'FITS', cell: ({ fits }: Option) => (fits ? 'yes' : 'no') },
  {
    title: 'PRICE',
    side: 'right',
    cell: ({ usdPerHour: price }: Option) => usdPerHour(price),
  },
  {
    title: 'TIME',
    side: 'right',
    cell: ({ estimatedSeconds }: Option) => duration(estimatedSeconds),
  },
  { title: 'COST', side: 'right', cell: ({ estimatedUsd }: Option) => usd(estimatedUsd) },
  { title: 'STOCK', cell: ({ stock }: Option) => (stock === '' ? NONE : stock) },
] as const;
