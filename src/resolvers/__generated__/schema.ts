import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { CatalogueEntry } from '../../domain/gpu.ts';
import type { Price } from '../../domain/price.ts';
import type { TrainingPlan as TrainingPlanMapper, TrainingOption as TrainingOptionMapper } from '../../domain/training/training-plan.ts';
import type { TrainingUserError as TrainingUserErrorMapper } from '../../domain/training/user-error.ts';
import type { PlatformStatus } from '../../datasources/platform-status.ts';
import type { Context } from '../../context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** An instant in UTC, as RFC 3339 text with milliseconds: `2026-11-24T09:30:00.000Z`. */
  DateTime: { input: number; output: number; }
  _FieldSet: { input: unknown; output: unknown; }
};

/** How the model is adapted. Names are those of the PEFT library's methods. */
export type AdapterAlgorithm =
  /** LoRA that moves rank to where it helps while it trains. */
  | 'ADALORA'
  /** Weight-decomposed LoRA: closer to full fine-tuning, slower. */
  | 'DORA'
  /** Learned scaling of activations: no rank, very few parameters. */
  | 'IA3'
  /** LoRA started so that it makes up for quantization. It quantizes by itself. */
  | 'LOFTQ'
  /** Low-rank Hadamard product. */
  | 'LOHA'
  /** Low-rank Kronecker product. */
  | 'LOKR'
  /** Low-rank adaptation of a frozen base model. */
  | 'LORA'
  /** Orthogonal fine-tuning. */
  | 'OFT'
  /** LoRA started from an orthonormal basis. Base model in full precision. */
  | 'OLORA'
  /** LoRA started from the principal singular vectors of the weights. Base model in full precision. */
  | 'PISSA'
  /** LoRA on a base model held in 4 bits (NF4). */
  | 'QLORA'
  /** LoRA scaled by the square root of the rank: stable at high ranks. */
  | 'RSLORA'
  /** LoRA with shared frozen random matrices: very few parameters. */
  | 'VERA';

/** Which part of the cloud a pod runs in. */
export type CloudTier =
  /** Machines of other people: cheaper, and not to be trusted with secrets. */
  | 'COMMUNITY'
  /** Data centres of the platform's partners. */
  | 'SECURE';

/** Stock of one GPU type in one data centre. */
export type DataCenterStock = {
  readonly __typename?: 'DataCenterStock';
  /** The platform's id of the data centre: `EU-RO-1`. */
  readonly dataCenterId: Scalars['ID']['output'];
  /** Name for people; null: the platform gives none. */
  readonly name: Maybe<Scalars['String']['output']>;
  /** Stock for the count and cloud that were asked for. */
  readonly stock: StockLevel;
};

/** What a model is trained on: exactly one source. */
export type DatasetInput = {
  /** A dataset on the Hugging Face Hub. */
  readonly huggingFace?: InputMaybe<HuggingFaceDatasetInput>;
  /** A file that was uploaded before. */
  readonly uploadId?: InputMaybe<Scalars['ID']['input']>;
  /** An https URL that the pod fetches; this service never does. */
  readonly url?: InputMaybe<Scalars['String']['input']>;
};

/** The GPU cloud behind this service, and whether it answers. */
export type GpuPlatform = {
  readonly __typename?: 'GpuPlatform';
  /** Credit left in the account, in USD; null: unknown, or its source is gone. */
  readonly balanceUsd: Maybe<Scalars['Float']['output']>;
  /** Whether the platform answered and accepted the key the last time it was asked. */
  readonly connected: Scalars['Boolean']['output'];
  /** True: the built-in emulator answers and nothing costs money. */
  readonly emulated: Scalars['Boolean']['output'];
  /** Why `connected` is false, for people; null when it is true. */
  readonly error: Maybe<Scalars['String']['output']>;
  /** Its name, in lower case: `runpod`. */
  readonly name: Scalars['String']['output'];
  /** What everything that runs in the account costs now, in USD per hour; null: unknown. */
  readonly spendUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Whether spot pods and their prices are to be had now. */
  readonly supportsSpot: Scalars['Boolean']['output'];
  /** When the key was last accepted; null: not since the start of this server. */
  readonly verifiedAt: Maybe<Scalars['DateTime']['output']>;
};

