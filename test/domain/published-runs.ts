/**
 * What others measured, and how: the rows that estimates are compared with, as their sources print them.
 * docs/estimates.md names what is not compared, and why. `libraries` says what the publisher’s software
 * keeps in memory, the same for all of a source's rows.
 */
import { LIBRARIES } from '../../src/domain/training/memory-estimate.ts';
import type { Libraries } from '../../src/domain/training/memory-estimate.ts';
import type { ResolvedQuantization } from '../../src/domain/training/algorithms.ts';
import type { Backend } from '../../src/domain/training/backends.ts';

export interface Source {
  readonly name: string;
  readonly url: string;
  /** What was run. */
  readonly note: string;
}

interface Run {
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

export interface TimeRun extends Run {
  readonly gpu: string;
  readonly backend: Backend;
  readonly tokensPerSecond: number;
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

const T4: Source = {
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
const LLAMA_FACTORY: Source = {
  name: 'LLaMA-Factory',
  url: 'https://github.com/hiyouga/LLaMA-Factory/wiki/Performance-comparison',
  note: 'FlashAttention 2, rank 8, every linear layer, A100 40GB; whole GB',
};
const LLAMA_FACTORY_UNSLOTH: Source = {
  ...LLAMA_FACTORY,
  name: 'LLaMA-Factory (Unsloth)',
  note: 'the Unsloth of April 2024, before its piecewise loss; whole GB',
};
const LLM_TRAINER: Source = {
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

const trainerTimes = (
  model: string,
  secondsOn: Readonly<Record<string, number>>,
): readonly TimeRun[] =>
  Object.entries(secondsOn).map(([gpu, seconds]) => ({
    source: LLM_TRAINER,
    model,
    quantization: 'NONE',
    batchSize: 2,
    length: 8_192,
    gpu,
    backend: 'TRL',
    tokensPerSecond: (2 * 8_192) / seconds,
  }));

const [A100, H100, PRO_6000] = [
  'NVIDIA A100 80GB PCIe',
  'NVIDIA H100 80GB HBM3',
  'NVIDIA RTX PRO 6000 Blackwell Workstation Edition',
];

const t4Time = (
  model: string,
  quantization: ResolvedQuantization,
  batchSize: number,
  seconds: number,
): TimeRun => ({
  source: T4,
  model,
  quantization,
  batchSize,
  length: 1_024,
  gpu: 'Tesla T4',
  backend: 'TRL',
  tokensPerSecond: (batchSize * 1_024) / seconds,
});

const factoryTimes = (
  rows: readonly (readonly [length: number, transformers: number, unsloth: number])[],
): readonly TimeRun[] =>
  rows.flatMap(([length, transformers, unsloth]) =>
    (
      [
        ['TRL', transformers, LLAMA_FACTORY],
        ['UNSLOTH', unsloth, LLAMA_FACTORY_UNSLOTH],
      ] as const
    ).map(([backend, tokensPerSecond, source]) => ({
      source,
      model: 'meta-llama/Llama-2-7b-hf',
      quantization: 'NF4' as const,
      batchSize: 1,
      length,
      gpu: 'NVIDIA A100-SXM4-40GB',
      backend,
      tokensPerSecond,
    })),
  );

export const TIME_RUNS: readonly TimeRun[] = [
  ...trainerTimes('meta-llama/Llama-3.1-8B', { [A100]: 11.5, [H100]: 6.4, [PRO_6000]: 12.5 }),
  ...trainerTimes('meta-llama/Llama-2-13b-hf', { [A100]: 17.9, [H100]: 9.8, [PRO_6000]: 19.6 }),
  ...trainerTimes('google/gemma-7b', { [A100]: 14.7, [H100]: 9.5, [PRO_6000]: 13.1 }),
  ...trainerTimes('microsoft/Phi-3-mini-4k-instruct', { [A100]: 8.5, [H100]: 5, [PRO_6000]: 9.2 }),
  ...trainerTimes('google/gemma-2-9b', { [A100]: 20, [H100]: 12.9, [PRO_6000]: 17.2 }),
  t4Time('Qwen/Qwen2.5-1.5B-Instruct', 'NONE', 2, 1.511),
  t4Time('Qwen/Qwen2.5-1.5B-Instruct', 'NF4', 2, 2.588),
  t4Time('deepseek-ai/deepseek-coder-1.3b-instruct', 'NF4', 1, 0.999),
  t4Time('meta-llama/Llama-3.2-1B-Instruct', 'NF4', 1, 0.867),
  t4Time('Qwen/Qwen2.5-Coder-1.5B-Instruct', 'NF4', 1, 1.147),
  t4Time('meta-llama/Llama-3.2-3B-Instruct', 'NF4', 1, 2.276),
  t4Time('mistralai/Mistral-7B-Instruct-v0.3', 'NF4', 1, 3.901),
  t4Time('Qwen/Qwen2.5-7B-Instruct', 'NF4', 1, 3.725),
  ...factoryTimes([
    [1_024, 2_295, 2_556],
    [2_048, 2_741, 3_178],
    [4_096, 2_926, 3_413],
    [8_192, 3_128, 3_632],
    [16_384, 3_542, 4_050],
    [32_768, 2_216, 2_456],
  ]),
];
