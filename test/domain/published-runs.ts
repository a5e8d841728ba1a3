/**
 * What others measured of memory, and how: the rows that estimates are compared with, as their sources
 * print them. docs/estimates.md names what is not compared, and why. `libraries` says what the publisher’s
 * software keeps in memory, the same for all of a source's rows. Time is in `published-times.ts`.
 */
import { LIBRARIES } from '../../src/domain/training/memory-estimate.ts';
import type { Libraries } from '../../src/domain/training/memory-estimate.ts';
import type { ResolvedQuantization } from '../../src/domain/training/algorithms.ts';

export interface Source {
  readonly name: string;
  readonly url: string;
  /** What was run. */
  readonly note: string;
}

export interface Run {
  readonly source: Source;
  readonly model: string;
  readonly quantization: ResolvedQuantization;
  readonly batchSize: number;
  readonly length: number;
}

export interface MemoryRun extends Run {
  readonly libraries: Libraries;
  readonly rank: number;
  readonly targetModules: readonly string[] | null;
  readonly measuredGb: number;
}

const GIB = 1.073741824;
const MIB = GIB / 1_024;
const ATTENTION = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];

/** transformers' own loss: logits in 16 bits, in FP32, their softmax and the gradient. */
const TRANSFORMERS: Libraries = {
  ...LIBRARIES.TRL,
  bytesPerLogit: 14,
  bytesPerAdapterParameter: { full: 16, quantized: 16 },
};

export const T4: Source = {
  name: 'FitCheck',
  url: 'https://github.com/Anassbzdd/fitcheck/tree/main/data/measurements',
  note: 'transformers 5, PEFT, gradient checkpointing, SDPA; what the process held on a Tesla T4; adapters on q, k, v, o; NF4 without double quantization',
};
const UNSLOTH_README: Source = {
  name: 'Unsloth',
  url: 'https://github.com/unslothai/unsloth#context-length-benchmarks',
  note: 'longest context that a card of this size trains: QLoRA, rank 32, every linear layer',
};
const UNSLOTH_HF: Source = { ...UNSLOTH_README, name: 'Unsloth (HF + FA2)' };
export const LLAMA_FACTORY: Source = {
  name: 'LLaMA-Factory',
  url: 'https://github.com/hiyouga/LLaMA-Factory/wiki/Performance-comparison',
  note: 'FlashAttention 2, rank 8, every linear layer, A100 40GB; whole GB',
};
export const LLAMA_FACTORY_UNSLOTH: Source = {
  ...LLAMA_FACTORY,
  name: 'LLaMA-Factory (Unsloth)',
  note: 'the Unsloth of April 2024, before its piecewise loss; whole GB',
};
export const LLM_TRAINER: Source = {
  name: 'universal-llm-trainer',
  url: 'https://github.com/ljm565/universal-llm-trainer',
  note: 'docs: GPU Test. Hugging Face checkpointing, 2 × 8192 tokens without padding, logits dropped after the forward pass; whole GiB',
};
const LONG_LORA: Source = {
  name: 'LongLoRA',
  url: 'https://arxiv.org/abs/2309.12307',
  note: 'plain LoRA, FlashAttention 2, one GPU of eight, as quoted by huggingface.co/datasets/odyn-network/benchmark-finetune-lora-v1',
};

const t4 = (
  model: string,
  quantization: ResolvedQuantization,
  rank: number,
  batchSize: number,
  length: number,
  mebibytes: number,
): MemoryRun => ({
  source: T4,
  libraries: { ...TRANSFORMERS, bytesPerNf4Weight: 0.5625 },
  model,
  quantization,
  rank,
  batchSize,
  length,
  targetModules: ATTENTION,
  measuredGb: mebibytes * MIB,
});

const longest = (
  source: Source,
  libraries: Libraries,
  model: string,
  rows: readonly (readonly [gb: number, length: number])[],
): readonly MemoryRun[] =>
  rows.map(([measuredGb, length]) => ({
    source,
    libraries,
    model,
    quantization: 'NF4',
    rank: 32,
    batchSize: 1,
    length,
    targetModules: null,
    measuredGb,
  }));

const factory = (
  source: Source,
  libraries: Libraries,
  quantization: ResolvedQuantization,
  rows: readonly (readonly [batchSize: number, length: number, gb: number])[],
): readonly MemoryRun[] =>
  rows.map(([batchSize, length, measuredGb]) => ({
    source,
    libraries,
    model: 'meta-llama/Llama-2-7b-hf',
    quantization,
    rank: 8,
    batchSize,
    length,
    targetModules: null,
    measuredGb,
  }));

