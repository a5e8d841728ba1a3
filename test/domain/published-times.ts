/**
 * What others measured of time, and how: the rows that estimates are compared with, as their sources
 * print them. docs/estimates.md names what is not compared, and why. `software` says what the publisher’s
 * libraries do, the same for all of a source's rows of a kind.
 */
import { SOFTWARE } from '../../src/domain/training/time-estimate.ts';
import type { Software } from '../../src/domain/training/time-estimate.ts';
import { LLAMA_FACTORY, LLAMA_FACTORY_UNSLOTH, LLM_TRAINER, T4 } from './published-runs.ts';
import type { Run, Source } from './published-runs.ts';

export interface TimeRun extends Run {
  readonly gpu: string;
  readonly software: Software;
  readonly tokensPerSecond: number;
}

const { TRL, UNSLOTH } = SOFTWARE;
/** A quantized base without `prepare_model_for_kbit_training`, which has its norms in 16 bits. */
const HALF: Software = { ...TRL, besideQuantized: 'HALF' };

/** Seconds of one pass are what most sources print. */
const run = (
  source: Source,
  software: Software,
  gpu: string,
  model: string,
  quantization: TimeRun['quantization'],
  [batchSize, length, seconds]: readonly [batchSize: number, length: number, seconds: number],
): TimeRun => ({
  source,
  software,
  gpu,
  model,
  quantization,
  batchSize,
  length,
  tokensPerSecond: (batchSize * length) / seconds,
});

const QWEN: Source = {
  name: 'Qwen',
  url: 'https://github.com/QwenLM/Qwen#profiling-of-memory-and-speed',
  note: 'transformers’ Trainer in BF16, rank 64 on every linear layer, checkpointing, FlashAttention 2, padded to the length; an iteration is eight passes',
};
const QWEN_LENGTHS = [256, 512, 1_024, 2_048, 4_096, 8_192];
const qwen = (model: string, secondsPerIteration: readonly number[]): readonly TimeRun[] =>
  secondsPerIteration.map((seconds, index) =>
    run(QWEN, TRL, 'NVIDIA A100-SXM4-80GB', model, 'NONE', [
      1,
      QWEN_LENGTHS[index] ?? NaN,
      seconds / 8,
    ]),
  );

const FMS: Source = {
  name: 'fms-acceleration',
  url: 'https://github.com/foundation-model-stack/fms-acceleration/blob/0aab2c6f64e3e19d137efe2b8f7a4c65c23a2059/scripts/benchmarks/refs/a100_80gb.csv',
  note: 'IBM: TRL, packed to 4096 tokens, rank 16 on q, k, v, o, checkpointing, FlashAttention 2, BF16; rows of one GPU (none, baseline-peft-bnb)',
};
const FMS_HALF: Source = {
  ...FMS,
  name: 'fms-acceleration (16 bits)',
  note: 'the same without FP32 norms and stream (accelerated-peft-bnb)',
};
const FMS_FUSED: Source = {
  ...FMS,
  name: 'fms-acceleration (fused)',
  note: 'the same with kernels taken from Unsloth (foak-fast-kernels, accelerated-peft-bnb-foak)',
};
const fms = (
  source: Source,
  software: Software,
  model: string,
  quantization: TimeRun['quantization'],
  tokensPerSecond: readonly number[],
): readonly TimeRun[] =>
  tokensPerSecond.map((speed, index) => {
    const batchSize = 4 * (index + 1);
    return run(source, software, 'NVIDIA A100-SXM4-80GB', model, quantization, [
      batchSize,
      4_096,
      (batchSize * 4_096) / speed,
    ]);
  });

const KATHERYNE: Source = {
  name: 'katheryne',
  url: 'https://github.com/vtuber-plan/katheryne/blob/main/docs/benchmark.md',
  note: 'Lightning and PEFT in BF16, rank 16 on q and v, checkpointing; whole seconds of 100 passes, start included. Articles are cut at 512 tokens, and each counts as full',
};
const katheryne = (secondsOn: Readonly<Record<string, number>>): readonly TimeRun[] =>
  Object.entries(secondsOn).map(([gpu, seconds]) =>
    run(KATHERYNE, TRL, gpu, 'meta-llama/Llama-2-7b-hf', 'NONE', [2, 512, seconds / 100]),
  );