/** A type of GPU that pods can be rented with. */
export type GpuResource = {
  readonly __typename?: 'GpuResource';
  /** The clouds this GPU is offered in; empty: listed, but offered nowhere. */
  readonly clouds: ReadonlyArray<CloudTier>;
  /**
   * CUDA versions of the machines with this GPU in the secure cloud, `major.minor`, oldest first.
   * Null: no machine reports one, as with AMD.
   */
  readonly cudaVersions: Maybe<ReadonlyArray<Scalars['String']['output']>>;
  /**
   * Stock per data centre for a pod of `gpuCount` GPUs in `cloud`, by data centre id.
   * Null: the platform names none, because nothing is free or it does not say.
   * `gpuCount` is 1 to 64.
   */
  readonly dataCenters: Maybe<ReadonlyArray<DataCenterStock>>;
  /** The platform's own id, used wherever a GPU is named: `NVIDIA GeForce RTX 4090`. */
  readonly id: Scalars['ID']['output'];
  /** `NVIDIA` or `AMD`; null: the platform did not say. */
  readonly manufacturer: Maybe<Scalars['String']['output']>;
  /**
   * GPUs in the largest machine of that cloud: a ceiling for `gpuCount`, not a stock level.
   * Null: not offered in that cloud, or the platform did not say.
   */
  readonly maxGpuCount: Maybe<Scalars['Int']['output']>;
  /** Memory of one GPU, in GB as the vendor counts them. */
  readonly memoryGb: Scalars['Int']['output'];
  /** Short name for people: `RTX 4090`. */
  readonly name: Scalars['String']['output'];
  /**
   * Price and stock of a pod of `gpuCount` GPUs (1 to 64) in `cloud`, at most about half a minute old.
   * Null without an error: not offered so. Null with an error `PLATFORM_…`: the platform did not
   * answer and no recent enough price is known; the rest of the answer stands.
   */
  readonly pricing: Maybe<Pricing>;
};


/** A type of GPU that pods can be rented with. */
export type GpuResourceDataCentersArgs = {
  cloud?: CloudTier;
  gpuCount?: Scalars['Int']['input'];
};


/** A type of GPU that pods can be rented with. */
export type GpuResourceMaxGpuCountArgs = {
  cloud?: CloudTier;
};


/** A type of GPU that pods can be rented with. */
export type GpuResourcePricingArgs = {
  cloud?: CloudTier;
  gpuCount?: Scalars['Int']['input'];
};

/** Narrows a list of GPUs. Conditions are joined by AND; an omitted or null one does not narrow. */
export type GpuResourceFilter = {
  /** Only GPUs offered in this cloud. Prices and stock in this filter are of this cloud (default SECURE). */
  readonly cloud?: InputMaybe<CloudTier>;
  /** Only GPUs with stock (LOW or better) in this data centre. */
  readonly dataCenterId?: InputMaybe<Scalars['ID']['input']>;
  /** Only GPUs of which one machine can hold this many (1 to 64). Prices and stock in this filter are of such a pod (default 1). */
  readonly gpuCount?: InputMaybe<Scalars['Int']['input']>;
  /** Only GPUs whose pod costs at most this on demand, in USD per hour of the whole pod. */
  readonly maxUsdPerHour?: InputMaybe<Scalars['Float']['input']>;
  /** At least this much memory per GPU, in GB. */
  readonly minMemoryGb?: InputMaybe<Scalars['Int']['input']>;
  /** Only GPUs with at least this stock. */
  readonly minStock?: InputMaybe<StockLevel>;
  /** Only GPUs whose name or id contains this text, in any case. */
  readonly nameContains?: InputMaybe<Scalars['String']['input']>;
};

