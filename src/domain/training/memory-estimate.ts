/**
 * How much GPU memory a training needs, from the model's shape, the specification and what the
 * libraries keep. Bytes per GPU, the largest moment of a step:
 *
 * weights + adapter + layers' inputs + max(one layer, loss) + overhead. docs/estimates.md has the
 * formulas with their sources, and how far they are from published measurements.
 */
import type { Algorithm, ResolvedQuantization } from './algorithms.ts';
import { architectureOf, embeddingParameters, layerParameters } from './architectures.ts';
import type { Architecture } from './architectures.ts';
import type { Backend } from './backends.ts';
import type { TrainingSpec } from './training-spec.ts';

const GB = 1e9;
/** On the sum, for what the requester needs: data differ, and drivers and allocators do. */
const MARGIN = 1.2;

/** What decides the memory of a training besides the model. */
export interface Work {
  readonly algorithm: Algorithm;
  readonly rank: number | null;
  readonly quantization: ResolvedQuantization;
  /** Null: every linear layer. */
  readonly targetModules: readonly string[] | null;
  readonly batchSize: number;
  readonly maxSequenceLength: number;
}

/** What a set of libraries keeps in memory. */
export interface Libraries {
  /** NF4 with its scales: doubly quantized 0.516, simply 0.5625. */
  readonly bytesPerNf4Weight: number;
  /** Embeddings, output layer and norms of a quantized model: `prepare_model_for_kbit_training` makes them FP32. */
  readonly bytesPerUnquantizedWeight: number;
  /** Logits and what the loss keeps of them, per token and word; 0: computed piece by piece. */
  readonly bytesPerLogit: number;
  /** Whether layers' inputs wait in the machine's memory until the backward pass. */
  readonly offloadsInputs: boolean;
  /** Weight, gradient and Adam's two moments of an adapter's parameter, on a full and on a quantized base. */
  readonly bytesPerAdapterParameter: { readonly full: number; readonly quantized: number };
  /** Whether the adapters keep a copy of their own of each linear layer's input. */
  readonly copiesInputs: boolean;
}

/** TRL 1.16 with PEFT 0.21: the loss piece by piece; adapters in BF16 on a quantized base. */
const TRL: Libraries = {
  bytesPerNf4Weight: 0.516,
  bytesPerUnquantizedWeight: 4,
  bytesPerLogit: 0,
  offloadsInputs: false,
  bytesPerAdapterParameter: { full: 16, quantized: 8 },
  copiesInputs: true,
};

/** Unsloth with its own checkpointing and loss. */
const UNSLOTH: Libraries = {
  ...TRL,
  bytesPerUnquantizedWeight: 2,
  offloadsInputs: true,
  bytesPerAdapterParameter: { full: 16, quantized: 16 },
  copiesInputs: false,
};

export const LIBRARIES: Readonly<Record<Backend, Libraries>> = { TRL, UNSLOTH };

/** CUDA's context and the libraries' own. */
const CONTEXT_BYTES = 0.5 * GB;
/** Share of everything else that the allocator holds and cannot use. */
const FRAGMENTATION = 0.06;
/** Of a piecewise loss: a tile of logits, and the gradient of the last layer's output in FP32. */
const LOSS_TILE_BYTES = 0.2 * GB;

/** GB (10⁹ bytes) per GPU with the margin, to a tenth; null: the model's shape is unknown. */
export function requiredMemoryGb(spec: TrainingSpec, backend: Backend): number | null {
  const shape = architectureOf(spec.baseModel);
  if (shape === null) return null;
  const bytes = peakBytes(shape, spec, LIBRARIES[backend]);
  return Math.round((bytes * MARGIN * 10) / GB) / 10;
}

/** Without the margin. */
export function peakBytes(shape: Architecture, work: Work, libraries: Libraries): number {
  const tokens = work.batchSize * work.maxSequenceLength;
  const isQuantized = work.quantization !== 'NONE';
  // The stream between layers has the embeddings' precision.
  const streamBytes = isQuantized ? libraries.bytesPerUnquantizedWeight : 2;
  const adapter = adapterParameters(shape, work);
  const { full, quantized } = libraries.bytesPerAdapterParameter;
  const held =
    weightBytes(shape, work, libraries) +
    adapter * (isQuantized ? quantized : full) +
    (libraries.offloadsInputs ? 0 : tokens * shape.layers * shape.hidden * streamBytes) +
    Math.max(
      tokens * layerBytes(shape, work, libraries, streamBytes),
      lossBytes(shape, tokens, work, libraries),
    );
  return held * (1 + FRAGMENTATION) + CONTEXT_BYTES;
}