const FACTORY: Source = {
  ...LLAMA_FACTORY,
  note: 'tokens per GPU and second of QLoRA, rank 8 on every linear layer, batch 1, accumulation 4, FlashAttention 2, A100 40GB',
};
const FACTORY_UNSLOTH: Source = {
  ...FACTORY,
  name: LLAMA_FACTORY_UNSLOTH.name,
  note: 'the same with the Unsloth of April 2024',
};
const A100_40 = 'NVIDIA A100-SXM4-40GB';
const factory = (
  source: Source,
  software: Software,
  tokensPerSecond: Readonly<Record<number, number>>,
): readonly TimeRun[] =>
  Object.entries(tokensPerSecond).map(([length, speed]) =>
    run(source, software, A100_40, 'meta-llama/Llama-2-7b-hf', 'NF4', [
      1,
      Number(length),
      Number(length) / speed,
    ]),
  );

const TRAINER: Source = {
  ...LLM_TRAINER,
  note: 'docs: GPU Test. LoRA, Hugging Face checkpointing, 2 × 8192 tokens without padding, every linear layer; no autocast, deterministic algorithms, and a mask with every batch (its config and loader)',
};
/** Its loader passes a mask with every batch, and its trainer has no autocast. */
const MASKED: Software = { ...TRL, besideQuantized: 'FULL', masksAttention: true };
const trainer = (
  model: string,
  ...seconds: readonly [a100: number, h100: number, pro6000: number]
): readonly TimeRun[] =>
  [
    'NVIDIA A100 80GB PCIe',
    'NVIDIA H100 80GB HBM3',
    'NVIDIA RTX PRO 6000 Blackwell Workstation Edition',
  ].map((gpu, index) =>
    run(TRAINER, MASKED, gpu, model, 'NONE', [2, 8_192, seconds[index] ?? NaN]),
  );

const STEP: Source = {
  ...T4,
  note: 't4-sweep-2026-09-15 and final-t4-20260921, the rows of SDPA: one step on a Tesla T4 in FP16 without autocast, checkpointing, memory-efficient attention, rank 16 or 32 on q, k, v, o',
};
/** One bare step of model and optimizer: no autocast. */
const BARE: Software = { ...TRL, besideQuantized: 'FULL' };
const t4 = (
  model: string,
  quantization: TimeRun['quantization'],
  batchSize: number,
  length: number,
  seconds: number,
): TimeRun => run(STEP, BARE, 'Tesla T4', model, quantization, [batchSize, length, seconds]);

const MISTRAL = 'mistralai/Mistral-7B-v0.1';
const MIXTRAL = 'mistralai/Mixtral-8x7B-Instruct-v0.1';
const LLAMA_70B = 'NousResearch/Llama-2-70b-hf';
const TINY = 'TinyLlama/TinyLlama-1.1B-Chat-v1.0';
const SMOL = 'HuggingFaceTB/SmolLM2-';

