/** GPU samples of a pod as points of its job's metrics. */
import type { NewMetricPoint } from './log-line.ts';

export interface GpuFigures {
  readonly index: number;
  /** Null: not told, here and below. */
  readonly utilizationPercent: number | null;
  readonly memoryUsedMb: number | null;
  readonly memoryTotalMb: number | null;
  readonly temperatureC: number | null;
}

export interface GpuSample {
  /** Epoch ms by the pod's clock. */
  readonly at: number;
  readonly gpus: readonly GpuFigures[];
}

/** `gpu0.utilization` (%), `gpu0.memoryUsedMb`, `gpu0.memoryTotalMb`, `gpu0.temperatureC`, … */
export function gpuPointsOf({ at, gpus }: GpuSample): readonly NewMetricPoint[] {
  return gpus.flatMap((gpu) =>
    Object.entries({
      utilization: gpu.utilizationPercent,
      memoryUsedMb: gpu.memoryUsedMb,
      memoryTotalMb: gpu.memoryTotalMb,
      temperatureC: gpu.temperatureC,
    }).flatMap(([name, value]) =>
      value === null
        ? []
        : [{ at, step: null, epoch: null, name: `gpu${gpu.index}.${name}`, value }],
    ),
  );
}

/** Those behind the last one that is stored, in their order. */
export function newSamples(
  samples: readonly GpuSample[],
  storedAt: number | null,
): readonly GpuSample[] {
  let last = storedAt ?? -1;
  return samples.filter(({ at }) => {
    if (at <= last) return false;
    last = at;
    return true;
  });
}
