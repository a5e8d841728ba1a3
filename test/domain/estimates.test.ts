import { expect, test } from 'vitest';
import { architectureOf, parametersOf } from '../../src/domain/training/architectures.ts';
import type { Architecture } from '../../src/domain/training/architectures.ts';
import { adapterParameters, peakBytes } from '../../src/domain/training/memory-estimate.ts';
import { secondsPerPass, SOFTWARE } from '../../src/domain/training/time-estimate.ts';
import { MEMORY_RUNS } from './published-runs.ts';
import type { MemoryRun, Source } from './published-runs.ts';
import { TIME_RUNS } from './published-times.ts';
import type { TimeRun } from './published-times.ts';

function shapeOf(model: string): Architecture {
  const shape = architectureOf(model);
  if (shape?.isKnown !== true) throw new Error(`${model} is not in the table`);
  return shape;
}

// As the hub shows them (safetensors' own count).
test.each([
  ['meta-llama/Llama-2-7b-hf', 6_738_415_616],
  ['meta-llama/Llama-2-70b-chat-hf', 68_976_648_192],
  ['meta-llama/Llama-3.1-8B', 8_030_261_248],
  ['meta-llama/Meta-Llama-3-70B', 70_553_706_496],
  ['meta-llama/Llama-3.1-405B', 405_853_388_800],
  ['meta-llama/Llama-3.2-1B', 1_235_814_400],
  ['meta-llama/Llama-3.2-3B-Instruct', 3_212_749_824],
  ['TinyLlama/TinyLlama-1.1B-Chat-v1.0', 1_100_048_384],
  ['Qwen/Qwen-7B', 7_721_324_544],
  ['Qwen/Qwen2.5-0.5B', 494_032_768],
  ['Qwen/Qwen2.5-1.5B-Instruct', 1_543_714_304],
  ['Qwen/Qwen2.5-7B-Instruct', 7_615_616_512],
  ['Qwen/Qwen2.5-72B', 72_706_203_648],
  ['Qwen/Qwen3-0.6B', 596_049_920],
  ['Qwen/Qwen3-8B', 8_190_735_360],
  ['Qwen/Qwen3-30B-A3B', 30_532_122_624],
  ['mistralai/Mistral-7B-v0.3', 7_248_023_552],
  ['mistralai/Mistral-Nemo-Base-2407', 12_247_782_400],
  ['mistralai/Mixtral-8x7B-v0.1', 46_702_792_704],
  ['google/gemma-7b', 8_537_680_896],
  ['google/gemma-2-9b', 9_241_705_984],
  ['google/gemma-3-1b-it', 999_885_952],
  ['microsoft/phi-2', 2_779_683_840],
  ['microsoft/Phi-3-mini-4k-instruct', 3_821_079_552],
  ['microsoft/phi-4', 14_659_507_200],
  ['HuggingFaceTB/SmolLM2-360M-Instruct', 361_821_120],
  ['HuggingFaceTB/SmolLM3-3B', 3_075_098_624],
  ['tiiuae/falcon-7b', 6_921_720_704],
  ['deepseek-ai/DeepSeek-R1-Distill-Qwen-7B', 7_615_616_512],
  ['deepseek-ai/DeepSeek-R1-Distill-Llama-8B', 8_030_261_248],
])('the parameters of %s follow from its shape', (model, parameters) => {
  expect(parametersOf(shapeOf(model)) / parameters).toBeCloseTo(1, 3);
});

test.each([
  ['facebook/opt-350m', 350e6],
  ['someone/own-13B-chat', 13e9],
  ['Qwen/Qwen3.5-9B', 9e9],
  ['org/3beers', null],
  ['org/model', null],
  ['google/gemma-3n-E4B-it', null],
  // Active parameters alone: the name does not tell how many there are.
  ['meta-llama/Llama-4-Scout-17B-16E', null],
])('a model that is not in the table, %s, has the size in its name', (model, parameters) => {
  const shape = architectureOf(model);
  expect(shape?.isKnown ?? false).toBe(false);
  expect(shape === null ? null : Math.round(parametersOf(shape) / 1e6)).toBe(
    parameters === null ? null : parameters / 1e6,
  );
});

test('adapters have as many parameters as PEFT counts', () => {
  const work = {
    rank: 16,
    quantization: 'NONE',
    targetModules: null,
    batchSize: 1,
    maxSequenceLength: 1,
  } as const;
  const llama = shapeOf('meta-llama/Meta-Llama-3-8B');
  expect(adapterParameters(llama, { ...work, algorithm: 'LORA' })).toBe(41_943_040);
  const small = shapeOf('meta-llama/Llama-3.2-3B');
  const targetModules = ['q_proj', 'v_proj'];
  // huggingface/peft, method_comparison/MetaMathQA: rank 32.
  const lora = { ...work, targetModules, rank: 32, algorithm: 'LORA' } as const;
  expect(adapterParameters(small, lora)).toBe(9_175_040);
  expect(adapterParameters(small, { ...lora, algorithm: 'DORA' })).toBe(9_175_040 + 28 * 4_096);
});

function errorOfMemory(run: MemoryRun): number {
  return estimatedGb(run) / run.measuredGb - 1;
}

function estimatedGb({ model, libraries, length, ...work }: MemoryRun): number {
  const asked = { ...work, algorithm: 'LORA', maxSequenceLength: length } as const;
  return peakBytes(shapeOf(model), asked, libraries) / 1e9;
}