export const TIME_RUNS: readonly TimeRun[] = [
  ...qwen('Qwen/Qwen-1.8B', [1, 1, 1.1, 1.7, 3.3, 6.8]),
  ...qwen('Qwen/Qwen-7B', [1.2, 1.5, 2.8, 5.2, 10.1, 21.3]),
  ...qwen('Qwen/Qwen-14B', [1.6, 2.4, 4.4, 8.4, 17, 36]),
  ...fms(FMS, TRL, MISTRAL, 'NONE', [3_319.2, 3_352.5]),
  ...fms(FMS, TRL, MISTRAL, 'NF4', [2_841.6, 2_929.8]),
  ...fms(FMS, TRL, MIXTRAL, 'NF4', [1_505.5, 1_663.5]),
  ...fms(FMS_HALF, HALF, MISTRAL, 'NF4', [3_544, 3_615.8]),
  ...fms(FMS_HALF, HALF, MIXTRAL, 'NF4', [1_938.8, 2_080.2]),
  ...fms(FMS_HALF, HALF, LLAMA_70B, 'NF4', [466.1]),
  ...fms(FMS_FUSED, UNSLOTH, MISTRAL, 'NONE', [3_768.2, 3_809]),
  ...fms(FMS_FUSED, UNSLOTH, MISTRAL, 'NF4', [4_046.2, 4_141.2]),
  ...fms(FMS_FUSED, UNSLOTH, MIXTRAL, 'NF4', [2_085.4, 2_250.8]),
  ...fms(FMS_FUSED, UNSLOTH, LLAMA_70B, 'NF4', [504.7]),
  ...katheryne({
    'NVIDIA L40S': 38,
    'NVIDIA RTX 6000 Ada Generation': 38,
    'NVIDIA A800 80GB PCIe': 41,
    'NVIDIA A100-PCIE-40GB': 44,
    'NVIDIA GeForce RTX 4090': 62,
    'NVIDIA RTX A6000': 73,
    'NVIDIA A40': 76,
    'NVIDIA GeForce RTX 3090': 96,
  }),
  ...factory(FACTORY, HALF, {
    1_024: 2_295,
    2_048: 2_741,
    4_096: 2_926,
    8_192: 3_128,
    16_384: 3_542,
    32_768: 2_216,
  }),
  ...factory(FACTORY_UNSLOTH, UNSLOTH, {
    1_024: 2_556,
    2_048: 3_178,
    4_096: 3_413,
    8_192: 3_632,
    16_384: 4_050,
    32_768: 2_456,
    65_536: 1_820,
    100_000: 1_202,
  }),
  ...trainer('meta-llama/Llama-3.1-8B', 11.5, 6.4, 12.5),
  ...trainer('meta-llama/Llama-2-13b-hf', 17.9, 9.8, 19.6),
  ...trainer('google/gemma-7b', 14.7, 9.5, 13.1),
  ...trainer('microsoft/Phi-3-mini-4k-instruct', 8.5, 5, 9.2),
  ...trainer('google/gemma-2-9b', 20, 12.9, 17.2),
  t4(TINY, 'NONE', 2, 512, 0.554),
  t4(TINY, 'NONE', 2, 1_024, 1.151),
  t4(TINY, 'NONE', 2, 2_048, 2.618),
  t4(TINY, 'NF4', 2, 512, 0.823),
  t4(TINY, 'NF4', 2, 1_024, 1.758),
  t4(TINY, 'NF4', 2, 2_048, 4.551),
  t4(`${SMOL}135M`, 'NONE', 2, 512, 0.272),
  t4(`${SMOL}135M`, 'NF4', 2, 512, 0.362),
  t4(`${SMOL}135M`, 'NONE', 1, 4_096, 0.835),
  t4(`${SMOL}135M`, 'NF4', 1, 4_096, 1.977),
  t4(`${SMOL}360M`, 'NONE', 1, 4_096, 1.53),
  t4(`${SMOL}360M`, 'NF4', 1, 4_096, 3.61),
  t4(`${SMOL}1.7B`, 'NONE', 4, 1_024, 3.361),
  t4(`${SMOL}1.7B`, 'NF4', 4, 1_024, 5.047),
  t4('Qwen/Qwen2.5-1.5B-Instruct', 'NONE', 2, 1_024, 1.511),
  t4('Qwen/Qwen2.5-1.5B-Instruct', 'NF4', 2, 1_024, 2.588),
  t4('deepseek-ai/deepseek-coder-1.3b-instruct', 'NF4', 1, 1_024, 0.999),
  t4('meta-llama/Llama-3.2-1B-Instruct', 'NF4', 1, 1_024, 0.867),
  t4('Qwen/Qwen2.5-Coder-1.5B-Instruct', 'NF4', 1, 1_024, 1.147),
  t4('meta-llama/Llama-3.2-3B-Instruct', 'NF4', 1, 1_024, 2.276),
  t4('mistralai/Mistral-7B-Instruct-v0.3', 'NF4', 1, 1_024, 3.901),
  t4('Qwen/Qwen2.5-7B-Instruct', 'NF4', 1, 1_024, 3.725),
];
