import type { CloudTier, CatalogueEntry, Offer, StockLevel } from './gpu.ts';
import { DEFAULT_OFFER } from './gpu.ts';
import type { PricedGpu, PriceTable } from './price.ts';

export interface GpuFilter {
  readonly minMemoryGb?: number | null | undefined;
  readonly cloud?: CloudTier | null | undefined;
  readonly gpuCount?: number | null | undefined;
  readonly maxUsdPerHour?: number | null | undefined;
  readonly minStock?: StockLevel | null | undefined;
  readonly dataCenterId?: string | null | undefined;
  readonly nameContains?: string | null | undefined;
}

export type GpuOrder = 'PRICE' | 'MEMORY' | 'NAME';

const STOCK_RANK: Readonly<Record<StockLevel, number>> = {
  NONE: 0,
  UNKNOWN: 0.5,
  LOW: 1,
  MEDIUM: 2,
  HIGH: 3,
};

/** The offer whose prices and stock a filter speaks of. */
export function offerOfFilter(filter: GpuFilter): Offer {
  return {
    gpuCount: filter.gpuCount ?? DEFAULT_OFFER.gpuCount,
    cloud: filter.cloud ?? DEFAULT_OFFER.cloud,
  };
}

/** Picks and orders; `table` is that of {@link offerOfFilter}. Ties are broken by id. */
export function selectGpus(
  table: PriceTable,
  filter: GpuFilter,
  order: GpuOrder,
): readonly CatalogueEntry[] {
  const passes = conditionsOf(filter);
  return [...table.gpus.values()]
    .filter((gpu) => passes.every((pass) => pass(gpu)))
    .sort((a, b) => COMPARE[order](a, b) || compareText(a.entry.id, b.entry.id))
    .map((gpu) => gpu.entry);
}

type Condition = (gpu: PricedGpu) => boolean;

function conditionsOf(filter: GpuFilter): readonly Condition[] {
  const { minMemoryGb, maxUsdPerHour, minStock, dataCenterId } = filter;
  const conditions: Condition[] = [];
  if (filter.cloud != null || filter.gpuCount != null) {
    conditions.push(({ price }) => price !== null);
  }
  if (minMemoryGb != null) conditions.push(({ entry }) => entry.memoryGb >= minMemoryGb);
  if (maxUsdPerHour != null) {
    conditions.push(({ price }) => (price?.onDemandUsdPerHour ?? Infinity) <= maxUsdPerHour);
  }
  if (minStock != null) {
    conditions.push(({ entry }) => STOCK_RANK[entry.stock] >= STOCK_RANK[minStock]);
  }
  if (dataCenterId != null) conditions.push(({ entry }) => hasStockIn(entry, dataCenterId));
  const text = filter.nameContains?.trim().toLowerCase();
  if (text) {
    conditions.push(({ entry }) => `${entry.name}\n${entry.id}`.toLowerCase().includes(text));
  }
  return conditions;
}

function hasStockIn(entry: CatalogueEntry, dataCenterId: string): boolean {
  return (entry.dataCenters ?? []).some(
    (center) => center.dataCenterId === dataCenterId && STOCK_RANK[center.stock] >= STOCK_RANK.LOW,
  );
}

const COMPARE: Readonly<Record<GpuOrder, (a: PricedGpu, b: PricedGpu) => number>> = {
  PRICE: (a, b) => compareNumbers(priceRank(a), priceRank(b)),
  MEMORY: (a, b) => b.entry.memoryGb - a.entry.memoryGb,
  NAME: (a, b) => compareText(a.entry.name, b.entry.name),
};

function priceRank({ price }: PricedGpu): number {
  return price?.onDemandUsdPerHour ?? Infinity;
}

function compareNumbers(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** By code unit, so that the order is the same on every machine, whatever its locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