const trainer = (model: string, loraGib: number, qloraGib: number): readonly MemoryRun[] =>
  (
    [
      ['NONE', loraGib],
      ['NF4', qloraGib],
    ] as const
  ).map(([quantization, gib]) => ({
    source: LLM_TRAINER,
    libraries: { ...TRANSFORMERS, bytesPerLogit: 8 },
    model,
    quantization,
    rank: 16,
    batchSize: 2,
    length: 8_192,
    targetModules: null,
    measuredGb: gib * GIB,
  }));

export const MEMORY_RUNS: readonly MemoryRun[] = [
  t4('TinyLlama/TinyLlama-1.1B-Chat-v1.0', 'NF4', 32, 2, 512, 2_267),
  t4('TinyLlama/TinyLlama-1.1B-Chat-v1.0', 'NF4', 32, 2, 1_024, 3_033),
  t4('TinyLlama/TinyLlama-1.1B-Chat-v1.0', 'NF4', 32, 2, 2_048, 4_781),
  t4('HuggingFaceTB/SmolLM2-1.7B', 'NF4', 32, 4, 1_024, 6_049),
  t4('Qwen/Qwen2.5-1.5B-Instruct', 'NF4', 32, 2, 1_024, 7_541),
  t4('Qwen/Qwen2.5-1.5B-Instruct', 'NONE', 32, 2, 1_024, 7_907),
  t4('deepseek-ai/deepseek-coder-1.3b-instruct', 'NF4', 16, 1, 1_024, 2_313),
  t4('meta-llama/Llama-3.2-1B-Instruct', 'NF4', 16, 1, 1_024, 4_167),
  t4('Qwen/Qwen2.5-Coder-1.5B-Instruct', 'NF4', 16, 1, 1_024, 5_353),
  t4('meta-llama/Llama-3.2-3B-Instruct', 'NF4', 16, 1, 1_024, 6_409),
  t4('mistralai/Mistral-7B-Instruct-v0.3', 'NF4', 16, 1, 1_024, 6_541),
  t4('Qwen/Qwen2.5-7B-Instruct', 'NF4', 16, 1, 1_024, 12_021),
  ...longest(UNSLOTH_README, LIBRARIES.UNSLOTH, 'meta-llama/Llama-3.1-8B-Instruct', [
    [8, 2_972],
    [12, 21_848],
    [16, 40_724],
    [24, 78_475],
    [40, 153_977],
    [48, 191_728],
    [80, 342_733],
  ]),
  ...longest(UNSLOTH_README, LIBRARIES.UNSLOTH, 'meta-llama/Llama-3.3-70B-Instruct', [
    [48, 12_106],
    [80, 89_389],
  ]),
  ...longest(UNSLOTH_HF, TRANSFORMERS, 'meta-llama/Llama-3.1-8B-Instruct', [
    [12, 932],
    [16, 2_551],
    [24, 5_789],
    [40, 12_264],
    [48, 15_502],
    [80, 28_454],
  ]),
  ...longest(UNSLOTH_HF, TRANSFORMERS, 'meta-llama/Llama-3.3-70B-Instruct', [[80, 6_916]]),
  ...factory(LLAMA_FACTORY, TRANSFORMERS, 'NONE', [[4, 1_024, 17]]),
  ...factory(LLAMA_FACTORY, TRANSFORMERS, 'NF4', [
    [1, 1_024, 6],
    [1, 2_048, 7],
    [1, 4_096, 9],
    [1, 8_192, 12],
    [1, 16_384, 19],
    [1, 32_768, 32],
  ]),
  ...factory(LLAMA_FACTORY_UNSLOTH, LIBRARIES.UNSLOTH, 'NONE', [[4, 1_024, 16]]),
  ...factory(LLAMA_FACTORY_UNSLOTH, LIBRARIES.UNSLOTH, 'NF4', [
    [4, 1_024, 7],
    [1, 1_024, 5],
    [1, 2_048, 6],
    [1, 4_096, 7],
    [1, 8_192, 8],
    [1, 16_384, 10],
    [1, 32_768, 16],
    [1, 65_536, 25],
    [1, 100_000, 37],
  ]),
  ...trainer('meta-llama/Llama-3.1-8B', 36, 48),
  ...trainer('meta-llama/Llama-2-13b-hf', 43, 38),
  ...trainer('google/gemma-2-9b', 60, 89),
  ...trainer('google/gemma-7b', 51, 70),
  ...trainer('microsoft/Phi-3-mini-4k-instruct', 17, 21),
  {
    source: LONG_LORA,
    libraries: TRANSFORMERS,
    model: 'meta-llama/Llama-2-7b-hf',
    quantization: 'NONE',
    rank: 8,
    batchSize: 1,
    length: 8_192,
    targetModules: ATTENTION,
    measuredGb: 25.7,
  },
];
