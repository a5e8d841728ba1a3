/**
 * The shapes of well-known models, by name: nothing is looked up at the hub. Figures are those of the
 * models' own `config.json`; a test compares the parameters that follow from them with the published ones.
 */
export interface Architecture {
  readonly layers: number;
  readonly hidden: number;
  /** Width of the feed-forward block; of one expert where there are several. */
  readonly intermediate: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly vocabulary: number;
  /** Whether the output layer is the embedding itself. */
  readonly isTied: boolean;
  /** Feed-forward blocks beside each other in a layer, and how many of them a token passes. */
  readonly experts: number;
  readonly activeExperts: number;
  /** Matrices of a feed-forward block: three where it is gated. */
  readonly feedForwardMatrices: 2 | 3;
  /** Whether its layers have Llama's names: `q_proj` … `down_proj`. */
  readonly hasLlamaNames: boolean;
  /** False: derived from the size in the name, within a factor of two. */
  readonly isKnown: boolean;
}

// family | size | layers | hidden | intermediate | heads | kv | head size | vocabulary | more
const TABLE = `
llama-2 | 7b | 32 | 4096 | 11008 | 32 | 32 | 128 | 32000
llama-2 | 13b | 40 | 5120 | 13824 | 40 | 40 | 128 | 32000
llama-2 | 70b | 80 | 8192 | 28672 | 64 | 8 | 128 | 32000
codellama | 7b | 32 | 4096 | 11008 | 32 | 32 | 128 | 32016
codellama | 13b | 40 | 5120 | 13824 | 40 | 40 | 128 | 32016
codellama | 34b | 48 | 8192 | 22016 | 64 | 8 | 128 | 32000
llama-3 | 1b | 16 | 2048 | 8192 | 32 | 8 | 64 | 128256 | tied
llama-3 | 3b | 28 | 3072 | 8192 | 24 | 8 | 128 | 128256 | tied
llama-3 | 8b | 32 | 4096 | 14336 | 32 | 8 | 128 | 128256
llama-3 | 70b | 80 | 8192 | 28672 | 64 | 8 | 128 | 128256
llama-3 | 405b | 126 | 16384 | 53248 | 128 | 8 | 128 | 128256
tinyllama | 1.1b | 22 | 2048 | 5632 | 32 | 4 | 64 | 32000
qwen | 1.8b | 24 | 2048 | 5504 | 16 | 16 | 128 | 151936 | fused
qwen | 7b | 32 | 4096 | 11008 | 32 | 32 | 128 | 151936 | fused
qwen | 14b | 40 | 5120 | 13696 | 40 | 40 | 128 | 152064 | fused
qwen | 72b | 80 | 8192 | 24576 | 64 | 64 | 128 | 152064 | fused
qwen2 | 0.5b | 24 | 896 | 4864 | 14 | 2 | 64 | 151936 | tied
qwen2 | 1.5b | 28 | 1536 | 8960 | 12 | 2 | 128 | 151936 | tied
qwen2 | 3b | 36 | 2048 | 11008 | 16 | 2 | 128 | 151936 | tied
qwen2 | 7b | 28 | 3584 | 18944 | 28 | 4 | 128 | 152064
qwen2 | 14b | 48 | 5120 | 13824 | 40 | 8 | 128 | 152064
qwen2 | 32b | 64 | 5120 | 27648 | 40 | 8 | 128 | 152064
qwen2 | 72b | 80 | 8192 | 29568 | 64 | 8 | 128 | 152064
qwen3 | 0.6b | 28 | 1024 | 3072 | 16 | 8 | 128 | 151936 | tied
qwen3 | 1.7b | 28 | 2048 | 6144 | 16 | 8 | 128 | 151936 | tied
qwen3 | 4b | 36 | 2560 | 9728 | 32 | 8 | 128 | 151936 | tied
qwen3 | 8b | 36 | 4096 | 12288 | 32 | 8 | 128 | 151936
qwen3 | 14b | 40 | 5120 | 17408 | 40 | 8 | 128 | 151936
qwen3 | 32b | 64 | 5120 | 25600 | 64 | 8 | 128 | 151936
qwen3 | 30b | 48 | 2048 | 768 | 32 | 4 | 128 | 151936 | experts 128/8
qwen3 | 235b | 94 | 4096 | 1536 | 64 | 4 | 128 | 151936 | experts 128/8
mistral | 7b | 32 | 4096 | 14336 | 32 | 8 | 128 | 32768
mistral-nemo | * | 40 | 5120 | 14336 | 32 | 8 | 128 | 131072
ministral | 8b | 36 | 4096 | 12288 | 32 | 8 | 128 | 131072
mistral-small | 24b | 40 | 5120 | 32768 | 32 | 8 | 128 | 131072
mistral-large | * | 88 | 12288 | 28672 | 96 | 8 | 128 | 32768
mixtral | 8x7b | 32 | 4096 | 14336 | 32 | 8 | 128 | 32000 | experts 8/2
mixtral | 8x22b | 56 | 6144 | 16384 | 48 | 8 | 128 | 32768 | experts 8/2
gemma | 2b | 18 | 2048 | 16384 | 8 | 1 | 256 | 256000 | tied
gemma | 7b | 28 | 3072 | 24576 | 16 | 16 | 256 | 256000 | tied
gemma-2 | 2b | 26 | 2304 | 9216 | 8 | 4 | 256 | 256000 | tied
gemma-2 | 9b | 42 | 3584 | 14336 | 16 | 8 | 256 | 256000 | tied
gemma-2 | 27b | 46 | 4608 | 36864 | 32 | 16 | 128 | 256000 | tied
gemma-3 | 270m | 18 | 640 | 2048 | 4 | 1 | 256 | 262144 | tied
gemma-3 | 1b | 26 | 1152 | 6912 | 4 | 1 | 256 | 262144 | tied
gemma-3 | 4b | 34 | 2560 | 10240 | 8 | 4 | 256 | 262208 | tied
gemma-3 | 12b | 48 | 3840 | 15360 | 16 | 8 | 256 | 262208 | tied
gemma-3 | 27b | 62 | 5376 | 21504 | 32 | 16 | 128 | 262208 | tied
phi-1.5 | * | 24 | 2048 | 8192 | 32 | 32 | 64 | 51200 | plain
phi-2 | * | 32 | 2560 | 10240 | 32 | 32 | 80 | 51200 | plain
phi-3-mini | * | 32 | 3072 | 8192 | 32 | 32 | 96 | 32064 | fused
phi-3-medium | * | 40 | 5120 | 17920 | 40 | 10 | 128 | 32064 | fused
phi-4-mini | * | 32 | 3072 | 8192 | 24 | 8 | 128 | 200064 | tied fused
phi-4 | * | 40 | 5120 | 17920 | 40 | 10 | 128 | 100352 | fused
smollm | 135m | 30 | 576 | 1536 | 9 | 3 | 64 | 49152 | tied
smollm | 360m | 32 | 960 | 2560 | 15 | 5 | 64 | 49152 | tied
smollm | 1.7b | 24 | 2048 | 8192 | 32 | 32 | 64 | 49152 | tied
smollm | 3b | 36 | 2048 | 11008 | 16 | 4 | 128 | 128256 | tied
falcon | 7b | 32 | 4544 | 18176 | 71 | 1 | 64 | 65024 | tied plain
falcon | 40b | 60 | 8192 | 32768 | 128 | 8 | 64 | 65024 | tied plain
falcon-3 | 1b | 18 | 2048 | 8192 | 8 | 4 | 256 | 131072
falcon-3 | 3b | 22 | 3072 | 9216 | 12 | 4 | 256 | 131072
falcon-3 | 7b | 28 | 3072 | 23040 | 12 | 4 | 256 | 131072
falcon-3 | 10b | 40 | 3072 | 23040 | 12 | 4 | 256 | 131072
deepseek-coder | 1.3b | 24 | 2048 | 5504 | 16 | 16 | 128 | 32256
deepseek-coder | 6.7b | 32 | 4096 | 11008 | 32 | 32 | 128 | 32256
yi | 6b | 32 | 4096 | 11008 | 32 | 4 | 128 | 64000
yi | 34b | 60 | 7168 | 20480 | 56 | 8 | 128 | 64000
olmo-2 | 7b | 32 | 4096 | 11008 | 32 | 32 | 128 | 100352
olmo-2 | 13b | 40 | 5120 | 13824 | 40 | 40 | 128 | 100352
`;

