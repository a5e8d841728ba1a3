/**
 * How long training takes for a known number of updates: arithmetic at a share of the data sheet's
 * speed, and the memory traffic of everything that is no matrix product, which today's GPUs mostly
 * wait for. docs/estimates.md has the basis and how far published runs are from it.
 */
import { architectureOf, layerParameters } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import type { ResolvedQuantization } from './algorithms.ts';
import type { Backend } from './backends.ts';
import type { TrainingSpec } from './training-spec.ts';

/**
 * Dense BF16 tensor throughput with FP32 sums in TFLOP/s (FP16 before Ampere) and memory bandwidth in
 * TB/s, from the vendors' data sheets. The first name that the GPU's id contains counts. A GPU that is
 * not here has no estimate.
 */
const GPUS: readonly (readonly [name: string, tflops: number, terabytesPerSecond: number])[] = [
  ['B300', 2_250, 8],
  ['B200', 2_250, 8],
  ['H200 NVL', 836, 4.8],
  ['H200', 989, 4.8],
  ['H100 80GB HBM3', 989, 3.35],
  ['H100 NVL', 835, 3.9],
  ['H100 PCIe', 756, 2],
  ['MI300X', 1_307, 5.3],
  ['A100-SXM4-40GB', 312, 1.555],
  ['A100', 312, 1.99],
  ['L40S', 362, 0.864],
  ['NVIDIA L40', 181, 0.864],
  ['NVIDIA L4', 121, 0.3],
  ['NVIDIA A40', 150, 0.696],
  ['A30', 165, 0.933],
  ['RTX A6000', 155, 0.768],
  ['RTX A5000', 111, 0.768],
  ['RTX A4500', 95, 0.64],
  ['RTX A4000', 77, 0.448],
  ['RTX A2000', 32, 0.288],
  ['RTX 6000 Ada', 364, 0.96],
  ['RTX 5000 Ada', 261, 0.576],
  ['RTX 4000 SFF Ada', 77, 0.28],
  ['RTX 4000 Ada', 107, 0.36],
  ['RTX 2000 Ada', 48, 0.224],
  ['RTX 5090', 210, 1.792],
  ['RTX 5080', 113, 0.96],
  ['RTX 4090', 165, 1.008],
  ['RTX 4080 SUPER', 104, 0.736],
  ['RTX 4080', 97, 0.717],
  ['RTX 4070 Ti', 80, 0.504],
  ['RTX 3090 Ti', 80, 1.008],
  ['RTX 3090', 71, 0.936],
  ['RTX 3080 Ti', 68, 0.912],
  ['RTX 3080', 60, 0.76],
  ['RTX 3070', 41, 0.448],
  ['PRO 6000 Blackwell Server Edition MIG 1g', 120, 0.448],
  ['PRO 6000 Blackwell Server Edition MIG 2g', 240, 0.896],
  ['PRO 6000', 504, 1.792],
  ['V100', 125, 0.9],
  ['Tesla T4', 65, 0.32],
];

/** Share of the data sheet's throughput that matrix products reach. */
const UTILISATION = 0.5;
/**
 * Per parameter and token: forward 2, gradients of inputs 2, and 2 again for recomputing layers.
 * Frozen weights need no gradients of their own.
 */
const FLOP_PER_PARAMETER_AND_TOKEN = 6;
/** The same for attention, as multiples of its forward pass: 1, 1 again, and 2.5 backward. */
const ATTENTION_PASSES = 4.5;
/** Norms, activations, adapters, casts: bytes moved per token, layer and unit of its width. */
const BYTES_PER_UNIT = 3_400;
/** A quantized weight is read and written in 16 bits in each of three passes. */
const DEQUANTIZATION_BYTES = 7.5;
/** How much faster Unsloth is than transformers. */
const SPEEDUP: Readonly<Record<Backend, number>> = { TRL: 1, UNSLOTH: 1.15 };

/** What decides the time of one forward and backward pass besides model and GPU. */
export interface Pass {
  readonly batchSize: number;
  readonly maxSequenceLength: number;
  readonly quantization: ResolvedQuantization;
}

/**
 * Whole seconds of training, every sequence taken at its longest. Null: the model's shape, the
 * GPU's speed or the number of updates is unknown.
 */
export function trainingSeconds(
  spec: TrainingSpec,
  gpuId: string,
  gpuCount: number,
  backend: Backend,
): number | null {
  const shape = architectureOf(spec.baseModel);
  if (shape === null || spec.maxSteps === null) return null;
  const seconds = secondsPerPass(shape, spec, gpuId, backend);
  if (seconds === null) return null;
  // Several GPUs share the accumulation of an update, not its batches.
  const passes = Math.ceil(spec.gradientAccumulationSteps / gpuCount);
  return Math.ceil(spec.maxSteps * passes * seconds);
}

/** Of one batch on one GPU; null: the GPU's speed is unknown. */
export function secondsPerPass(
  shape: Architecture,
  { batchSize, maxSequenceLength, quantization }: Pass,
  gpuId: string,
  backend: Backend,
): number | null {
  const gpu = GPUS.find(([name]) => gpuId.includes(name));
  if (gpu === undefined) return null;
  const [, tflops, terabytesPerSecond] = gpu;
  const tokens = batchSize * maxSequenceLength;
  const { layers, hidden, heads, headSize, intermediate, vocabulary, activeExperts } = shape;
  const active = layers * layerParameters(shape, activeExperts) + vocabulary * hidden;
  const attention = ATTENTION_PASSES * layers * 2 * maxSequenceLength * heads * headSize;
  const flop = tokens * (FLOP_PER_PARAMETER_AND_TOKEN * active + attention);
  const width = hidden + 0.25 * intermediate * activeExperts;
  const bytes =
    tokens * layers * width * BYTES_PER_UNIT +
    (quantization === 'NONE' ? 0 : layers * layerParameters(shape) * DEQUANTIZATION_BYTES);
  const seconds = flop / (tflops * 1e12 * UTILISATION) + bytes / (terabytesPerSecond * 1e12);
  return seconds / SPEEDUP[backend];
}