/** Order of a list of GPUs. Ties are broken by id, so the order is always the same. */
export type GpuResourceOrder =
  /** Most memory first. */
  | 'MEMORY'
  /** By name, A to Z. */
  | 'NAME'
  /** Cheapest pod on demand first, for the filter's count and cloud; GPUs without such a price last. */
  | 'PRICE';

/** A dataset on the Hugging Face Hub. */
export type HuggingFaceDatasetInput = {
  /** Name on the hub: `tatsu-lab/alpaca`. */
  readonly name: Scalars['String']['input'];
  /** Branch, tag or commit; default: the main branch. */
  readonly revision?: InputMaybe<Scalars['String']['input']>;
  /** Split, with an optional slice: `train`, `train[:1000]`. */
  readonly split?: Scalars['String']['input'];
};

/** What ends a job at the latest. Omitted: the server's own limits, which are also the highest. */
export type LimitsInput = {
  /** Pods that may be tried one after the other. */
  readonly maxAttempts?: InputMaybe<Scalars['Int']['input']>;
  /** USD over all attempts. */
  readonly maxCostUsd?: InputMaybe<Scalars['Float']['input']>;
  /** Seconds from the first rented pod on. */
  readonly maxRuntimeSeconds?: InputMaybe<Scalars['Int']['input']>;
};

/** Where the base model comes from. */
export type ModelSource =
  /** The Hugging Face Hub. */
  | 'HUGGINGFACE';

/** Where a job may run. */
export type PlacementInput = {
  /** Which part of the cloud. */
  readonly cloud?: CloudTier;
  /** Container disk in GB, 10 to 10000; default 50. */
  readonly containerDiskGb?: InputMaybe<Scalars['Int']['input']>;
  /** Data centres to choose from; omitted: any. */
  readonly dataCenterIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
  /** GPUs of one pod, 1 to 64. */
  readonly gpuCount?: Scalars['Int']['input'];
  /** GPUs in order of preference; omitted: the cheapest that fits. */
  readonly gpuResourceIds?: InputMaybe<ReadonlyArray<Scalars['ID']['input']>>;
  /** Container image instead of the backend's own. */
  readonly image?: InputMaybe<Scalars['String']['input']>;
  /** Never rent above this, in USD per hour of the whole pod. */
  readonly maxUsdPerHour?: InputMaybe<Scalars['Float']['input']>;
  /** Network volume to mount; only in the secure cloud. */
  readonly networkVolumeId?: InputMaybe<Scalars['ID']['input']>;
  /** Whether an interruptible pod will do. */
  readonly spot?: Scalars['Boolean']['input'];
};

/** What a pod of one GPU type costs now. Every price is for the whole pod, not per GPU. */
export type Pricing = {
  readonly __typename?: 'Pricing';
  /** Usage is billed in steps of this many seconds. */
  readonly billingIncrementSeconds: Scalars['Int']['output'];
  /** Cloud the pod runs in. */
  readonly cloud: CloudTier;
  /** Currency of every price: always `USD`. */
  readonly currency: Scalars['String']['output'];
  /** GPUs in the pod. */
  readonly gpuCount: Scalars['Int']['output'];
  /** The GPU that is priced. */
  readonly gpuResource: GpuResource;
  /** True: the platform did not answer the last time it was asked; this is the last known price. */
  readonly isStale: Scalars['Boolean']['output'];
  /** The least that is billed for a pod, in seconds. */
  readonly minimumChargeSeconds: Scalars['Int']['output'];
  /** When the platform said so. */
  readonly observedAt: Scalars['DateTime']['output'];
  /** USD per hour of the whole pod, not to be interrupted; null: not offered on demand. */
  readonly onDemandUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Whether a spot pod of this kind can be asked for now. */
  readonly spotAvailable: Scalars['Boolean']['output'];
  /**
   * USD per hour of the whole pod as a spot pod, the lowest bid that is accepted now.
   * Null: no spot pods of this kind, or the source of spot prices does not answer.
   */
  readonly spotUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Overall stock for this count and cloud. */
  readonly stock: StockLevel;
};

