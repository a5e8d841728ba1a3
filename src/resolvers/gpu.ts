import { DEFAULT_OFFER } from '../domain/gpu.ts';
import type { CatalogueEntry } from '../domain/gpu.ts';
import { offerOfFilter, selectGpus } from '../domain/gpu-selection.ts';
import { isOffered } from '../domain/price.ts';
import type { Context } from '../context.ts';
import type { Resolvers } from './__generated__/schema.ts';
import { toOffer } from './gpu-arguments.ts';

/** Runs at once on a value that is there, later on one that is promised: most prices are there. */
function after<T, R>(value: T | Promise<T>, then: (value: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(then) : then(value);
}

function findGpu(
  id: string,
  context: Context,
): CatalogueEntry | null | Promise<CatalogueEntry | null> {
  return after(context.prices.anyTable(), (table) => table.gpus.get(id)?.entry ?? null);
}

export const gpuResolvers: Resolvers = {
  Query: {
    gpuResources(_parent, { filter, orderBy }, { prices }) {
      const conditions = filter ?? {};
      const offer = toOffer(offerOfFilter(conditions));
      return after(prices.table(offer), (table) => selectGpus(table, conditions, orderBy));
    },
    gpuResource: (_parent, { id }, context) => findGpu(id, context),
  },
  GpuResource: {
    __resolveReference: ({ id }, context) => findGpu(id, context),
    maxGpuCount: (gpu, { cloud }) => gpu.maxGpuCount[cloud],
    cudaVersions: (gpu, _args, { prices }) =>
      after(
        prices.table(DEFAULT_OFFER),
        (table) => table.gpus.get(gpu.id)?.entry.cudaVersions ?? null,
      ),
    dataCenters: (gpu, args, { prices }) =>
      after(
        prices.table(toOffer(args)),
        (table) => table.gpus.get(gpu.id)?.entry.dataCenters ?? null,
      ),
    pricing(gpu, args, { prices }) {
      const offer = toOffer(args);
      return isOffered(gpu, offer) ? prices.price({ gpuId: gpu.id, offer }) : null;
    },
  },
};