function estimatedTokens({ model, gpu, software, length, ...work }: TimeRun): number {
  const pass = { ...work, maxSequenceLength: length };
  const seconds = secondsPerPass(shapeOf(model), pass, gpu, software) ?? NaN;
  return (work.batchSize * length) / seconds;
}

/** Of the time, not of the speed. */
function errorOfTime(run: TimeRun): number {
  return run.tokensPerSecond / estimatedTokens(run) - 1;
}

function summary(errors: readonly number[]): { median: number; worst: number } {
  const sizes = errors.map(Math.abs).sort((a, b) => a - b);
  const middle = sizes.length / 2;
  const [low = NaN, high = NaN] = [sizes[Math.ceil(middle) - 1], sizes[Math.floor(middle)]];
  return { median: (low + high) / 2, worst: sizes.at(-1) ?? NaN };
}

const percent = (share: number) => `${share > 0 ? '+' : ''}${Math.round(share * 100)} %`;
const short = (model: string) => model.split('/').at(-1) ?? model;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function sourcesOf(runs: readonly { readonly source: Source }[]): string {
  const sources = new Map(runs.map(({ source }) => [source.name, source]));
  return [...sources.values()]
    .map(
      ({ name, url, note }) =>
        `- ${name}: <${url}>. ${note[0]?.toUpperCase() ?? ''}${note.slice(1)}.`,
    )
    .join('\n');
}

test.each([
  ['memory', MEMORY_RUNS.map(errorOfMemory)],
  ['time', TIME_RUNS.map(errorOfTime)],
])('%s is estimated within 20 %% in the median and 40 %% at worst', (_what, errors) => {
  const { median, worst } = summary(errors);
  expect(median).toBeLessThanOrEqual(0.2);
  expect(worst).toBeLessThanOrEqual(0.4);
});

test('a GPU whose name begins like another’s has its own speed', () => {
  const secondsOn = (gpu: string) =>
    secondsPerPass(
      shapeOf('Qwen/Qwen3-8B'),
      { batchSize: 1, maxSequenceLength: 512, quantization: 'NONE' },
      gpu,
      SOFTWARE.TRL,
    ) ?? NaN;
  // Half of the throughput, by the data sheets.
  const times = secondsOn('NVIDIA RTX A4000') / secondsOn('NVIDIA A40');
  expect(times).toBeGreaterThan(1.5);
});

test('a 65B model in 4 bits trains on 48 GB, as the QLoRA paper has it', () => {
  const shape: Architecture = {
    ...shapeOf('meta-llama/Llama-2-70b-hf'),
    // LLaMA 65B: as many layers, no grouped queries, a narrower block.
    intermediate: 22_016,
    kvHeads: 64,
  };
  const work = {
    algorithm: 'QLORA',
    rank: 64,
    quantization: 'NF4',
    targetModules: null,
    batchSize: 1,
    maxSequenceLength: 512,
  } as const;
  const run = MEMORY_RUNS.find(({ source }) => source.name === 'LLaMA-Factory');
  if (run === undefined) throw new Error('no such source');
  // It holds its adapters in 16 bits.
  const libraries = { ...run.libraries, bytesPerAdapterParameter: { full: 8, quantized: 8 } };
  const gibibytes = peakBytes(shape, work, libraries) / 1_024 ** 3;
  expect(gibibytes).toBeLessThan(48);
  expect(gibibytes).toBeGreaterThan(36);
});

test('docs/estimates-measured.md shows every row with its source and its error', async () => {
  const memory = summary(MEMORY_RUNS.map(errorOfMemory));
  const time = summary(TIME_RUNS.map(errorOfTime));
  const text = `# Estimates and published measurements

Made by \`test/domain/estimates.test.ts\` (\`vitest run test/domain/estimates.test.ts -u\` writes it anew). Estimates are without the margin. What they rest on: [estimates.md](estimates.md).

## Memory

${MEMORY_RUNS.length} rows: median error ${Math.round(memory.median * 100)} %, worst ${Math.round(memory.worst * 100)} %. GB are 10⁹ bytes.

${table(
  ['Source', 'Model', 'Base', 'Batch × length', 'Measured', 'Estimated', 'Error'],
  MEMORY_RUNS.map((run) => [
    run.source.name,
    short(run.model),
    run.quantization === 'NONE' ? '16 bits' : run.quantization,
    `${run.batchSize} × ${run.length}`,
    run.measuredGb.toFixed(1),
    estimatedGb(run).toFixed(1),
    percent(errorOfMemory(run)),
  ]),
)}

${sourcesOf(MEMORY_RUNS)}

## Time

${TIME_RUNS.length} rows: median error ${Math.round(time.median * 100)} %, worst ${Math.round(time.worst * 100)} %. Tokens per second of one GPU; the error is of the time.

${table(
  ['Source', 'Model', 'Base', 'Batch × length', 'GPU', 'Measured', 'Estimated', 'Error'],
  TIME_RUNS.map((run) => [
    run.source.name,
    short(run.model),
    run.quantization === 'NONE' ? '16 bits' : run.quantization,
    `${run.batchSize} × ${run.length}`,
    run.gpu,
    run.tokensPerSecond.toFixed(0),
    estimatedTokens(run).toFixed(0),
    percent(errorOfTime(run)),
  ]),
)}

${sourcesOf(TIME_RUNS)}
`;
  await expect(text).toMatchFileSnapshot('../../docs/estimates-measured.md');
});
