import { AppError } from '../errors.ts';
import { MAX_GPU_COUNT } from '../domain/gpu.ts';
import type { CloudTier, Offer } from '../domain/gpu.ts';

export function isGpuCount(value: unknown): value is number {
  return typeof value === 'number' && isGpuCountInRange(value);
}

function isGpuCountInRange(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_GPU_COUNT;
}

/** @throws {AppError} BAD_USER_INPUT */
export function toOffer(args: { gpuCount: number; cloud: CloudTier }): Offer {
  const { gpuCount, cloud } = args;
  if (!isGpuCountInRange(gpuCount)) {
    throw new AppError(
      'BAD_USER_INPUT',
      `gpuCount is ${gpuCount}: it must be from 1 to ${MAX_GPU_COUNT}.`,
    );
  }
  return { gpuCount, cloud };
}