/** How the frozen base model is held in memory. */
export type Quantization =
  /** 4 bits per weight; the same as NF4. */
  | 'INT4'
  /** 8 bits per weight (bitsandbytes). */
  | 'INT8'
  /** 4-bit NormalFloat with double quantization (bitsandbytes). */
  | 'NF4'
  /** As published, in 16 bits. With QLORA: NF4. */
  | 'NONE';

/** What can be asked. */
export type Query = {
  readonly __typename?: 'Query';
  /** The GPU cloud behind this service, as it answered at most half a minute ago. */
  readonly gpuPlatform: GpuPlatform;
  /** One GPU by the platform's id; null: the platform lists no such GPU. */
  readonly gpuResource: Maybe<GpuResource>;
  /** The GPUs the platform lists. */
  readonly gpuResources: ReadonlyArray<GpuResource>;
  /**
   * Checks a training request and shows where it could run, what it would need, take and cost. Rents
   * nothing. Everything wrong is told at once in `userErrors`.
   */
  readonly trainingPlan: TrainingPlan;
};


/** What can be asked. */
export type QueryGpuResourceArgs = {
  id: Scalars['ID']['input'];
};


/** What can be asked. */
export type QueryGpuResourcesArgs = {
  filter?: InputMaybe<GpuResourceFilter>;
  orderBy?: GpuResourceOrder;
};


/** What can be asked. */
export type QueryTrainingPlanArgs = {
  limits?: InputMaybe<LimitsInput>;
  placement?: InputMaybe<PlacementInput>;
  spec: TrainingSpecInput;
};

/** How likely it is that a pod asked for now can be placed. `NONE` is lowest, `HIGH` highest. */
export type StockLevel =
  /** Many machines are free. */
  | 'HIGH'
  /** Hardly any machine is free: a request may fail. */
  | 'LOW'
  /** Some machines are free. */
  | 'MEDIUM'
  /** No machine is free. */
  | 'NONE'
  /** The platform did not say. Filters treat it as lower than `LOW`. */
  | 'UNKNOWN';

/** The libraries that train. */
export type TrainerBackend =
  /** Unsloth where it supports the specification, else TRL. */
  | 'AUTO'
  /** Transformers, PEFT and TRL: every algorithm. */
  | 'TRL'
  /** Unsloth: faster, needs less memory, fewer algorithms. */
  | 'UNSLOTH';

/** One way to place a job. */
export type TrainingOption = {
  readonly __typename?: 'TrainingOption';
  /** Which part of the cloud. */
  readonly cloud: CloudTier;
  /** Estimated seconds of training; null: unknown, as without `maxSteps`. */
  readonly estimatedSeconds: Maybe<Scalars['Int']['output']>;
  /** Estimated USD for them; null: unknown. */
  readonly estimatedUsd: Maybe<Scalars['Float']['output']>;
  /** Whether the memory is enough by the estimate; false as well where the need is unknown. */
  readonly fits: Scalars['Boolean']['output'];
  /** GPUs of the pod. */
  readonly gpuCount: Scalars['Int']['output'];
  /** The GPU. */
  readonly gpuResource: GpuResource;
  /** Stock for this count and cloud. */
  readonly stock: StockLevel;
  /** USD per hour of the whole pod: on demand, or as a spot pod where the placement says so; null: no price. */
  readonly usdPerHour: Maybe<Scalars['Float']['output']>;
};