/** What a name of each family looks like, without its owner; the first that matches counts. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/tiny-?llama/, 'tinyllama'],
  [/code-?llama/, 'codellama'],
  [/llama-?2(?![.\d])/, 'llama-2'],
  [/llama-?3|distill-llama/, 'llama-3'],
  [/qwen-?2(\.5)?(?![.\d])|distill-qwen/, 'qwen2'],
  [/qwen-?3(?![.\d])/, 'qwen3'],
  [/qwen(?=-\d)/, 'qwen'],
  [/mixtral/, 'mixtral'],
  [/ministral/, 'ministral'],
  [/mistral-nemo/, 'mistral-nemo'],
  [/mistral-small/, 'mistral-small'],
  [/mistral-large/, 'mistral-large'],
  [/mistral|zephyr-7b/, 'mistral'],
  [/gemma-?2(?=-\d)/, 'gemma-2'],
  [/gemma-?3(?=-)/, 'gemma-3'],
  [/gemma(?!-?\d+(\.|n|-\d))/, 'gemma'],
  [/phi-?1[._]5/, 'phi-1.5'],
  [/phi-?2(?!\d)/, 'phi-2'],
  [/phi-?3(\.5)?-mini/, 'phi-3-mini'],
  [/phi-?3-medium/, 'phi-3-medium'],
  [/phi-?4-mini/, 'phi-4-mini'],
  [/phi-?4(?!-m)/, 'phi-4'],
  [/smollm/, 'smollm'],
  [/falcon-?3/, 'falcon-3'],
  [/falcon/, 'falcon'],
  [/deepseek-coder/, 'deepseek-coder'],
  [/yi-(?=\d)/, 'yi'],
  [/olmo-?2/, 'olmo-2'],
];

const ROWS: ReadonlyMap<string, Architecture> = new Map(
  TABLE.trim()
    .split('\n')
    .map((line) => {
      const [family = '', size = '', ...rest] = line.split('|').map((cell) => cell.trim());
      const [layers = 0, hidden = 0, intermediate = 0, heads = 0, kvHeads = 0, headSize = 0] =
        rest.map(Number);
      const more = rest[7] ?? '';
      const [, experts = '1', activeExperts = '1'] = /experts (\d+)\/(\d+)/.exec(more) ?? [];
      return [
        `${family} ${size}`,
        {
          layers,
          hidden,
          intermediate,
          heads,
          kvHeads,
          headSize,
          vocabulary: Number(rest[6]),
          isTied: more.includes('tied'),
          experts: Number(experts),
          activeExperts: Number(activeExperts),
          feedForwardMatrices: more.includes('plain') ? 2 : 3,
          hasLlamaNames: !/plain|fused/.test(more),
          isKnown: true,
        },
      ];
    }),
);

/** Null: neither the model nor a size in its name is known. */
export function architectureOf(baseModel: string): Architecture | null {
  const name = (baseModel.split('/').at(-1) ?? baseModel).toLowerCase().replaceAll('_', '-');
  const family = FAMILIES.find(([pattern]) => pattern.test(name))?.[1];
  const size = sizeIn(name);
  return (
    ROWS.get(`${family ?? ''} ${size ?? ''}`) ??
    ROWS.get(`${family ?? ''} *`) ??
    derived(name, size)
  );
}

