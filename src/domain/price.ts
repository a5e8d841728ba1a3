import { offerKey } from './gpu.ts';
import type { CatalogueEntry, CloudTier, Offer, OfferKey, StockLevel } from './gpu.ts';

/** RunPod bills per second, from the first (documentation of 2026-08). */
const BILLING_INCREMENT_SECONDS = 1;
const MINIMUM_CHARGE_SECONDS = 1;

/** To a hundredth of a cent: sums and products of prices come out as people write them. */
export function roundUsd(usd: number): number {
  return Math.round(usd * 10_000) / 10_000;
}

/** Spot prices in USD per hour of the whole pod: by offer, then by GPU id. Absent: no spot pod. */
export type SpotPrices = ReadonlyMap<OfferKey, ReadonlyMap<string, number>>;

/** Price and stock of one GPU type in one offer; the shape of `Pricing` in the schema. */
export interface Price {
  readonly gpuResource: CatalogueEntry;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly currency: 'USD';
  readonly onDemandUsdPerHour: number | null;
  readonly spotUsdPerHour: number | null;
  readonly spotAvailable: boolean;
  readonly stock: StockLevel;
  readonly billingIncrementSeconds: number;
  readonly minimumChargeSeconds: number;
  /** Epoch milliseconds. */
  readonly observedAt: number;
  readonly isStale: boolean;
}

/** One GPU type in one offer; `price` is null where it is not offered so. */
export interface PricedGpu {
  readonly entry: CatalogueEntry;
  readonly price: Price | null;
}

/**
 * All that is known of one offer at one moment. Never changed after it is made: whatever changes
 * makes a new table, so that its identity is its version.
 */
export interface PriceTable {
  readonly offer: Offer;
  readonly observedAt: number;
  readonly isStale: boolean;
  readonly spot: SpotPrices | null;
  readonly gpus: ReadonlyMap<string, PricedGpu>;
}

interface Observation {
  readonly offer: Offer;
  readonly entries: readonly CatalogueEntry[];
  readonly spot: SpotPrices | null;
  readonly observedAt: number;
  readonly isStale: boolean;
}

/** Joins what was observed of one offer. Of entries with the same id the first counts. */
export function makePriceTable(seen: Observation): PriceTable {
  const spotById = seen.spot?.get(offerKey(seen.offer));
  const gpus = new Map<string, PricedGpu>();
  for (const entry of seen.entries) {
    if (gpus.has(entry.id)) continue;
    gpus.set(entry.id, { entry, price: priceOf(entry, spotById?.get(entry.id) ?? null, seen) });
  }
  return {
    offer: seen.offer,
    observedAt: seen.observedAt,
    isStale: seen.isStale,
    spot: seen.spot,
    gpus,
  };
}

/** The same prices, known to be the last ones because the platform stopped answering. */
export function markStale(table: PriceTable): PriceTable {
  if (table.isStale) return table;
  const entries = [...table.gpus.values()].map((gpu) => gpu.entry);
  return makePriceTable({ ...table, entries, isStale: true });
}

function priceOf(entry: CatalogueEntry, spotUsd: number | null, seen: Observation): Price | null {
  const { offer } = seen;
  if (!isOffered(entry, offer)) return null;
  return {
    gpuResource: entry,
    gpuCount: offer.gpuCount,
    cloud: offer.cloud,
    currency: 'USD',
    onDemandUsdPerHour: entry.onDemandUsdPerHour,
    spotUsdPerHour: spotUsd,
    spotAvailable: spotUsd !== null,
    stock: entry.stock,
    billingIncrementSeconds: BILLING_INCREMENT_SECONDS,
    minimumChargeSeconds: MINIMUM_CHARGE_SECONDS,
    observedAt: seen.observedAt,
    isStale: seen.isStale,
  };
}

/** Whether pods of this size exist in this cloud at all; an unknown ceiling refuses nothing. */
export function isOffered(entry: CatalogueEntry, offer: Offer): boolean {
  if (!entry.clouds.includes(offer.cloud)) return false;
  const ceiling = entry.maxGpuCount[offer.cloud];
  return ceiling === null || offer.gpuCount <= ceiling;
}
