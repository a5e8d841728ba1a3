/**
 * What we need of RunPod's REST answers, and no more: unknown fields are ignored, and fields that
 * recorded answers lack are optional here whatever the contract (2026-08-18) says.
 */
import { z } from 'zod';
import { DEFAULT_OFFER } from '../../domain/gpu.ts';
import type { CatalogueEntry, CloudTier, Offer, StockLevel } from '../../domain/gpu.ts';
import { roundUsd } from '../../domain/price.ts';
import type { Pod, PodStatus } from '../platform.ts';

const STOCK_LEVELS: ReadonlySet<string> = new Set<StockLevel>(['NONE', 'LOW', 'MEDIUM', 'HIGH']);
const POD_STATUSES: ReadonlySet<string> = new Set<PodStatus>([
  'PROVISIONING',
  'STARTING',
  'RUNNING',
  'EXITED',
  'ERROR',
  'TERMINATED',
]);

const money = z.number().nonnegative();

const gpuTypeSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  manufacturer: z.string().nullish(),
  memory: z.number().nonnegative(),
  secure: z.boolean().optional(),
  community: z.boolean().optional(),
  price: z.object({ secure: money.nullish(), community: money.nullish() }),
  maxCount: z.object({ secure: z.int().nullish(), community: z.int().nullish() }).optional(),
  availability: z.string().optional(),
  dataCenters: z
    .array(z.object({ id: z.string(), name: z.string().nullish(), availability: z.string() }))
    .optional(),
  cudaVersions: z.array(z.object({ version: z.string() })).optional(),
});

export const gpuListSchema = z.object({ gpus: z.array(gpuTypeSchema) });
export const noContentSchema = z.undefined();

export const podSchema = z.object({
  id: z.string().min(1),
  name: z.string(),
  status: z.string(),
  cost: money.default(0),
  gpu: z.object({ id: z.string(), count: z.int().optional() }).nullish(),
  dataCenterId: z.string().nullish(),
  runtime: z.looseObject({}).nullish(),
  createdAt: z.iso.datetime({ offset: true }).nullish(),
});

export const podListSchema = z.object({
  pods: z.array(podSchema),
  pagination: z
    .object({ nextCursor: z.string().nullish(), hasNextPage: z.boolean().optional() })
    .nullish(),
});

/** One record per hour in which the pod cost something. */
export const podBillingSchema = z.object({
  records: z.array(z.object({ podId: z.string(), totalAmount: z.number() })),
});

/** One frame of `/v2/pods/{id}/logs`. */
export const logEventSchema = z.object({
  ts: z.iso.datetime({ offset: true }),
  source: z.enum(['container', 'system']),
  line: z.string(),
});

export function toCatalogueEntry(
  gpu: z.infer<typeof gpuTypeSchema>,
  offer: Offer = DEFAULT_OFFER,
): CatalogueEntry {
  const usdPerGpu = { SECURE: gpu.price.secure, COMMUNITY: gpu.price.community };
  const flags = { SECURE: gpu.secure, COMMUNITY: gpu.community };
  const clouds = (['SECURE', 'COMMUNITY'] as const).filter((cloud) =>
    isListed(flags[cloud], usdPerGpu[cloud]),
  );
  return {
    id: gpu.id,
    name: gpu.name,
    manufacturer: toManufacturer(gpu.manufacturer),
    memoryGb: Math.round(gpu.memory),
    clouds,
    maxGpuCount: {
      SECURE: ceilingOf(clouds, 'SECURE', gpu.maxCount?.secure),
      COMMUNITY: ceilingOf(clouds, 'COMMUNITY', gpu.maxCount?.community),
    },
    cudaVersions: toCudaVersions(gpu.cudaVersions),
    dataCenters: toDataCenters(gpu.dataCenters),
    stock: toStock(gpu.availability),
    onDemandUsdPerHour: toPodPrice(usdPerGpu[offer.cloud], offer.gpuCount),
  };
}

/** The flag decides where there is one: a price beside a false flag can be an old one. */
function isListed(flag: boolean | undefined, usd: number | null | undefined): boolean {
  return flag ?? (usd ?? 0) > 0;
}

function ceilingOf(
  clouds: readonly CloudTier[],
  cloud: CloudTier,
  count: number | null | undefined,
): number | null {
  if (!clouds.includes(cloud) || count == null) return null;
  return count > 0 ? count : null;
}

/** List prices are per GPU; ours are per pod, rounded to a hundredth of a cent. */
function toPodPrice(usdPerGpu: number | null | undefined, gpuCount: number): number | null {
  if (usdPerGpu == null || usdPerGpu <= 0) return null;
  return roundUsd(usdPerGpu * gpuCount);
}

function toManufacturer(text: string | null | undefined): string | null {
  return text == null || text === '' || text === 'UNKNOWN' ? null : text;
}

function toStock(text: string | undefined): StockLevel {
  return text !== undefined && STOCK_LEVELS.has(text) ? (text as StockLevel) : 'UNKNOWN';
}

function toCudaVersions(
  versions: readonly { readonly version: string }[] | undefined,
): readonly string[] | null {
  if (versions === undefined || versions.length === 0) return null;
  return versions.map(({ version }) => version).sort(compareVersions);
}

function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function toDataCenters(
  centers: z.infer<typeof gpuTypeSchema>['dataCenters'],
): CatalogueEntry['dataCenters'] {
  if (centers === undefined || centers.length === 0) return null;
  return centers
    .map((center) => ({
      dataCenterId: center.id,
      name: center.name ?? null,
      stock: toStock(center.availability),
    }))
    .sort((a, b) => (a.dataCenterId < b.dataCenterId ? -1 : 1));
}

export function toPod(pod: z.infer<typeof podSchema>): Pod {
  const status = POD_STATUSES.has(pod.status) ? (pod.status as PodStatus) : 'UNKNOWN';
  return {
    id: pod.id,
    name: pod.name,
    status,
    // RUNNING is said at once; the container runs when there is a runtime to report.
    isReady: status === 'RUNNING' && pod.runtime != null,
    gpuTypeId: pod.gpu?.id ?? null,
    gpuCount: pod.gpu?.count ?? null,
    dataCenterId: pod.dataCenterId ?? null,
    usdPerHour: pod.cost,
    createdAt: pod.createdAt == null ? null : Date.parse(pod.createdAt),
  };
}