function weightBytes(shape: Architecture, { quantization }: Work, libraries: Libraries): number {
  const linear = shape.layers * layerParameters(shape);
  const rest = embeddingParameters(shape);
  if (quantization === 'NONE') return 2 * (linear + rest);
  const perWeight = quantization === 'INT8' ? 1 : libraries.bytesPerNf4Weight;
  return linear * perWeight + rest * libraries.bytesPerUnquantizedWeight;
}

function lossBytes(
  { vocabulary, hidden }: Architecture,
  tokens: number,
  { quantization }: Work,
  { bytesPerLogit }: Libraries,
): number {
  if (bytesPerLogit === 0) return LOSS_TILE_BYTES + tokens * hidden * 8;
  // FP32 output layer: the logits themselves are FP32 and not FP16.
  const more = quantization === 'NONE' ? 0 : 2;
  return tokens * vocabulary * (bytesPerLogit + more);
}

/**
 * What one layer keeps per token while it is recomputed: its norms' and residuals' (12 × hidden),
 * queries and their like, keys and values, the feed-forward block's three; and the adapters' copies.
 */
function layerBytes(
  shape: Architecture,
  work: Work,
  { copiesInputs }: Libraries,
  streamBytes: number,
): number {
  const { hidden, heads, kvHeads, headSize, intermediate, activeExperts } = shape;
  const inside = 3 * heads * headSize + 2 * kvHeads * headSize + 3 * intermediate * activeExperts;
  const copies = copiesInputs
    ? linearLayers(shape)
        .filter(({ name }) => isAdapted(name, work))
        .reduce((sum, { inputs }) => sum + inputs, 0)
    : 0;
  return 12 * hidden * Math.max(2, (streamBytes + 2) / 2) + 2 * (inside + copies);
}

interface LinearLayer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** How many of it a block has: one per expert. */
  readonly count: number;
}

function linearLayers(shape: Architecture): readonly LinearLayer[] {
  const { hidden, heads, kvHeads, headSize, intermediate, experts, feedForwardMatrices } = shape;
  const [query, key] = [heads * headSize, kvHeads * headSize];
  const layer = (name: string, inputs: number, outputs: number, count = 1) => ({
    name,
    inputs,
    outputs,
    count,
  });
  return [
    layer('q_proj', hidden, query),
    layer('k_proj', hidden, key),
    layer('v_proj', hidden, key),
    layer('o_proj', query, hidden),
    ...(feedForwardMatrices === 3 ? [layer('gate_proj', hidden, intermediate, experts)] : []),
    layer('up_proj', hidden, intermediate, experts),
    layer('down_proj', intermediate, hidden, experts),
  ];
}

function isAdapted(name: string, { targetModules }: Work): boolean {
  return (
    targetModules === null || targetModules.some((target) => target.split('.').at(-1) === name)
  );
}

/** Parameters of an adapter that are trained, as PEFT counts them. */
export function adapterParameters(shape: Architecture, work: Work): number {
  const adapted = linearLayers(shape).filter(({ name }) => isAdapted(name, work));
  // Names of another family's layers: taken as all of them.
  const layers = adapted.length > 0 ? adapted : linearLayers(shape);
  const perLayer = layers.reduce(
    (sum, layer) => sum + layer.count * PARAMETERS[work.algorithm](layer, work.rank ?? 1),
    0,
  );
  return shape.layers * perLayer;
}

type Count = (layer: LinearLayer, rank: number) => number;

const lowRank: Count = ({ inputs, outputs }, rank) => rank * (inputs + outputs);
/** Two factors near the square root of each side. */
const kronecker: Count = ({ inputs, outputs }, rank) =>
  rank * (Math.sqrt(inputs) + Math.sqrt(outputs)) + Math.sqrt(inputs * outputs);

const PARAMETERS: Readonly<Record<Algorithm, Count>> = {
  LORA: lowRank,
  QLORA: lowRank,
  RSLORA: lowRank,
  PISSA: lowRank,
  OLORA: lowRank,
  LOFTQ: lowRank,
  // And a magnitude per output.
  DORA: (layer, rank) => lowRank(layer, rank) + layer.outputs,
  // Begins with half as much rank again and gives it back.
  ADALORA: (layer, rank) => 1.5 * lowRank(layer, rank),
  // A vector per layer, whatever the rank.
  IA3: ({ outputs }) => outputs,
  VERA: ({ outputs }, rank) => outputs + rank,
  // A skew-symmetric matrix per block: `rank` blocks.
  OFT: ({ inputs }, rank) => (inputs * (inputs / rank - 1)) / 2,
  LOHA: (layer, rank) => 2 * lowRank(layer, rank),
  LOKR: kronecker,
};
