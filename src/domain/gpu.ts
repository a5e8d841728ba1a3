/** Which part of the cloud: data centres of the platform, or other people's machines. */
export type CloudTier = 'SECURE' | 'COMMUNITY';

/** Ordered: NONE < LOW < MEDIUM < HIGH. UNKNOWN: the platform did not say. */
export type StockLevel = 'NONE' | 'LOW' | 'MEDIUM' | 'HIGH' | 'UNKNOWN';

/** Far above any machine there is: a bound, so that a typing error is told and not asked upstream. */
export const MAX_GPU_COUNT = 64;

/** What a price is asked for: a pod with this many GPUs in this cloud. */
export interface Offer {
  readonly gpuCount: number;
  readonly cloud: CloudTier;
}

/** The offer meant where a caller names none. */
export const DEFAULT_OFFER: Offer = { gpuCount: 1, cloud: 'SECURE' };

/** One string per offer, for maps and loaders: `2:COMMUNITY`. */
export type OfferKey = `${number}:${CloudTier}`;

export function offerKey(offer: Offer): OfferKey {
  return `${offer.gpuCount}:${offer.cloud}`;
}

export interface DataCenterStock {
  readonly dataCenterId: string;
  readonly name: string | null;
  readonly stock: StockLevel;
}

/** A GPU type as a platform lists it for one offer. Prices are USD per hour for the whole pod. */
export interface CatalogueEntry {
  readonly id: string;
  readonly name: string;
  readonly manufacturer: string | null;
  readonly memoryGb: number;
  readonly clouds: readonly CloudTier[];
  /** GPUs in the largest machine per cloud; null: the platform did not say. */
  readonly maxGpuCount: Readonly<Record<CloudTier, number | null>>;
  /** CUDA versions offered now, `major.minor`, oldest first; null: none reported (AMD, for one). */
  readonly cudaVersions: readonly string[] | null;
  /** Null: the platform names no data centre for this offer. */
  readonly dataCenters: readonly DataCenterStock[] | null;
  readonly stock: StockLevel;
  /** Null: not offered on demand in this offer's cloud. */
  readonly onDemandUsdPerHour: number | null;
}
