/** What would happen to a training request, from what is known of prices now. Pure. */
import type { CatalogueEntry, CloudTier, Offer, StockLevel } from '../gpu.ts';
import type { PricedGpu, PriceTable } from '../price.ts';
import { BACKENDS, chooseBackend, unsupportedByBackend } from './backends.ts';
import type { Backend } from './backends.ts';
import { requiredMemoryGb } from './memory-estimate.ts';
import type { JobLimits, Placement } from './placement.ts';
import { trainingSeconds } from './time-estimate.ts';
import type { TrainingSpec } from './training-spec.ts';
import type { TrainingUserError } from './user-error.ts';

export interface TrainingOption {
  readonly gpuResource: CatalogueEntry;
  readonly gpuCount: number;
  readonly cloud: CloudTier;
  readonly fits: boolean;
  readonly usdPerHour: number | null;
  readonly estimatedSeconds: number | null;
  readonly estimatedUsd: number | null;
  readonly stock: StockLevel;
}

export interface TrainingPlan {
  readonly userErrors: readonly TrainingUserError[];
  readonly warnings: readonly string[];
  readonly backend: Backend | null;
  readonly backendReason: string | null;
  readonly requiredMemoryGb: number | null;
  readonly options: readonly TrainingOption[];
  readonly script: string | null;
}

export interface TrainingRequest {
  readonly spec: TrainingSpec;
  readonly placement: Placement;
  readonly limits: JobLimits;
}

export function offerOfPlacement({ gpuCount, cloud }: Placement): Offer {
  return { gpuCount, cloud };
}

export function refusedPlan(userErrors: readonly TrainingUserError[]): TrainingPlan {
  return {
    userErrors,
    warnings: [],
    backend: null,
    backendReason: null,
    requiredMemoryGb: null,
    options: [],
    script: null,
  };
}

/** `table` is that of {@link offerOfPlacement}. */
export function planTraining(request: TrainingRequest, table: PriceTable): TrainingPlan {
  const unsupported = unsupportedByBackend(request);
  const unknown = unknownGpus(request.placement, table);
  const errors = [...(unsupported === null ? [] : [unsupported]), ...unknown];
  if (errors.length > 0) return refusedPlan(errors);
  const { backend, reason } = chooseBackend(request);
  const needGb = requiredMemoryGb(request.spec, backend);
  const candidates = [...table.gpus.values()]
    .filter((gpu) => isWanted(gpu, request.placement))
    .map((gpu) => toOption(gpu, request, backend, needGb));
  const named = request.placement.gpuResourceIds !== null;
  const options = candidates.filter(({ fits }) => fits || named || needGb === null).sort(byPrice);
  return {
    userErrors: [],
    warnings: warningsOf(request, needGb, options, table),
    backend,
    backendReason: reason,
    requiredMemoryGb: needGb,
    options,
    script: null,
  };
}

function unknownGpus(placement: Placement, table: PriceTable): readonly TrainingUserError[] {
  return (placement.gpuResourceIds ?? []).flatMap((id, index) =>
    table.gpus.has(id)
      ? []
      : [
          {
            code: 'UNKNOWN' as const,
            message: `The platform lists no GPU "${id}": take an id from gpuResources.`,
            path: ['placement', 'gpuResourceIds', String(index)],
          },
        ],
  );
}

/** Offered so, in a wanted data centre, at an accepted price. */
function isWanted(gpu: PricedGpu, placement: Placement): boolean {
  if (gpu.price === null) return false;
  const usd = usdPerHour(gpu, placement);
  if (usd === null || usd > (placement.maxUsdPerHour ?? Infinity)) return false;
  const { gpuResourceIds, dataCenterIds } = placement;
  if (gpuResourceIds !== null && !gpuResourceIds.includes(gpu.entry.id)) return false;
  if (dataCenterIds === null) return true;
  return (gpu.entry.dataCenters ?? []).some((center) =>
    dataCenterIds.includes(center.dataCenterId),
  );
}

function usdPerHour({ price }: PricedGpu, { spot }: Placement): number | null {
  return (spot ? price?.spotUsdPerHour : price?.onDemandUsdPerHour) ?? null;
}

function toOption(
  gpu: PricedGpu,
  request: TrainingRequest,
  backend: Backend,
  needGb: number | null,
): TrainingOption {
  const { placement, spec } = request;
  const usd = usdPerHour(gpu, placement);
  const seconds = trainingSeconds(spec, gpu.entry.id, placement.gpuCount, backend);
  return {
    gpuResource: gpu.entry,
    gpuCount: placement.gpuCount,
    cloud: placement.cloud,
    fits: needGb !== null && gpu.entry.memoryGb >= needGb && canRun(gpu.entry, backend),
    usdPerHour: usd,
    estimatedSeconds: seconds,
    estimatedUsd: usd === null || seconds === null ? null : roundCents((usd * seconds) / 3_600),
    stock: gpu.entry.stock,
  };
}

/** Whether there are machines whose driver runs the backend's image; unknown counts as yes. */
function canRun({ cudaVersions, manufacturer }: CatalogueEntry, backend: Backend): boolean {
  if (manufacturer !== null && manufacturer.toUpperCase() !== 'NVIDIA') return false;
  if (cudaVersions === null || cudaVersions.length === 0) return true;
  return cudaVersions.some((version) => isAtLeast(version, BACKENDS[backend].minCudaVersion));
}

/** `major.minor`, each a number: 12.11 is above 12.8. */
function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major === leastMajor ? minor >= leastMinor : major > leastMajor;
}

function byPrice(a: TrainingOption, b: TrainingOption): number {
  const price = (a.usdPerHour ?? Infinity) - (b.usdPerHour ?? Infinity);
  return price || (a.gpuResource.id < b.gpuResource.id ? -1 : 1);
}

function roundCents(usd: number): number {
  return Math.round(usd * 100) / 100;
}

function warningsOf(
  { spec, placement, limits }: TrainingRequest,
  needGb: number | null,
  options: readonly TrainingOption[],
  table: PriceTable,
): readonly string[] {
  const warnings: string[] = [];
  if (needGb === null) {
    warnings.push(
      `${spec.baseModel} is not known here and has no size in its name: memory and time are unknown, and no option is said to fit.`,
    );
  } else if (!options.some(({ fits }) => fits)) {
    warnings.push(
      `No GPU that may be used has ${needGb} GB: lower batchSize or maxSequenceLength, quantize (QLORA), or allow other GPUs.`,
    );
  }
  if (spec.maxSteps === null) {
    warnings.push(
      'Time and cost depend on the size of the dataset: give maxSteps for an estimate.',
    );
  } else {
    warnings.push(
      'Time is of training alone, every sequence at its longest; published runs took 0.7 to 1.5 times such estimates. Booting and downloading come on top.',
    );
  }
  if (options.some(({ estimatedUsd }) => (estimatedUsd ?? 0) > limits.maxCostUsd)) {
    warnings.push(
      `Some options cost more than the limit of $${limits.maxCostUsd} and would be ended.`,
    );
  }
  if (placement.spot && table.spot === null) {
    warnings.push('The source of spot prices does not answer: no spot pod can be offered now.');
  }
  if (placement.cloud === 'COMMUNITY') {
    warnings.push('The community cloud is other people’s machines: they can read what is on them.');
  }
  return warnings;
}