/** What would happen: checks, fit and price, with nothing rented. */
export type TrainingPlan = {
  readonly __typename?: 'TrainingPlan';
  /** Where it could run, cheapest first: GPUs that fit, or those that the placement names. Empty with `userErrors`. */
  readonly options: ReadonlyArray<TrainingOption>;
  /** Memory needed per GPU in GB, with a margin of 20 %; null: the size of the model is unknown. */
  readonly requiredMemoryGb: Maybe<Scalars['Float']['output']>;
  /** The trainer program and its configuration, as they would run; null: there is none yet for this backend. */
  readonly script: Maybe<Scalars['String']['output']>;
  /** Everything that is wrong with the request, at once; empty: it could be submitted. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
  /** What may surprise, and what the estimates rest on. */
  readonly warnings: ReadonlyArray<Scalars['String']['output']>;
};

/** What is to be trained. An omitted value gets the default that is named with it. */
export type TrainingSpecInput = {
  /** How the model is adapted. */
  readonly algorithm?: AdapterAlgorithm;
  /** Scaling of the adapter, above 0; default twice the rank. Only for algorithms with a rank. */
  readonly alpha?: InputMaybe<Scalars['Float']['input']>;
  /** The libraries that train. */
  readonly backend?: TrainerBackend;
  /** Name on the hub, with its owner: `meta-llama/Llama-3.2-1B`. */
  readonly baseModel: Scalars['String']['input'];
  /** Sequences per GPU and step, 1 to 1024; default 4. */
  readonly batchSize?: InputMaybe<Scalars['Int']['input']>;
  /** Updates between checkpoints, 1 to 1000000; default 100. */
  readonly checkpointSteps?: InputMaybe<Scalars['Int']['input']>;
  /** What it is trained on. */
  readonly dataset: DatasetInput;
  /** Dropout in the adapter, 0 to below 1; default 0, which is fastest. */
  readonly dropout?: InputMaybe<Scalars['Float']['input']>;
  /** Passes over the dataset, above 0 to 1000; default 3. Not together with `maxSteps`. */
  readonly epochs?: InputMaybe<Scalars['Float']['input']>;
  /** Steps whose gradients are added up before an update, 1 to 1024; default 4. */
  readonly gradientAccumulationSteps?: InputMaybe<Scalars['Int']['input']>;
  /** Peak learning rate, above 0 to 1; default 2e-4 × √(effective batch ÷ 8), within 1e-6 and 1e-3. */
  readonly learningRate?: InputMaybe<Scalars['Float']['input']>;
  /** Longest sequence in tokens, 16 to 131072; longer rows are cut. Default 2048. */
  readonly maxSequenceLength?: InputMaybe<Scalars['Int']['input']>;
  /** Updates after which training ends, 1 to 10000000. Not together with `epochs`. */
  readonly maxSteps?: InputMaybe<Scalars['Int']['input']>;
  /** Where the base model comes from. */
  readonly modelSource?: ModelSource;
  /** Whether short rows are packed into one sequence; default false. */
  readonly packing?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the base model is held in memory. */
  readonly quantization?: Quantization;
  /** Rank of the adapter, 1 to 1024; default 16. Not for IA3, which has none. */
  readonly rank?: InputMaybe<Scalars['Int']['input']>;
  /** Seed of everything random, 0 to 4294967295; default 42. */
  readonly seed?: InputMaybe<Scalars['Int']['input']>;
  /** Names of the layers to adapt, such as `q_proj`; default: every linear layer. */
  readonly targetModules?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
  /** Share of the rows held back for validation, 0 to 0.5; default 0. */
  readonly validationSplit?: InputMaybe<Scalars['Float']['input']>;
  /** Warm-up: a share of all updates below 1, or a number of updates. Default 0.03. */
  readonly warmupSteps?: InputMaybe<Scalars['Float']['input']>;
};

