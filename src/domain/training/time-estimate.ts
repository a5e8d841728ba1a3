/**
 * How long training takes for a known number of updates. Seconds of one forward and backward pass:
 *
 * matrix products + attention + everything between them, which waits for memory;
 * and no less than the host needs to start the kernels. docs/estimates.md has the basis of every
 * constant, and how far published runs are from it.
 */
import type { ResolvedQuantization } from './algorithms.ts';
import { architectureOf, layerParameters } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import type { Backend } from './backends.ts';
import { speedOf } from './gpu-speed.ts';
import type { GpuSpeed } from './gpu-speed.ts';
import type { TrainingSpec } from './training-spec.ts';

/** What a set of libraries does that decides its speed. */
export interface Software {
  /**
   * What a quantized base computes in beside its quantized products. MIXED: norms and the stream
   * between layers in FP32, the rest in 16 bits. FULL: everything in FP32, for want of autocast.
   */
  readonly besideQuantized: 'HALF' | 'MIXED' | 'FULL';
  /** Share of the traffic between matrix products that fused kernels leave. */
  readonly trafficShare: number;
  /** Whether attention is given a mask: the memory-efficient kernel then computes the whole square. */
  readonly masksAttention: boolean;
}

/** `prepare_model_for_kbit_training` makes embeddings and norms of a quantized base FP32. */
const TRL: Software = { besideQuantized: 'MIXED', trafficShare: 1, masksAttention: false };
/** Keeps them in 16 bits; its kernels do norms, rotations, activations and adapters in one go each. */
const UNSLOTH: Software = { ...TRL, besideQuantized: 'HALF', trafficShare: 0.55 };

export const SOFTWARE: Readonly<Record<Backend, Software>> = { TRL, UNSLOTH };

/** Share of the data sheet's throughput that matrix products reach; A100 and H100 reach 80 to 87 % at best. */
const PRODUCT_SHARE = 0.8;
/** The same of FlashAttention 2: 73 % forward, 63 % backward on an A100, by its paper. */
const FLASH_SHARE = 0.7;
/**
 * Per parameter of a layer and token: forward 2, gradients of inputs 2, and 2 again for recomputing.
 * Frozen weights need no gradients of their own; the output layer is not recomputed.
 */
const FLOP_PER_LAYER_PARAMETER = 6;
const FLOP_PER_OUTPUT_PARAMETER = 4;
/** Attention's passes as multiples of its forward one: 1, 1 again, and 2.5 backward. */
const ATTENTION_PASSES = 4.5;
/**
 * What PyTorch's memory-efficient attention costs, as bytes of memory traffic per score and unit of its
 * head in 16 bits, all passes.
 */
const BYTES_PER_SCORE_UNIT = 0.9;
/** How often the numbers between matrix products are read or written per token, layer and unit of width. */
const TOUCHES = 380;
/** What is inside a layer is touched a quarter as often as the stream through it. */
const INSIDE = 0.25;
/** A quantized weight is read and written in 16 bits in each of three passes. */
const DEQUANTIZATION_BYTES = 7.5;
/** What a host needs to start the kernels of one layer, both ways. */
const LAUNCH_SECONDS = 0.006;
/** FP32 against FP16 tensor throughput of a T4, the only GPU that published runs used it on. */
const FULL_PRECISION_SLOWDOWN = 8;

const ELEMENT_BYTES = { HALF: 2, MIXED: 3, FULL: 4 } as const;

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
  const seconds = secondsPerPass(shape, spec, gpuId, SOFTWARE[backend]);
  if (seconds === null) return null;
  // Several GPUs share the accumulation of an update, not its batches.
  const passes = Math.ceil(spec.gradientAccumulationSteps / gpuCount);
  return Math.ceil(spec.maxSteps * passes * seconds);
}

/** Of one batch on one GPU; null: the GPU's speed is unknown. */
export function secondsPerPass(
  shape: Architecture,
  pass: Pass,
  gpuId: string,
  software: Software,
): number | null {
  const gpu = speedOf(gpuId);
  if (gpu === null) return null;
  const beside = pass.quantization === 'NONE' ? 'HALF' : software.besideQuantized;
  const seconds =
    productSeconds(shape, pass, gpu, beside) +
    attentionSeconds(shape, pass, gpu, software, beside) +
    trafficSeconds(shape, pass, gpu, software, beside);
  return Math.max(seconds, shape.layers * LAUNCH_SECONDS);
}

type Precision = Software['besideQuantized'];

function tokensOf({ batchSize, maxSequenceLength }: Pass): number {
  return batchSize * maxSequenceLength;
}

function productSeconds(shape: Architecture, pass: Pass, gpu: GpuSpeed, beside: Precision): number {
  const layers = shape.layers * layerParameters(shape, shape.activeExperts);
  const output = shape.vocabulary * shape.hidden;
  const slowdown = beside === 'FULL' ? FULL_PRECISION_SLOWDOWN : 1;
  const flop = FLOP_PER_LAYER_PARAMETER * layers + FLOP_PER_OUTPUT_PARAMETER * output * slowdown;
  return (tokensOf(pass) * flop) / (gpu.flopPerSecond * PRODUCT_SHARE);
}

function attentionSeconds(
  { layers, heads, headSize }: Architecture,
  pass: Pass,
  gpu: GpuSpeed,
  { masksAttention }: Software,
  beside: Precision,
): number {
  // Scores of one head times its units; without a mask of its own, only the past's half is computed.
  const square = layers * heads * headSize * tokensOf(pass) * pass.maxSequenceLength;
  if (gpu.hasFlashAttention && !masksAttention) {
    // Two products of two FLOP each, over half the square.
    return (ATTENTION_PASSES * 2 * square) / (gpu.flopPerSecond * FLASH_SHARE);
  }
  const computed = masksAttention ? square : square / 2;
  const bytes = BYTES_PER_SCORE_UNIT * (beside === 'FULL' ? 2 : 1);
  return (computed * bytes) / gpu.bytesPerSecond;
}

/** Norms, residuals, rotations, activations, adapters and casts; and turning weights into 16 bits. */
function trafficSeconds(
  shape: Architecture,
  pass: Pass,
  gpu: GpuSpeed,
  { trafficShare }: Software,
  beside: Precision,
): number {
  const { layers, hidden, heads, kvHeads, headSize, intermediate, activeExperts } = shape;
  const inside = intermediate * activeExperts + (heads + kvHeads) * headSize;
  const perLayer = TOUCHES * ELEMENT_BYTES[beside] * (hidden + INSIDE * inside);
  const weights = layers * layerParameters(shape);
  const bytes =
    tokensOf(pass) * layers * perLayer * trafficShare +
    (pass.quantization === 'NONE' ? 0 : weights * DEQUANTIZATION_BYTES);
  return bytes / gpu.bytesPerSecond;
}
