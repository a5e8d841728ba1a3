/** How long training takes at most, for a known number of updates. docs/estimates.md has the basis. */
import { parametersOf } from './memory-estimate.ts';
import type { TrainingSpec } from './training-spec.ts';

/**
 * Dense BF16 tensor throughput in TFLOP/s (FP16 before Ampere), from the vendors' data sheets. The
 * first name that the GPU's id contains counts. A GPU that is not here has no estimate.
 */
const TFLOPS: readonly (readonly [name: string, tflops: number])[] = [
  ['B300', 2_250],
  ['B200', 2_250],
  ['H200', 989],
  ['H100 80GB HBM3', 989],
  ['H100 NVL', 835],
  ['H100 PCIe', 756],
  ['MI300X', 1_307],
  ['A100', 312],
  ['L40S', 362],
  ['NVIDIA L4', 121],
  ['A40', 150],
  ['RTX A6000', 155],
  ['A30', 165],
  ['RTX 5090', 210],
  ['RTX 4090', 165],
  ['RTX 3090', 71],
  ['V100', 125],
];

/** Share of the data sheet's throughput that fine-tuning reaches. */
const UTILISATION = 0.3;
/**
 * Per parameter and token: forward 2, gradients of inputs 2, and 2 again for recomputing layers.
 * Frozen weights need no gradients of their own.
 */
const FLOP_PER_PARAMETER_AND_TOKEN = 6;
/** Weights are turned back into 16 bits wherever they are used. */
const DEQUANTIZATION = 1.3;

/**
 * Whole seconds of training, every sequence taken at its longest. Null: the model's size, the
 * GPU's speed or the number of updates is unknown.
 */
export function trainingSeconds(spec: TrainingSpec, gpuId: string): number | null {
  const parameters = parametersOf(spec.baseModel);
  const tflops = TFLOPS.find(([name]) => gpuId.includes(name))?.[1];
  if (parameters === null || tflops === undefined || spec.maxSteps === null) return null;
  const tokensPerGpu =
    spec.maxSteps * spec.batchSize * spec.gradientAccumulationSteps * spec.maxSequenceLength;
  const flop = FLOP_PER_PARAMETER_AND_TOKEN * parameters * tokensPerGpu;
  const slowdown = spec.quantization === 'NONE' ? 1 : DEQUANTIZATION;
  return Math.ceil((flop * slowdown) / (tflops * 1e12 * UTILISATION));
}