/** Something in a training request that the caller can put right. */
export type TrainingUserError = UserError & {
  readonly __typename?: 'TrainingUserError';
  /** Stable, for programs: `INVALID`, `UNKNOWN`, `CONFLICT`, `UNSUPPORTED`. */
  readonly code: Scalars['String']['output'];
  /** For people: what is wrong and what to change. */
  readonly message: Scalars['String']['output'];
  /** Where in the arguments: `["spec", "learningRate"]`. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
};

/** Something the caller can put right. */
export type UserError = {
  /** Stable, for programs: `INVALID`, `UNKNOWN`, `CONFLICT`, `UNSUPPORTED`. */
  readonly code: Scalars['String']['output'];
  /** For people: what is wrong and what to change. */
  readonly message: Scalars['String']['output'];
  /** Where in the arguments: `["spec", "learningRate"]`. */
  readonly path: ReadonlyArray<Scalars['String']['output']>;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;

export type ReferenceResolver<TResult, TReference, TContext> = (
      reference: TReference,
      context: TContext,
      info: GraphQLResolveInfo
    ) => Promise<TResult> | TResult;

      type ScalarCheck<T, S> = S extends true ? T : NullableCheck<T, S>;
      type NullableCheck<T, S> = Maybe<T> extends T ? Maybe<ListCheck<NonNullable<T>, S>> : ListCheck<T, S>;
      type ListCheck<T, S> = T extends (infer U)[] ? NullableCheck<U, S>[] : GraphQLRecursivePick<T, S>;
      export type GraphQLRecursivePick<T, S> = { [K in keyof T & keyof S]: ScalarCheck<T[K], S[K]> };
    

export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

/** Mapping of federation types */
export type FederationTypes = {
  GpuResource: GpuResource;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  GpuResource:
    ( { __typename: 'GpuResource' }
    & GraphQLRecursivePick<FederationTypes['GpuResource'], {"id":true}> );
};


/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  UserError: ( TrainingUserErrorMapper );
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AdapterAlgorithm: AdapterAlgorithm;
  CloudTier: CloudTier;
  DataCenterStock: ResolverTypeWrapper<DataCenterStock>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  DatasetInput: DatasetInput;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  GpuPlatform: ResolverTypeWrapper<PlatformStatus>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  GpuResource: ResolverTypeWrapper<CatalogueEntry>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  GpuResourceFilter: GpuResourceFilter;
  GpuResourceOrder: GpuResourceOrder;
  HuggingFaceDatasetInput: HuggingFaceDatasetInput;
  LimitsInput: LimitsInput;
  ModelSource: ModelSource;
  PlacementInput: PlacementInput;
  Pricing: ResolverTypeWrapper<Price>;
  Quantization: Quantization;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  StockLevel: StockLevel;
  TrainerBackend: TrainerBackend;
  TrainingOption: ResolverTypeWrapper<TrainingOptionMapper>;
  TrainingPlan: ResolverTypeWrapper<TrainingPlanMapper>;
  TrainingSpecInput: TrainingSpecInput;
  TrainingUserError: ResolverTypeWrapper<TrainingUserErrorMapper>;
  UserError: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['UserError']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DataCenterStock: DataCenterStock;
  ID: Scalars['ID']['output'];
  String: Scalars['String']['output'];
  DatasetInput: DatasetInput;
  DateTime: Scalars['DateTime']['output'];
  GpuPlatform: PlatformStatus;
  Float: Scalars['Float']['output'];
  Boolean: Scalars['Boolean']['output'];
  GpuResource: CatalogueEntry;
  Int: Scalars['Int']['output'];
  GpuResourceFilter: GpuResourceFilter;
  HuggingFaceDatasetInput: HuggingFaceDatasetInput;
  LimitsInput: LimitsInput;
  PlacementInput: PlacementInput;
  Pricing: Price;
  Query: Record<PropertyKey, never>;
  TrainingOption: TrainingOptionMapper;
  TrainingPlan: TrainingPlanMapper;
  TrainingSpecInput: TrainingSpecInput;
  TrainingUserError: TrainingUserErrorMapper;
  UserError: ResolversInterfaceTypes<ResolversParentTypes>['UserError'];
};

export type DataCenterStockResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DataCenterStock'] = ResolversParentTypes['DataCenterStock']> = {
  dataCenterId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type GpuPlatformResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GpuPlatform'] = ResolversParentTypes['GpuPlatform']> = {
  balanceUsd?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  connected?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  emulated?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  error?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  spendUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  supportsSpot?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  verifiedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type GpuResourceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GpuResource'] = ResolversParentTypes['GpuResource'], FederationReferenceType extends FederationReferenceTypes['GpuResource'] = FederationReferenceTypes['GpuResource']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['GpuResource']> | FederationReferenceType, FederationReferenceType, ContextType>;
  clouds?: Resolver<ReadonlyArray<ResolversTypes['CloudTier']>, ParentType, ContextType>;
  cudaVersions?: Resolver<Maybe<ReadonlyArray<ResolversTypes['String']>>, ParentType, ContextType>;
  dataCenters?: Resolver<Maybe<ReadonlyArray<ResolversTypes['DataCenterStock']>>, ParentType, ContextType, RequireFields<GpuResourceDataCentersArgs, 'cloud' | 'gpuCount'>>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  manufacturer?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  maxGpuCount?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType, RequireFields<GpuResourceMaxGpuCountArgs, 'cloud'>>;
  memoryGb?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  pricing?: Resolver<Maybe<ResolversTypes['Pricing']>, ParentType, ContextType, RequireFields<GpuResourcePricingArgs, 'cloud' | 'gpuCount'>>;
};

