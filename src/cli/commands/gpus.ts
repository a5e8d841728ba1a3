import type { Command } from 'commander';
import { z } from 'zod';
import { NONE, usdPerHour } from '../format.ts';
import { oneOf, positiveNumber, wholeNumber } from '../options.ts';
import type { OpenSession } from '../program.ts';
import { printTable } from '../table.ts';

export const GPUS = `query Gpus($filter: GpuResourceFilter, $count: Int!, $cloud: CloudTier!) {
  gpuResources(filter: $filter) {
    id name manufacturer memoryGb clouds
    pricing(gpuCount: $count, cloud: $cloud) {
      onDemandUsdPerHour spotUsdPerHour spotAvailable stock observedAt isStale
    }
  }
}`;

const gpuSchema = z.object({
  id: z.string(),
  name: z.string(),
  manufacturer: z.string().nullable(),
  memoryGb: z.number(),
  clouds: z.array(z.string()),
  pricing: z
    .object({
      onDemandUsdPerHour: z.number().nullable(),
      spotUsdPerHour: z.number().nullable(),
      spotAvailable: z.boolean(),
      stock: z.string(),
      observedAt: z.string(),
      isStale: z.boolean(),
    })
    .nullable(),
});
type Gpu = z.infer<typeof gpuSchema>;
const gpusSchema = z.object({ gpuResources: z.array(gpuSchema) });

interface GpusOptions {
  readonly minMemory?: number;
  readonly maxPrice?: number;
  readonly cloud: string;
  readonly count: number;
  readonly name?: string;
}

export function addGpus(program: Command, open: OpenSession): void {
  program
    .command('gpus')
    .description('GPUs with their prices and stock, cheapest first')
    .option('--min-memory <GB>', 'at least this much memory per GPU', wholeNumber(1, 10_000))
    .option('--max-price <USD>', 'at most this per hour of the whole pod', positiveNumber)
    .option('--cloud <tier>', 'SECURE or COMMUNITY', oneOf(['SECURE', 'COMMUNITY']), 'SECURE')
    .option('--count <n>', 'GPUs of the pod', wholeNumber(1, 64), 1)
    .option('--name <text>', 'only GPUs whose name or id contains this')
    .action(async (options: GpusOptions, command: Command) => {
      const { api, output } = open(command);
      const { count, cloud } = options;
      const { gpuResources: gpus } = await api.ask(
        GPUS,
        { filter: toFilter(options), count, cloud },
        gpusSchema,
      );
      await output.json({ gpus });
      if (gpus.length === 0) await output.line('No GPU fits these conditions.');
      else await printTable(output, COLUMNS, gpus);
    });
}

function toFilter({ minMemory, maxPrice, cloud, count, name }: GpusOptions) {
  return {
    cloud,
    gpuCount: count,
    ...(minMemory !== undefined && { minMemoryGb: minMemory }),
    ...(maxPrice !== undefined && { maxUsdPerHour: maxPrice }),
    ...(name !== undefined && { nameContains: name }),
  };
}

const COLUMNS = [
  { title: 'ID', isKey: true, cell: ({ id }: Gpu) => id },
  { title: 'MEMORY', side: 'right', cell: ({ memoryGb }: Gpu) => `${memoryGb} GB` },
  {
    title: 'ON DEMAND',
    side: 'right',
    cell: ({ pricing }: Gpu) => usdPerHour(pricing?.onDemandUsdPerHour ?? null),
  },
  {
    title: 'SPOT',
    side: 'right',
    cell: ({ pricing }: Gpu) => usdPerHour(pricing?.spotUsdPerHour ?? null),
  },
  { title: 'STOCK', cell: ({ pricing }: Gpu) => stockText(pricing) },
] as const;

function stockText(pricing: Gpu['pricing']): string {
  if (pricing === null) return NONE;
  return pricing.isStale ? `${pricing.stock} (last known)` : pricing.stock;
}
