/**
 * What is to be trained: `TrainingSpecInput` checked as a whole, with every default filled in.
 * Every violation is told at once. User text stays data: names are checked for their shape, and
 * nothing here ever becomes code or a shell line.
 */
import { z } from 'zod';
import { ALGORITHMS, TRAITS } from './algorithms.ts';
import type { ResolvedQuantization } from './algorithms.ts';
import { isPublicHttpsUrl } from './public-url.ts';
import { invalidAt } from './user-error.ts';
import type { TrainingUserError } from './user-error.ts';

const HUB_PART = '[A-Za-z0-9][A-Za-z0-9._-]{0,95}';
/** Hub names: owner and name, or a name alone as some old datasets have. Never `..`. */
const hubName = (isOwnerNeeded: boolean, example: string) =>
  z
    .string()
    .regex(new RegExp(`^(${HUB_PART}/)${isOwnerNeeded ? '' : '?'}${HUB_PART}$`), {
      error: `expected a name on the Hugging Face Hub, such as ${example}`,
      // One fault is told once.
      abort: true,
    })
    .refine((name) => !name.includes('..') && !name.includes('--'), {
      error: 'a name on the hub has neither ".." nor "--" in it',
    });

const between = (min: number, max: number) =>
  z
    .number()
    .min(min, { error: range(min, max) })
    .max(max, { error: range(min, max) });
const whole = (min: number, max: number) =>
  z
    .int({ error: range(min, max) })
    .min(min, { error: range(min, max) })
    .max(max, { error: range(min, max) });
const above0 = (max: number) =>
  z
    .number()
    .gt(0, { error: `expected more than 0 and at most ${max}` })
    .max(max, { error: `expected more than 0 and at most ${max}` });

function range(min: number, max: number): string {
  return `expected ${min} to ${max}`;
}

const revisionSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/, {
    error: 'expected a branch, tag or commit',
    abort: true,
  })
  .refine((revision) => !revision.includes('..'), { error: 'a revision has no ".." in it' });

const datasetSchema = z
  .object({
    huggingFace: z
      .object({
        name: hubName(false, 'tatsu-lab/alpaca'),
        split: z.string().regex(/^[A-Za-z0-9_.-]{1,64}(\[\d*%?:\d*%?\])?$/, {
          error: 'expected a split such as train or train[:1000]',
        }),
        revision: revisionSchema.nullish(),
      })
      .nullish(),
    uploadId: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected the id of an upload' })
      .nullish(),
    url: z
      .string()
      .max(2_048, { error: 'expected at most 2048 characters' })
      .refine(isPublicHttpsUrl, {
        error: 'expected an https URL without credentials, and not of a private address',
      })
      .nullish(),
  })
  .refine(
    ({ huggingFace, uploadId, url }) =>
      [huggingFace, uploadId, url].filter((source) => source != null).length === 1,
    { error: 'expected exactly one of huggingFace, uploadId and url' },
  );

const inputSchema = z.object({
  baseModel: hubName(true, 'meta-llama/Llama-3.2-1B'),
  modelRevision: revisionSchema.nullish(),
  algorithm: z.enum(ALGORITHMS),
  rank: whole(1, 1_024).nullish(),
  alpha: above0(65_536).nullish(),
  dropout: z
    .number()
    .min(0, { error: 'expected 0 to below 1' })
    .lt(1, { error: 'expected 0 to below 1' })
    .nullish(),
  targetModules: z
    .array(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_.]{0,127}$/, {
        error: 'expected the name of a layer, such as q_proj',
      }),
    )
    .min(1, { error: 'expected at least one layer; omit it for every linear layer' })
    .max(64, { error: 'expected at most 64 layers' })
    .nullish(),
  quantization: z.enum(['NONE', 'INT8', 'INT4', 'NF4']),
  dataset: datasetSchema,
  validationSplit: between(0, 0.5).nullish(),
  maxSequenceLength: whole(16, 131_072).nullish(),
  learningRate: above0(1).nullish(),
  batchSize: whole(1, 1_024).nullish(),
  gradientAccumulationSteps: whole(1, 1_024).nullish(),
  epochs: above0(1_000).nullish(),
  maxSteps: whole(1, 10_000_000).nullish(),
  warmupSteps: between(0, 10_000_000).nullish(),
  checkpointSteps: whole(1, 1_000_000).nullish(),
  seed: whole(0, 2 ** 32 - 1).nullish(),
  packing: z.boolean().nullish(),
  onDivergence: z.enum(['WARN', 'STOP', 'CONTINUE']).nullish(),
  retryOutOfMemory: z.boolean().nullish(),
  backend: z.enum(['AUTO', 'UNSLOTH', 'TRL']),
});
type Input = z.infer<typeof inputSchema>;

/** Complete: every default filled in. `rank`, `alpha`: null where the algorithm has none. */
export type TrainingSpec = Required<
  Omit<
    { readonly [K in keyof Input]: Exclude<Input[K], null | undefined> },
    | 'modelRevision'
    | 'rank'
    | 'alpha'
    | 'dropout'
    | 'targetModules'
    | 'quantization'
    | 'epochs'
    | 'maxSteps'
  >