export type PricingResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Pricing'] = ResolversParentTypes['Pricing']> = {
  billingIncrementSeconds?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  cloud?: Resolver<ResolversTypes['CloudTier'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  gpuCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  gpuResource?: Resolver<ResolversTypes['GpuResource'], ParentType, ContextType>;
  isStale?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  minimumChargeSeconds?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  observedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  onDemandUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  spotAvailable?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  spotUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  gpuPlatform?: Resolver<ResolversTypes['GpuPlatform'], ParentType, ContextType>;
  gpuResource?: Resolver<Maybe<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourceArgs, 'id'>>;
  gpuResources?: Resolver<ReadonlyArray<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourcesArgs, 'orderBy'>>;
  trainingPlan?: Resolver<ResolversTypes['TrainingPlan'], ParentType, ContextType, RequireFields<QueryTrainingPlanArgs, 'spec'>>;
};

export type TrainingOptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingOption'] = ResolversParentTypes['TrainingOption']> = {
  cloud?: Resolver<ResolversTypes['CloudTier'], ParentType, ContextType>;
  estimatedSeconds?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  estimatedUsd?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  fits?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  gpuCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  gpuResource?: Resolver<ResolversTypes['GpuResource'], ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
  usdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
};

export type TrainingPlanResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingPlan'] = ResolversParentTypes['TrainingPlan']> = {
  options?: Resolver<ReadonlyArray<ResolversTypes['TrainingOption']>, ParentType, ContextType>;
  requiredMemoryGb?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  script?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
  warnings?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type TrainingUserErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingUserError'] = ResolversParentTypes['TrainingUserError']> = {
  code?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  path?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type UserErrorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['UserError'] = ResolversParentTypes['UserError']> = {
  __resolveType: TypeResolveFn<'TrainingUserError', ParentType, ContextType>;
};

export type Resolvers<ContextType = Context> = {
  DataCenterStock?: DataCenterStockResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  GpuPlatform?: GpuPlatformResolvers<ContextType>;
  GpuResource?: GpuResourceResolvers<ContextType>;
  Pricing?: PricingResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  TrainingOption?: TrainingOptionResolvers<ContextType>;
  TrainingPlan?: TrainingPlanResolvers<ContextType>;
  TrainingUserError?: TrainingUserErrorResolvers<ContextType>;
  UserError?: UserErrorResolvers<ContextType>;
};

