/**
 * How much GPU memory a training needs, from the size in the model's name and the specification.
 *
 * Per GPU, in bytes: weights + 16 × adapter parameters + activations + overhead, and a margin of
 * 20 %. Formulas and their sources: docs/estimates.md.
 */
import type { Algorithm } from './algorithms.ts';
import type { TrainingSpec } from './training-spec.ts';

const GB = 1e9;
const MARGIN = 1.2;
/** CUDA context, libraries, fragmentation. */
const OVERHEAD_BYTES = 1.5 * GB;
/** Adapter weight and gradient in FP32 (4 + 4), Adam's two moments (8). */
const BYTES_PER_ADAPTER_PARAMETER = 16;
const BYTES_PER_WEIGHT = { NONE: 2, INT8: 1.05, NF4: 0.55 } as const;
/** Embeddings are never quantized; vocabularies of today's families are about this large. */
const VOCABULARY = 128_000;
const BYTES_PER_EMBEDDING = 2;
/** Logits in FP32 and their gradient. */
const BYTES_PER_LOGIT = 8;
/** What one layer keeps per token and hidden unit while it is recomputed (FlashAttention). */
const LAYER_BYTES = 34;
const CHECKPOINT_BYTES = 2;
/** Hidden units per layer in decoders of every size, within a factor of two. */
const ASPECT = 128;
const PARAMETERS_PER_LAYER = 12;
/** Sum of inputs and outputs of a block's seven linear layers (GQA 4:1, SwiGLU 3.5), in hidden units. */
const LINEAR_WIDTH = 20;
const LINEAR_LAYERS = 7;

interface Shape {
  readonly hidden: number;
  readonly layers: number;
}

/** Parameters of a model, from its name (`…-8B`, `…-350m`, `…-8x7B`); null: the name has no size. */
export function parametersOf(baseModel: string): number | null {
  const name = baseModel.split('/').at(-1) ?? baseModel;
  const experts = /(?:^|[-_.])(\d+)x(\d+(?:\.\d+)?)b(?![a-z0-9])/i.exec(name);
  if (experts !== null) {
    // Experts share attention and embeddings: Mixtral 8x7B has 46.7 billion, 8x22B 141.
    return Number(experts[1]) * Number(experts[2]) * 0.82e9;
  }
  const size = /(?:^|[-_.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])/i.exec(name);
  if (size === null) return null;
  return Number(size[1]) * (size[2]?.toLowerCase() === 'b' ? 1e9 : 1e6);
}

/** GB (10⁹ bytes) per GPU with the margin, to a tenth; null: the model's size is unknown. */
export function requiredMemoryGb(spec: TrainingSpec): number | null {
  const parameters = parametersOf(spec.baseModel);
  if (parameters === null) return null;
  const shape = shapeOf(parameters);
  const bytes =
    weightBytes(parameters, shape, spec) +
    adapterParameters(shape, spec) * BYTES_PER_ADAPTER_PARAMETER +
    activationBytes(shape, spec) +
    OVERHEAD_BYTES;
  return Math.round((bytes * MARGIN * 10) / GB) / 10;
}

function shapeOf(parameters: number): Shape {
  const hidden = Math.cbrt((parameters * ASPECT) / PARAMETERS_PER_LAYER);
  return { hidden, layers: hidden / ASPECT };
}

function weightBytes(
  parameters: number,
  { hidden }: Shape,
  { quantization }: TrainingSpec,
): number {
  if (quantization === 'NONE') return parameters * BYTES_PER_WEIGHT.NONE;
  const embeddings = Math.min(parameters / 2, 2 * VOCABULARY * hidden);
  return (
    embeddings * BYTES_PER_EMBEDDING + (parameters - embeddings) * BYTES_PER_WEIGHT[quantization]
  );
}

/** Parameters per unit of rank and linear width, compared with LoRA. */
const ADAPTER_FACTOR: Readonly<Record<Algorithm, number>> = {
  LORA: 1,
  QLORA: 1,
  DORA: 1,
  RSLORA: 1,
  PISSA: 1,
  OLORA: 1,
  LOFTQ: 1,
  // Starts with half as much rank again and gives it back.
  ADALORA: 1.5,
  // One vector per adapted layer, whatever the rank.
  IA3: 0,
  VERA: 0,
  OFT: 1,
  LOHA: 2,
  LOKR: 1,
};

function adapterParameters({ hidden, layers }: Shape, spec: TrainingSpec): number {
  const adapted = spec.targetModules === null ? 1 : spec.targetModules.length / LINEAR_LAYERS;
  const width = Math.min(1, adapted) * layers * hidden * LINEAR_WIDTH;
  const factor = ADAPTER_FACTOR[spec.algorithm];
  return factor === 0 ? width : width * factor * (spec.rank ?? 1);
}

/** With gradient checkpointing: every layer's input, one layer in full, the logits. */
function activationBytes({ hidden, layers }: Shape, spec: TrainingSpec): number {
  const tokens = spec.batchSize * spec.maxSequenceLength;
  return (
    tokens * (hidden * (layers * CHECKPOINT_BYTES + LAYER_BYTES) + VOCABULARY * BYTES_PER_LOGIT)
  );
}