> & {
  /** Null: the main branch. */
  readonly modelRevision: string | null;
  readonly rank: number | null;
  readonly alpha: number | null;
  readonly dropout: number | null;
  /** Null: every linear layer. */
  readonly targetModules: readonly string[] | null;
  readonly quantization: ResolvedQuantization;
  /** Exactly one of the two is a number. */
  readonly epochs: number | null;
  readonly maxSteps: number | null;
};

export type SpecResult =
  | { readonly kind: 'valid'; readonly spec: TrainingSpec }
  | { readonly kind: 'invalid'; readonly errors: readonly TrainingUserError[] };

export function readTrainingSpec(input: unknown): SpecResult {
  const parsed = inputSchema.safeParse(input);
  const shape = parsed.success ? [] : parsed.error.issues.map((issue) => invalidAt('spec', issue));
  // Rules between fields are checked on what is in shape, so that everything is told at once.
  const errors = [...shape, ...conflictsOf(partOf(input))];
  if (!parsed.success || errors.length > 0) return { kind: 'invalid', errors };
  return { kind: 'valid', spec: complete(parsed.data) };
}

function partOf(input: unknown): Partial<Input> {
  const given = Object.entries(inputSchema.shape).flatMap(([name, schema]) => {
    const value: unknown = (input as Readonly<Record<string, unknown>> | null)?.[name];
    return value != null && schema.safeParse(value).success ? [[name, value] as const] : [];
  });
  return Object.fromEntries(given);
}

function conflictsOf(spec: Partial<Input>): readonly TrainingUserError[] {
  const { algorithm, backend } = spec;
  const errors: TrainingUserError[] = [];
  const conflict = (field: string, message: string) =>
    errors.push({ code: 'CONFLICT', message, path: ['spec', field] });
  if (spec.epochs !== undefined && spec.maxSteps !== undefined) {
    conflict('maxSteps', 'maxSteps and epochs exclude each other: give one of them.');
  }
  if (algorithm === undefined) return errors;
  const traits = TRAITS[algorithm];
  for (const [field, has] of [
    ['rank', traits.hasRank],
    ['alpha', traits.hasAlpha],
    ['dropout', traits.hasDropout],
  ] as const) {
    if (!has && spec[field] !== undefined)
      conflict(field, `${algorithm} has no ${field}: omit it.`);
  }
  const quantization = spec.quantization && resolveQuantization(algorithm, spec.quantization);
  if (quantization && !traits.quantizations.includes(quantization)) {
    const allowed = traits.quantizations.join(' or ');
    conflict('quantization', `${algorithm} does not go with ${quantization}: use ${allowed}.`);
  }
  if (backend === 'UNSLOTH' && !traits.isInUnsloth) {
    conflict('backend', `Unsloth does not train ${algorithm}: use TRL or AUTO.`);
  }
  return errors;
}

/** INT4 is NF4, and QLORA means a base model in NF4. */
function resolveQuantization(
  algorithm: Input['algorithm'],
  quantization: Input['quantization'],
): ResolvedQuantization {
  if (quantization === 'INT4') return 'NF4';
  return algorithm === 'QLORA' && quantization === 'NONE' ? 'NF4' : quantization;
}

const DEFAULT_RANK = 16;

function complete(input: Input): TrainingSpec {
  const traits = TRAITS[input.algorithm];
  const rank = traits.hasRank ? (input.rank ?? DEFAULT_RANK) : null;
  const batchSize = input.batchSize ?? 4;
  const gradientAccumulationSteps = input.gradientAccumulationSteps ?? 4;
  const maxSteps = input.maxSteps ?? null;
  return {
    ...input,
    modelRevision: input.modelRevision ?? null,
    rank,
    alpha: traits.hasAlpha ? (input.alpha ?? 2 * (rank ?? DEFAULT_RANK)) : null,
    dropout: traits.hasDropout ? (input.dropout ?? 0) : null,
    targetModules: input.targetModules ?? null,
    quantization: resolveQuantization(input.algorithm, input.quantization),
    validationSplit: input.validationSplit ?? 0,
    maxSequenceLength: input.maxSequenceLength ?? 2_048,
    learningRate: input.learningRate ?? defaultLearningRate(batchSize * gradientAccumulationSteps),
    batchSize,
    gradientAccumulationSteps,
    epochs: maxSteps === null ? (input.epochs ?? 3) : null,
    maxSteps,
    warmupSteps: input.warmupSteps ?? 0.03,
    checkpointSteps: input.checkpointSteps ?? 100,
    seed: input.seed ?? 42,
    packing: input.packing ?? false,
    onDivergence: input.onDivergence ?? 'WARN',
    retryOutOfMemory: input.retryOutOfMemory ?? true,
  };
}

/** 2e-4 at an effective batch of 8, growing with its square root, within 1e-6 and 1e-3. */
function defaultLearningRate(effectiveBatch: number): number {
  return Math.min(1e-3, Math.max(1e-6, 2e-4 * Math.sqrt(effectiveBatch / 8)));
}