/** `…-8b`, `…-350m`, `…-8x7b`, as it stands in the name; `17b-16e` counts active parameters alone. */
function sizeIn(name: string): string | null {
  if (/\db-\d+e(?![a-z0-9])/.test(name)) return null;
  return /(?:^|[-.])(\d+x\d+(?:\.\d+)?b|\d+(?:\.\d+)?[bm])(?![a-z0-9])/.exec(name)?.[1] ?? null;
}

/** Hidden units per layer in decoders of every size, within a factor of two. */
const ASPECT = 128;
/** Parameters of a layer in squares of the hidden size: attention 4:1 (2.5), a gated block of 3.5 (10.5). */
const SQUARES = 13;
const WIDTH = 3.5;
const HEAD_SIZE = 128;
const VOCABULARY = 128_000;

function derived(name: string, size: string | null): Architecture | null {
  if (size === null) return null;
  const [, experts = '1', number = '0', unit = 'b'] =
    /^(?:(\d+)x)?([\d.]+)([bm])$/.exec(size) ?? [];
  const parameters = Number(number) * (unit === 'b' ? 1e9 : 1e6);
  if (!(parameters > 0)) return null;
  const hidden = hiddenOf(parameters);
  const heads = Math.max(1, hidden / HEAD_SIZE);
  return {
    layers: hidden / ASPECT,
    hidden,
    intermediate: WIDTH * hidden,
    heads,
    kvHeads: heads / 4,
    headSize: HEAD_SIZE,
    vocabulary: Math.min(VOCABULARY, parameters / 4 / hidden),
    isTied: false,
    experts: Number(experts),
    activeExperts: Math.min(2, Number(experts)),
    feedForwardMatrices: 3,
    hasLlamaNames: true,
    isKnown: false,
  };
}

/** Solves parameters = 13 × hidden² × hidden ÷ 128 + 2 × vocabulary × hidden, by halving. */
function hiddenOf(parameters: number): number {
  let [low, high] = [1, 1e6];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    const embeddings = Math.min(2 * VOCABULARY * middle, parameters / 2);
    if ((SQUARES * middle ** 3) / ASPECT + embeddings < parameters) low = middle;
    else high = middle;
  }
  return low;
}

/** Parameters of one layer's linear maps, all experts; and those a token passes. */
export function layerParameters(shape: Architecture, experts = shape.experts): number {
  const { hidden, heads, kvHeads, headSize, intermediate, feedForwardMatrices } = shape;
  const attention = hidden * headSize * (2 * heads + 2 * kvHeads);
  const router = shape.experts > 1 ? hidden * shape.experts : 0;
  return attention + experts * feedForwardMatrices * hidden * intermediate + router;
}

export function embeddingParameters({ vocabulary, hidden, isTied }: Architecture): number {
  return (isTied ? 1 : 2) * vocabulary * hidden;
}

/** All of them, but for biases and norms. */
export function parametersOf(shape: Architecture): number {
  return shape.layers * layerParameters(shape) + embeddingParameters(shape);
}
