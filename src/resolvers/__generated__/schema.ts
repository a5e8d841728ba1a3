import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { Job, Attempt, JobProgress } from '../../domain/job/job.ts';
import type { TrainingSpec as TrainingSpecMapper } from '../../domain/training/training-spec.ts';
import type { TrainingFailure as TrainingFailureMapper } from '../../domain/training/failure.ts';
import type { ArtifactRow } from '../../store/artifacts.ts';
import type { LogBatch as LogBatchMapper, MetricBatch as MetricBatchMapper, StreamEnd as StreamEndMapper, JobPage } from '../connections.ts';
import type { CatalogueEntry } from '../../domain/gpu.ts';
import type { Price } from '../../domain/price.ts';
import type { TrainingPlan as TrainingPlanMapper, TrainingOption as TrainingOptionMapper } from '../../domain/training/training-plan.ts';
import type { TrainingUserError as TrainingUserErrorMapper } from '../../domain/training/user-error.ts';
import type { PlatformStatus } from '../../datasources/platform-status.ts';
import type { Context } from '../../context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A whole number of bytes, up to 2^53. */
  ByteCount: { input: number; output: number; }
  /** An instant in UTC, as RFC 3339 text with milliseconds: `2026-11-24T09:30:00.000Z`. */
  DateTime: { input: number; output: number; }
  /** Any JSON value. */
  JSON: { input: unknown; output: unknown; }
  /** Opaque. A place in one job's log or metrics; survives restarts, replicas and reconnects. */
  LogCursor: { input: string; output: string; }
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

/** What a file is. */
export type ArtifactKind =
  /** The trained adapter. */
  | 'ADAPTER'
  /** A state to go on from. */
  | 'CHECKPOINT'
  /** Configuration of the adapter or the training. */
  | 'CONFIG'
  /** The log. */
  | 'LOG'
  /** Anything else. */
  | 'OTHER'
  /** Files of the tokenizer. */
  | 'TOKENIZER';

/** How one attempt ended. */
export type AttemptOutcome =
  /** The job was cancelled. */
  | 'CANCELLED'
  /** It failed; the job's `failure` or its log says why. */
  | 'FAILED'
  /** Its pod disappeared or restarted. */
  | 'LOST'
  /** The job was paused. */
  | 'PAUSED'
  /** The cloud took its spot pod back. */
  | 'RECLAIMED'
  /** It trained to the end and its results were stored. */
  | 'SUCCEEDED';

/** The outcome of a cancellation. */
export type CancelTrainingJobPayload = {
  readonly __typename?: 'CancelTrainingJobPayload';
  /** The job; it ends shortly. Null with `userErrors`. */
  readonly job: Maybe<TrainingJob>;
  /** Why nothing was done; empty: the cancellation stands. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
};

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

/** Where to send a dataset. */
export type DatasetUploadPayload = {
  readonly __typename?: 'DatasetUploadPayload';
  /** When `uploadUrl` stops working. */
  readonly expiresAt: Maybe<Scalars['DateTime']['output']>;
  /** Names it in `DatasetInput.uploadId`; null with `userErrors`. */
  readonly uploadId: Maybe<Scalars['ID']['output']>;
  /** PUT the bytes here, once, before `expiresAt`; the answer says what is wrong with them. */
  readonly uploadUrl: Maybe<Scalars['String']['output']>;
  /** What is wrong with the request; empty: go on. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
};

/**
 * What is done when a run diverges: the loss is no number, or has doubled over five points, or the
 * gradient norm is above 10 or five times its average.
 */
export type DivergencePolicy =
  /** It goes on, and the trainer does not look; only this service's own warning tells. */
  | 'CONTINUE'
  /** The job fails with `TRAINING_DIVERGED`. */
  | 'STOP'
  /** A line in the log and a reason on the job; it goes on. */
  | 'WARN';

/** Why a job failed, for programs. */
export type FailureCode =
  /** What was fetched is not what the pod said it would be. */
  | 'ARTIFACT_CORRUPT'
  /** `maxCostUsd` was reached. */
  | 'BUDGET_EXHAUSTED'
  /** The host's driver is too old for the image. */
  | 'CUDA_MISMATCH'
  /** The dataset cannot be read. */
  | 'DATASET_INVALID'
  /** The pod's disk was full. */
  | 'DISK_FULL'
  /** The container image could not be fetched. */
  | 'IMAGE_PULL'
  /** The GPU cloud's account lacks credit. */
  | 'INSUFFICIENT_BALANCE'
  /** A fault of this service. */
  | 'INTERNAL'
  /** The base model needs a token that was not given or not accepted. */
  | 'MODEL_GATED'
  /** There is no such base model. */
  | 'MODEL_NOT_FOUND'
  /** The trainer cannot load this model, or adapt it this way. */
  | 'MODEL_UNSUPPORTED'
  /** No machine of the wanted kind was free for as long as was waited. */
  | 'NO_CAPACITY'
  /** The GPU's memory, or the machine's, was not enough. */
  | 'OUT_OF_MEMORY'
  /** The GPU cloud refuses the request. */
  | 'PLATFORM_REJECTED'
  /** The GPU cloud did not answer for too long. */
  | 'PLATFORM_UNAVAILABLE'
  /** The pod disappeared, more often than attempts were allowed. */
  | 'POD_LOST'
  /** Everything that fits costs more than `maxUsdPerHour`. */
  | 'PRICE_ABOVE_LIMIT'
  /** `maxRuntimeSeconds` was reached. */
  | 'RUNTIME_LIMIT'
  /** The cloud took the spot pod back, more often than attempts were allowed. */
  | 'SPOT_RECLAIMED'
  /** The pod did not come up in time. */
  | 'STARTUP_TIMEOUT'
  /** The trainer ended with an error of its own. */
  | 'TRAINER_CRASHED'
  /** The loss ran away, and `onDivergence` is STOP. */
  | 'TRAINING_DIVERGED'
  /** The GPU cloud does not accept the key. */
  | 'UNAUTHORIZED';

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

/** A name and a value that the submitter attached. */
export type JobLabel = {
  readonly __typename?: 'JobLabel';
  /** 1 to 64 letters, digits, dots, dashes, underscores and slashes. */
  readonly name: Scalars['String']['output'];
  /** At most 256 characters. */
  readonly value: Scalars['String']['output'];
};

/** A name and a value to attach. */
export type JobLabelInput = {
  /** 1 to 64 letters, digits, dots, dashes, underscores and slashes. */
  readonly name: Scalars['String']['input'];
  /** At most 256 characters. */
  readonly value: Scalars['String']['input'];
};

/** What ends a job at the latest. Omitted: the server's own limits, which are also the highest. */
export type LimitsInput = {
  /** Pods that may be tried one after the other. */
  readonly maxAttempts?: InputMaybe<Scalars['Int']['input']>;
  /** USD over all attempts. */
  readonly maxCostUsd?: InputMaybe<Scalars['Float']['input']>;
  /** Seconds from the first rented pod on; pauses do not count. */
  readonly maxRuntimeSeconds?: InputMaybe<Scalars['Int']['input']>;
};

/** Lines of a job's log that follow each other. */
export type LogBatch = {
  readonly __typename?: 'LogBatch';
  /** How many lines. */
  readonly count: Scalars['Int']['output'];
  /** Hand it back as `after` to go on behind this batch; null: nothing is stored yet. */
  readonly endCursor: Maybe<Scalars['LogCursor']['output']>;
  /** Number of the first line; null: the batch is empty, a sign of life. */
  readonly firstSeq: Maybe<Scalars['Int']['output']>;
  /** The same lines with what is known of each. */
  readonly lines: ReadonlyArray<LogLine>;
  /** Where the stream was before this batch; null: at the beginning. It is the `endCursor` of the batch before. */
  readonly previousCursor: Maybe<Scalars['LogCursor']['output']>;
  /** The lines joined by a line feed: the cheap shape, for terminals. */
  readonly text: Scalars['String']['output'];
};

/** Which lines. */
export type LogFilter = {
  /** Only of this attempt. */
  readonly attempt?: InputMaybe<Scalars['Int']['input']>;
  /** Only with this text, whatever the case; at most 256 characters. */
  readonly contains?: InputMaybe<Scalars['String']['input']>;
  /** Only from these sources. */
  readonly sources?: InputMaybe<ReadonlyArray<LogSource>>;
};

/** One line of a job's log. */
export type LogLine = {
  readonly __typename?: 'LogLine';
  /** When it was written. */
  readonly at: Scalars['DateTime']['output'];
  /** The attempt it belongs to; 0: none. */
  readonly attempt: Scalars['Int']['output'];
  /** Its place: hand it back as `after`. */
  readonly cursor: Scalars['LogCursor']['output'];
  /** Its number in the job's log: from 1, without gaps. */
  readonly seq: Scalars['Int']['output'];
  /** Where it comes from. */
  readonly source: LogSource;
  /** Its text, without the line break. May hold ANSI sequences: escape before showing. */
  readonly text: Scalars['String']['output'];
};

/** A page of a job's log. */
export type LogPage = {
  readonly __typename?: 'LogPage';
  /** Where to go on; with a filter it may be behind the last line. Null: nothing is stored yet. */
  readonly endCursor: Maybe<Scalars['LogCursor']['output']>;
  /** Whether more is stored behind `endCursor`. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Whether there is more before `startCursor`. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** In their order. */
  readonly lines: ReadonlyArray<LogLine>;
  /** Of the first line; null: the page is empty. */
  readonly startCursor: Maybe<Scalars['LogCursor']['output']>;
};

/** Where a line comes from. */
export type LogSource =
  /** This service: what it did with the job. */
  | 'LIFECYCLE'
  /** The trainer's standard error. */
  | 'STDERR'
  /** The trainer's standard output. */
  | 'STDOUT'
  /** The pod's system and its agent. */
  | 'SYSTEM';

/** Measured values that follow each other. */
export type MetricBatch = {
  readonly __typename?: 'MetricBatch';
  /** Hand it back as `after` to go on behind this batch; null: nothing is stored yet. */
  readonly endCursor: Maybe<Scalars['LogCursor']['output']>;
  /** In their order; empty: a sign of life. */
  readonly points: ReadonlyArray<MetricPoint>;
};

/** A page of a job's metrics. */
export type MetricPage = {
  readonly __typename?: 'MetricPage';
  /** Where to go on; null: nothing is stored yet. */
  readonly endCursor: Maybe<Scalars['LogCursor']['output']>;
  /** Whether more is stored behind `endCursor`. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** In their order. */
  readonly points: ReadonlyArray<MetricPoint>;
};

/** One measured value. */
export type MetricPoint = {
  readonly __typename?: 'MetricPoint';
  /** When it was measured. */
  readonly at: Scalars['DateTime']['output'];
  /** Passes over the dataset by then; null: unknown. */
  readonly epoch: Maybe<Scalars['Float']['output']>;
  /** Such as `loss`, `learningRate`, `gradNorm`, `evalLoss`. */
  readonly name: Scalars['String']['output'];
  /** Its number in the job's metrics: from 1, without gaps. */
  readonly seq: Scalars['Int']['output'];
  /** The update it belongs to; null: none. */
  readonly step: Maybe<Scalars['Int']['output']>;
  /** Null: it was not a number. */
  readonly value: Maybe<Scalars['Float']['output']>;
};

/** Where the base model comes from. */
export type ModelSource =
  /** The Hugging Face Hub. */
  | 'HUGGINGFACE';

/** What can be done. */
export type Mutation = {
  readonly __typename?: 'Mutation';
  /**
   * Ends a job, whatever it is doing; its pod is terminated and what is not stored is lost. A job that
   * has ended already is answered as it is.
   */
  readonly cancelTrainingJob: CancelTrainingJobPayload;
  /**
   * Prepares the upload of a dataset: JSONL, JSON, CSV or Parquet. Its rows are checked when they come; a
   * refusal names up to 20 of them. The emulator's toy trainer reads all of these but Parquet.
   */
  readonly createDatasetUpload: DatasetUploadPayload;
  /** Decides what becomes of a pod in quarantine. */
  readonly decideQuarantinedPod: QuarantineDecisionPayload;
  /**
   * Stops a job at a checkpoint and releases its pod: nothing costs until it is resumed. One without a
   * pod is paused at once; one whose results are being fetched completes. A pause uses up no attempt
   * and counts for no limit of time, and a cancellation wins over it. A pod that does not hand a
   * checkpoint over in time is given up for the last one that is stored. To ask again changes nothing;
   * a job that has ended is refused.
   */
  readonly pauseTrainingJob: PauseTrainingJobPayload;
  /**
   * Ends a pause: another pod is rented and goes on from the checkpoint. A job that is not paused is
   * answered as it is; one that has ended is refused.
   */
  readonly resumeTrainingJob: PauseTrainingJobPayload;
  /**
   * Submits an ended job again, as a new one, with another placement if one is given. It begins anew:
   * checkpoints are their job's.
   */
  readonly retryTrainingJob: SubmitTrainingJobPayload;
  /**
   * Accepts a training. The answer comes at once and means that it is stored for good; a pod is rented
   * afterwards.
   */
  readonly submitTrainingJob: SubmitTrainingJobPayload;
};


/** What can be done. */
export type MutationCancelTrainingJobArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationCreateDatasetUploadArgs = {
  fileName: Scalars['String']['input'];
  sizeBytes?: InputMaybe<Scalars['ByteCount']['input']>;
};


/** What can be done. */
export type MutationDecideQuarantinedPodArgs = {
  decision: QuarantineDecision;
  podId: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationPauseTrainingJobArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationResumeTrainingJobArgs = {
  id: Scalars['ID']['input'];
};


/** What can be done. */
export type MutationRetryTrainingJobArgs = {
  id: Scalars['ID']['input'];
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  placement?: InputMaybe<PlacementInput>;
};


/** What can be done. */
export type MutationSubmitTrainingJobArgs = {
  input: SubmitTrainingJobInput;
};

/** Where a page lies in its list. */
export type PageInfo = {
  readonly __typename?: 'PageInfo';
  /** Of the last item; null: the page is empty. */
  readonly endCursor: Maybe<Scalars['String']['output']>;
  /** Whether there is more after `endCursor`. */
  readonly hasNextPage: Scalars['Boolean']['output'];
  /** Whether there is more before `startCursor`. */
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  /** Of the first item; null: the page is empty. */
  readonly startCursor: Maybe<Scalars['String']['output']>;
};

/** The outcome of the wish to pause a job, or to resume it. */
export type PauseTrainingJobPayload = {
  readonly __typename?: 'PauseTrainingJobPayload';
  /** The job; what was wished happens shortly. Null with `userErrors`. */
  readonly job: Maybe<TrainingJob>;
  /** Why nothing was done; empty: the wish stands. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
};

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
  /** Whether secrets and uploaded datasets may go to machines of the community cloud, which are strangers'. */
  readonly trustCommunityHosts?: Scalars['Boolean']['input'];
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

/** What to do with a quarantined pod. */
export type QuarantineDecision =
  /** Leave it alone: somebody else sees to it. */
  | 'KEEP'
  /** End it now. */
  | 'TERMINATE';

/** The outcome of a decision about a quarantined pod. */
export type QuarantineDecisionPayload = {
  readonly __typename?: 'QuarantineDecisionPayload';
  /** Why nothing was done; empty: the decision stands and is carried out shortly. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
};

/** What can be asked. */
export type Query = {
  readonly __typename?: 'Query';
  /** The GPU cloud behind this service, as it answered at most half a minute ago. */
  readonly gpuPlatform: GpuPlatform;
  /** One GPU by the platform's id; null: the platform lists no such GPU. */
  readonly gpuResource: Maybe<GpuResource>;
  /** The GPUs the platform lists. */
  readonly gpuResources: ReadonlyArray<GpuResource>;
  /** Every pod of this installation that may cost money now, at most 5000. */
  readonly rentedPods: ReadonlyArray<RentedPod>;
  /** One job; null: there is none by this id. */
  readonly trainingJob: Maybe<TrainingJob>;
  /** Jobs, newest first. */
  readonly trainingJobs: TrainingJobConnection;
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
export type QueryTrainingJobArgs = {
  id: Scalars['ID']['input'];
};


/** What can be asked. */
export type QueryTrainingJobsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: Scalars['Int']['input'];
  nameContains?: InputMaybe<Scalars['String']['input']>;
  status?: InputMaybe<ReadonlyArray<TrainingJobStatus>>;
};


/** What can be asked. */
export type QueryTrainingPlanArgs = {
  limits?: InputMaybe<LimitsInput>;
  placement?: InputMaybe<PlacementInput>;
  spec: TrainingSpecInput;
};

/** A pod that may cost money now. */
export type RentedPod = {
  readonly __typename?: 'RentedPod';
  /** The attempt it was rented for; null: the store knows of none. */
  readonly attempt: Maybe<Scalars['Int']['output']>;
  /** What was decided by hand; null: nothing, or it is not in quarantine. */
  readonly decision: Maybe<QuarantineDecision>;
  /** The job it was rented for; null: the store knows of none. */
  readonly jobId: Maybe<Scalars['ID']['output']>;
  /** By the platform; null: not known yet. */
  readonly podId: Maybe<Scalars['ID']['output']>;
  /** Given by this service; unique for ever. */
  readonly podName: Scalars['String']['output'];
  /** When it was asked for, or first seen. */
  readonly since: Scalars['DateTime']['output'];
  /** What is known of it. */
  readonly state: RentedPodState;
  /** USD per hour of the whole pod. */
  readonly usdPerHour: Scalars['Float']['output'];
};

/** What this service knows of a pod that may cost money. */
export type RentedPodState =
  /** It is being terminated: it is not seen to be gone yet. */
  | 'CONDEMNED'
  /** Asked for; whether it exists is not known yet. */
  | 'INTENDED'
  /** It works for an attempt of a job. */
  | 'LIVE'
  /**
   * It bears this installation's name, but the store has never heard of it, as after a restored backup.
   * It is terminated after `QUARANTINE_SECONDS` unless it is kept by hand.
   */
  | 'QUARANTINED';

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

/** Ends a stream. A stream that stops without one was cut: resume after the last cursor. */
export type StreamEnd = {
  readonly __typename?: 'StreamEnd';
  /** Where to go on; null: from the beginning. */
  readonly cursor: Maybe<Scalars['LogCursor']['output']>;
  /** Why it ended. */
  readonly reason: StreamEndReason;
  /** Whether to resume after `cursor`. */
  readonly retry: Scalars['Boolean']['output'];
};

/** Why a stream ended. */
export type StreamEndReason =
  /** The job has ended, and everything was sent. */
  | 'JOB_ENDED'
  /** The reader was too slow for too long: resume when it can read. */
  | 'LAGGED'
  /** The server goes down: resume at once, perhaps at another. */
  | 'SHUTTING_DOWN'
  /** The caller may not read this any more. */
  | 'UNAUTHORIZED';

/** A training to be run. */
export type SubmitTrainingJobInput = {
  /**
   * Makes a repeated submission harmless: the same key with the same content answers the same job, with
   * other content it is refused. Kept for at least a week. At most 128 characters.
   */
  readonly idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  /** At most 20, each name once. */
  readonly labels?: InputMaybe<ReadonlyArray<JobLabelInput>>;
  /** What ends it at the latest. */
  readonly limits?: InputMaybe<LimitsInput>;
  /** For people; 1 to 200 characters. */
  readonly name: Scalars['String']['input'];
  /** Where it may run; omitted: one GPU in the secure cloud, the cheapest that fits. */
  readonly placement?: InputMaybe<PlacementInput>;
  /** What is to be trained. */
  readonly spec: TrainingSpecInput;
};

/** The outcome of a submission: a job, or what is wrong. */
export type SubmitTrainingJobPayload = {
  readonly __typename?: 'SubmitTrainingJobPayload';
  /** The accepted job; null with `userErrors`. */
  readonly job: Maybe<TrainingJob>;
  /** Everything that is wrong, at once; empty: it was accepted. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
};

/** What can be followed. Over WebSocket (graphql-transport-ws), or as an event stream. */
export type Subscription = {
  readonly __typename?: 'Subscription';
  /** A job as it is, at once, and again after every change; completes when the job has ended. */
  readonly trainingJobChanged: TrainingJob;
  /**
   * A job's log: what is stored after the cursor, then what comes, every line exactly once and in order.
   * A batch comes at once, if only an empty one, and an empty one after 15 seconds of silence. Without
   * a `StreamEnd` the stream was cut: subscribe again with the last `endCursor`.
   */
  readonly trainingJobLogs: TrainingJobLogEvent;
  /** A job's metrics, in the same way. */
  readonly trainingJobMetrics: TrainingJobMetricEvent;
};


/** What can be followed. Over WebSocket (graphql-transport-ws), or as an event stream. */
export type SubscriptionTrainingJobChangedArgs = {
  jobId: Scalars['ID']['input'];
};


/** What can be followed. Over WebSocket (graphql-transport-ws), or as an event stream. */
export type SubscriptionTrainingJobLogsArgs = {
  after?: InputMaybe<Scalars['LogCursor']['input']>;
  filter?: InputMaybe<LogFilter>;
  jobId: Scalars['ID']['input'];
};


/** What can be followed. Over WebSocket (graphql-transport-ws), or as an event stream. */
export type SubscriptionTrainingJobMetricsArgs = {
  after?: InputMaybe<Scalars['LogCursor']['input']>;
  jobId: Scalars['ID']['input'];
};

/** The libraries that train. */
export type TrainerBackend =
  /** Unsloth where it supports the specification, else TRL. */
  | 'AUTO'
  /** Transformers, PEFT and TRL: every algorithm. */
  | 'TRL'
  /** Unsloth: faster, needs less memory, fewer algorithms. */
  | 'UNSLOTH';

/** A stored, verified result of a job. */
export type TrainingArtifact = {
  readonly __typename?: 'TrainingArtifact';
  /** When it was stored. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** Signed, good for an hour; anyone who has it can download. Supports Range and If-Range. */
  readonly downloadUrl: Scalars['String']['output'];
  /** Made by this service. */
  readonly id: Scalars['ID']['output'];
  /** The job it is a result of. */
  readonly job: TrainingJob;
  /** What it is. */
  readonly kind: ArtifactKind;
  /** Its relative path, with slashes. */
  readonly path: Scalars['String']['output'];
  /** SHA-256 of its bytes, in hex. */
  readonly sha256: Scalars['String']['output'];
  /** Its size. */
  readonly sizeBytes: Scalars['ByteCount']['output'];
};

/** One try of a job on one pod. */
export type TrainingAttempt = {
  readonly __typename?: 'TrainingAttempt';
  /** Where the pod was; null: unknown. */
  readonly dataCenterId: Maybe<Scalars['ID']['output']>;
  /** When it ended; null: it has not. */
  readonly endedAt: Maybe<Scalars['DateTime']['output']>;
  /** The trainer's exit code; null: it has not ended, or nobody saw it. */
  readonly exitCode: Maybe<Scalars['Int']['output']>;
  /** The GPU, by the platform's id; null: no pod was rented. */
  readonly gpuResourceId: Maybe<Scalars['ID']['output']>;
  /** From 1. */
  readonly number: Scalars['Int']['output'];
  /** How it ended; null: it has not. */
  readonly outcome: Maybe<AttemptOutcome>;
  /** The step of the checkpoint it went on from; null: it began anew, or has not begun. */
  readonly resumedFromStep: Maybe<Scalars['Int']['output']>;
  /** Whether it was an interruptible pod. */
  readonly spot: Scalars['Boolean']['output'];
  /** When the pod was asked for. */
  readonly startedAt: Maybe<Scalars['DateTime']['output']>;
  /** USD per hour of the whole pod, as the platform said; null: no pod was rented. */
  readonly usdPerHour: Maybe<Scalars['Float']['output']>;
};

/** What a job costs, in USD. */
export type TrainingCost = {
  readonly __typename?: 'TrainingCost';
  /** What the platform has billed, as its records say some time afterwards; null: not known yet. */
  readonly billedUsd: Maybe<Scalars['Float']['output']>;
  /** The estimate at its submission; null: unknown. */
  readonly estimatedUsd: Maybe<Scalars['Float']['output']>;
  /** What runs now, per hour; null: nothing does. */
  readonly usdPerHour: Maybe<Scalars['Float']['output']>;
  /** Worked out from the rented pods' prices, per second, all attempts. */
  readonly usdSoFar: Scalars['Float']['output'];
};

/** Why a job failed. */
export type TrainingFailure = {
  readonly __typename?: 'TrainingFailure';
  /** For programs. */
  readonly code: FailureCode;
  /** For people. */
  readonly message: Scalars['String']['output'];
  /** Whether the same job may succeed when it is tried again. */
  readonly retryable: Scalars['Boolean']['output'];
  /** What can be done about it. */
  readonly suggestions: ReadonlyArray<Scalars['String']['output']>;
};

/** One training, from its submission to its verified result. */
export type TrainingJob = {
  readonly __typename?: 'TrainingJob';
  /** Stored, verified results; empty until there are some. While it trains, its newest checkpoints. */
  readonly artifacts: ReadonlyArray<TrainingArtifact>;
  /** Every pod that was tried, oldest first. */
  readonly attempts: ReadonlyArray<TrainingAttempt>;
  /** When its cancellation was asked for; null: it was not. */
  readonly cancelRequestedAt: Maybe<Scalars['DateTime']['output']>;
  /** Which part of the cloud the newest pod is in; null: none was rented yet. */
  readonly cloud: Maybe<CloudTier>;
  /** What it costs. */
  readonly cost: TrainingCost;
  /** When it was submitted. */
  readonly createdAt: Scalars['DateTime']['output'];
  /** When it ended; null: it has not. */
  readonly endedAt: Maybe<Scalars['DateTime']['output']>;
  /** Why it failed; null: it has not. */
  readonly failure: Maybe<TrainingFailure>;
  /** GPUs of the newest pod; null: none was rented yet. */
  readonly gpuCount: Maybe<Scalars['Int']['output']>;
  /** The GPU of the newest pod; null: none was rented yet, or the catalogue does not list it any more. */
  readonly gpuResource: Maybe<GpuResource>;
  /** Made by this service; never given twice. */
  readonly id: Scalars['ID']['output'];
  /** As submitted. */
  readonly labels: ReadonlyArray<JobLabel>;
  /**
   * Lines of the log, in their order: the first ones after a cursor, or the last ones before one.
   * Without `first` and `last`: the first 100. At most 1000 at a time.
   */
  readonly logs: Maybe<LogPage>;
  /** Measured values in their order, at most 10000 at a time; `first` defaults to 1000. */
  readonly metrics: Maybe<MetricPage>;
  /** As submitted. */
  readonly name: Scalars['String']['output'];
  /** When the pause was asked for that it is in, or on its way to; null: neither. */
  readonly pauseRequestedAt: Maybe<Scalars['DateTime']['output']>;
  /** How far training is; null: it has not begun. */
  readonly progress: Maybe<TrainingProgress>;
  /** The trainer program and its configuration, as they ran or would run. */
  readonly script: Maybe<Scalars['String']['output']>;
  /** What is trained, with every default filled in. */
  readonly spec: TrainingSpec;
  /** When its first pod was rented; null: none was yet. */
  readonly startedAt: Maybe<Scalars['DateTime']['output']>;
  /** Where it stands. */
  readonly status: TrainingJobStatus;
  /** What it waits for or what happened last, for people; null: the status says it all. */
  readonly statusReason: Maybe<Scalars['String']['output']>;
};


/** One training, from its submission to its verified result. */
export type TrainingJobLogsArgs = {
  after?: InputMaybe<Scalars['LogCursor']['input']>;
  before?: InputMaybe<Scalars['LogCursor']['input']>;
  filter?: InputMaybe<LogFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
  last?: InputMaybe<Scalars['Int']['input']>;
};


/** One training, from its submission to its verified result. */
export type TrainingJobMetricsArgs = {
  after?: InputMaybe<Scalars['LogCursor']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  names?: InputMaybe<ReadonlyArray<Scalars['String']['input']>>;
};

/** Jobs, newest first. */
export type TrainingJobConnection = {
  readonly __typename?: 'TrainingJobConnection';
  /** With their cursors. */
  readonly edges: ReadonlyArray<TrainingJobEdge>;
  /** The jobs alone. */
  readonly nodes: ReadonlyArray<TrainingJob>;
  /** Whether there are more. */
  readonly pageInfo: PageInfo;
  /** How many there are in all pages; null: unknown. */
  readonly totalCount: Maybe<Scalars['Int']['output']>;
};

/** One job in a list. */
export type TrainingJobEdge = {
  readonly __typename?: 'TrainingJobEdge';
  /** Hand it back as `after`. */
  readonly cursor: Scalars['String']['output'];
  /** The job. */
  readonly node: TrainingJob;
};

/** What a stream of log lines sends. */
export type TrainingJobLogEvent = LogBatch | StreamEnd;

/** What a stream of metrics sends. */
export type TrainingJobMetricEvent = MetricBatch | StreamEnd;

/** Where a job stands. It ends in exactly one of COMPLETED, FAILED and CANCELLED. */
export type TrainingJobStatus =
  /** Cancelled by a caller. */
  | 'CANCELLED'
  /** Training is over; results are being fetched and verified. */
  | 'COLLECTING'
  /** Every result is stored and verified. */
  | 'COMPLETED'
  /** It ended without a result; `failure` says why. */
  | 'FAILED'
  /** Stopped at a checkpoint, without a pod and without cost, for as long as nobody resumes or cancels it. */
  | 'PAUSED'
  /** Accepted; no pod is rented yet. */
  | 'PENDING'
  /** The pod is up: it gets specification and dataset and installs what it needs. */
  | 'PREPARING'
  /** A pod is being rented or boots. It may cost already. */
  | 'PROVISIONING'
  /** It trains. */
  | 'RUNNING';

/** One way to place a job. */
export type TrainingOption = {
  readonly __typename?: 'TrainingOption';
  /** Which part of the cloud. */
  readonly cloud: CloudTier;
  /** Estimated seconds of training; null: unknown, as without `maxSteps`. */
  readonly estimatedSeconds: Maybe<Scalars['Int']['output']>;
  /** Estimated USD for them; null: unknown. */
  readonly estimatedUsd: Maybe<Scalars['Float']['output']>;
  /** Whether the memory is enough by the estimate and its machines run the trainer; false as well where the need is unknown. */
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
  /** The libraries that train: as asked for, or chosen by `AUTO`; null with `userErrors`. */
  readonly backend: Maybe<TrainerBackend>;
  /** Why these, for people; null with `userErrors`. */
  readonly backendReason: Maybe<Scalars['String']['output']>;
  /** Where it could run, cheapest first: GPUs that fit, or those that the placement names. Empty with `userErrors`. */
  readonly options: ReadonlyArray<TrainingOption>;
  /** Memory needed per GPU in GB, with a margin of 20 %; null: the size of the model is unknown. */
  readonly requiredMemoryGb: Maybe<Scalars['Float']['output']>;
  /** The trainer program and its configuration, as they would run; null with `userErrors`. */
  readonly script: Maybe<Scalars['String']['output']>;
  /** Everything that is wrong with the request, at once; empty: it could be submitted. */
  readonly userErrors: ReadonlyArray<TrainingUserError>;
  /** What may surprise, and what the estimates rest on. */
  readonly warnings: ReadonlyArray<Scalars['String']['output']>;
};

/** How far training is, as the trainer said last. */
export type TrainingProgress = {
  readonly __typename?: 'TrainingProgress';
  /** Passes over the dataset done; null: unknown. */
  readonly epoch: Maybe<Scalars['Float']['output']>;
  /** Share of all updates, 0 to 1; null: unknown. */
  readonly fraction: Maybe<Scalars['Float']['output']>;
  /** Estimated from the pace of the newest pod: its median step, evaluations and checkpoints; null: unknown. */
  readonly secondsRemaining: Maybe<Scalars['Int']['output']>;
  /** Updates done. */
  readonly step: Scalars['Int']['output'];
  /** Updates in all; null: unknown. */
  readonly totalSteps: Maybe<Scalars['Int']['output']>;
};

/**
 * What is trained, with every default filled in. Null: the algorithm has no such value, or the other of
 * `epochs` and `maxSteps` decides.
 */
export type TrainingSpec = {
  readonly __typename?: 'TrainingSpec';
  /** How the model is adapted. */
  readonly algorithm: AdapterAlgorithm;
  /** Scaling of the adapter. */
  readonly alpha: Maybe<Scalars['Float']['output']>;
  /** All of it, with what has no field here. */
  readonly asJson: Scalars['JSON']['output'];
  /** The libraries that train. */
  readonly backend: TrainerBackend;
  /** Name on the hub, with its owner. */
  readonly baseModel: Scalars['String']['output'];
  /** Sequences per GPU and step. */
  readonly batchSize: Scalars['Int']['output'];
  /** Dropout in the adapter. */
  readonly dropout: Maybe<Scalars['Float']['output']>;
  /** Passes over the dataset. */
  readonly epochs: Maybe<Scalars['Float']['output']>;
  /** Steps whose gradients are added up before an update. */
  readonly gradientAccumulationSteps: Scalars['Int']['output'];
  /** Peak learning rate. */
  readonly learningRate: Scalars['Float']['output'];
  /** Longest sequence in tokens. */
  readonly maxSequenceLength: Scalars['Int']['output'];
  /** Updates after which training ends. */
  readonly maxSteps: Maybe<Scalars['Int']['output']>;
  /** How the base model is held in memory. */
  readonly quantization: Quantization;
  /** Rank of the adapter. */
  readonly rank: Maybe<Scalars['Int']['output']>;
  /** Seed of everything random. */
  readonly seed: Scalars['Int']['output'];
  /** Layers that are adapted; null: every linear layer. */
  readonly targetModules: Maybe<ReadonlyArray<Scalars['String']['output']>>;
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
  /** Branch, tag or commit of the base model; default: the main branch. A job's later attempts take the same commit. */
  readonly modelRevision?: InputMaybe<Scalars['String']['input']>;
  /** Where the base model comes from. */
  readonly modelSource?: ModelSource;
  /** What a run that diverges leads to; default WARN. */
  readonly onDivergence?: InputMaybe<DivergencePolicy>;
  /** Whether short rows are packed into one sequence; default false. */
  readonly packing?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the base model is held in memory. */
  readonly quantization?: Quantization;
  /** Rank of the adapter, 1 to 1024; default 16. Not for IA3, which has none. */
  readonly rank?: InputMaybe<Scalars['Int']['input']>;
  /** Whether a run for which the GPU's memory was too small is tried once more with half of `batchSize` and twice `gradientAccumulationSteps`; default true. */
  readonly retryOutOfMemory?: InputMaybe<Scalars['Boolean']['input']>;
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
  TrainingArtifact: TrainingArtifact;
  TrainingJob: TrainingJob;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  GpuResource:
    ( { __typename: 'GpuResource' }
    & GraphQLRecursivePick<FederationTypes['GpuResource'], {"id":true}> );
  TrainingArtifact:
    ( { __typename: 'TrainingArtifact' }
    & GraphQLRecursivePick<FederationTypes['TrainingArtifact'], {"id":true}> );
  TrainingJob:
    ( { __typename: 'TrainingJob' }
    & GraphQLRecursivePick<FederationTypes['TrainingJob'], {"id":true}> );
};

/** Mapping of union types */
export type ResolversUnionTypes<_RefType extends Record<string, unknown>> = {
  TrainingJobLogEvent:
    | ( LogBatchMapper )
    | ( StreamEndMapper )
  ;
  TrainingJobMetricEvent:
    | ( MetricBatchMapper )
    | ( StreamEndMapper )
  ;
};

/** Mapping of interface types */
export type ResolversInterfaceTypes<_RefType extends Record<string, unknown>> = {
  UserError: ( TrainingUserErrorMapper );
};

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AdapterAlgorithm: AdapterAlgorithm;
  ArtifactKind: ArtifactKind;
  AttemptOutcome: AttemptOutcome;
  ByteCount: ResolverTypeWrapper<Scalars['ByteCount']['output']>;
  CancelTrainingJobPayload: ResolverTypeWrapper<Omit<CancelTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversTypes['TrainingUserError']> }>;
  CloudTier: CloudTier;
  DataCenterStock: ResolverTypeWrapper<DataCenterStock>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  DatasetInput: DatasetInput;
  DatasetUploadPayload: ResolverTypeWrapper<Omit<DatasetUploadPayload, 'userErrors'> & { userErrors: ReadonlyArray<ResolversTypes['TrainingUserError']> }>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DivergencePolicy: DivergencePolicy;
  FailureCode: FailureCode;
  GpuPlatform: ResolverTypeWrapper<PlatformStatus>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  GpuResource: ResolverTypeWrapper<CatalogueEntry>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  GpuResourceFilter: GpuResourceFilter;
  GpuResourceOrder: GpuResourceOrder;
  HuggingFaceDatasetInput: HuggingFaceDatasetInput;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  JobLabel: ResolverTypeWrapper<JobLabel>;
  JobLabelInput: JobLabelInput;
  LimitsInput: LimitsInput;
  LogBatch: ResolverTypeWrapper<LogBatchMapper>;
  LogCursor: ResolverTypeWrapper<Scalars['LogCursor']['output']>;
  LogFilter: LogFilter;
  LogLine: ResolverTypeWrapper<LogLine>;
  LogPage: ResolverTypeWrapper<LogPage>;
  LogSource: LogSource;
  MetricBatch: ResolverTypeWrapper<MetricBatchMapper>;
  MetricPage: ResolverTypeWrapper<MetricPage>;
  MetricPoint: ResolverTypeWrapper<MetricPoint>;
  ModelSource: ModelSource;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  PauseTrainingJobPayload: ResolverTypeWrapper<Omit<PauseTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversTypes['TrainingUserError']> }>;
  PlacementInput: PlacementInput;
  Pricing: ResolverTypeWrapper<Price>;
  Quantization: Quantization;
  QuarantineDecision: QuarantineDecision;
  QuarantineDecisionPayload: ResolverTypeWrapper<Omit<QuarantineDecisionPayload, 'userErrors'> & { userErrors: ReadonlyArray<ResolversTypes['TrainingUserError']> }>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RentedPod: ResolverTypeWrapper<RentedPod>;
  RentedPodState: RentedPodState;
  StockLevel: StockLevel;
  StreamEnd: ResolverTypeWrapper<StreamEndMapper>;
  StreamEndReason: StreamEndReason;
  SubmitTrainingJobInput: SubmitTrainingJobInput;
  SubmitTrainingJobPayload: ResolverTypeWrapper<Omit<SubmitTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversTypes['TrainingUserError']> }>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  TrainerBackend: TrainerBackend;
  TrainingArtifact: ResolverTypeWrapper<ArtifactRow>;
  TrainingAttempt: ResolverTypeWrapper<Attempt>;
  TrainingCost: ResolverTypeWrapper<TrainingCost>;
  TrainingFailure: ResolverTypeWrapper<TrainingFailureMapper>;
  TrainingJob: ResolverTypeWrapper<Job>;
  TrainingJobConnection: ResolverTypeWrapper<JobPage>;
  TrainingJobEdge: ResolverTypeWrapper<Omit<TrainingJobEdge, 'node'> & { node: ResolversTypes['TrainingJob'] }>;
  TrainingJobLogEvent: ResolverTypeWrapper<ResolversUnionTypes<ResolversTypes>['TrainingJobLogEvent']>;
  TrainingJobMetricEvent: ResolverTypeWrapper<ResolversUnionTypes<ResolversTypes>['TrainingJobMetricEvent']>;
  TrainingJobStatus: TrainingJobStatus;
  TrainingOption: ResolverTypeWrapper<TrainingOptionMapper>;
  TrainingPlan: ResolverTypeWrapper<TrainingPlanMapper>;
  TrainingProgress: ResolverTypeWrapper<JobProgress>;
  TrainingSpec: ResolverTypeWrapper<TrainingSpecMapper>;
  TrainingSpecInput: TrainingSpecInput;
  TrainingUserError: ResolverTypeWrapper<TrainingUserErrorMapper>;
  UserError: ResolverTypeWrapper<ResolversInterfaceTypes<ResolversTypes>['UserError']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  ByteCount: Scalars['ByteCount']['output'];
  CancelTrainingJobPayload: Omit<CancelTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversParentTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversParentTypes['TrainingUserError']> };
  DataCenterStock: DataCenterStock;
  ID: Scalars['ID']['output'];
  String: Scalars['String']['output'];
  DatasetInput: DatasetInput;
  DatasetUploadPayload: Omit<DatasetUploadPayload, 'userErrors'> & { userErrors: ReadonlyArray<ResolversParentTypes['TrainingUserError']> };
  DateTime: Scalars['DateTime']['output'];
  GpuPlatform: PlatformStatus;
  Float: Scalars['Float']['output'];
  Boolean: Scalars['Boolean']['output'];
  GpuResource: CatalogueEntry;
  Int: Scalars['Int']['output'];
  GpuResourceFilter: GpuResourceFilter;
  HuggingFaceDatasetInput: HuggingFaceDatasetInput;
  JSON: Scalars['JSON']['output'];
  JobLabel: JobLabel;
  JobLabelInput: JobLabelInput;
  LimitsInput: LimitsInput;
  LogBatch: LogBatchMapper;
  LogCursor: Scalars['LogCursor']['output'];
  LogFilter: LogFilter;
  LogLine: LogLine;
  LogPage: LogPage;
  MetricBatch: MetricBatchMapper;
  MetricPage: MetricPage;
  MetricPoint: MetricPoint;
  Mutation: Record<PropertyKey, never>;
  PageInfo: PageInfo;
  PauseTrainingJobPayload: Omit<PauseTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversParentTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversParentTypes['TrainingUserError']> };
  PlacementInput: PlacementInput;
  Pricing: Price;
  QuarantineDecisionPayload: Omit<QuarantineDecisionPayload, 'userErrors'> & { userErrors: ReadonlyArray<ResolversParentTypes['TrainingUserError']> };
  Query: Record<PropertyKey, never>;
  RentedPod: RentedPod;
  StreamEnd: StreamEndMapper;
  SubmitTrainingJobInput: SubmitTrainingJobInput;
  SubmitTrainingJobPayload: Omit<SubmitTrainingJobPayload, 'job' | 'userErrors'> & { job?: Maybe<ResolversParentTypes['TrainingJob']>, userErrors: ReadonlyArray<ResolversParentTypes['TrainingUserError']> };
  Subscription: Record<PropertyKey, never>;
  TrainingArtifact: ArtifactRow;
  TrainingAttempt: Attempt;
  TrainingCost: TrainingCost;
  TrainingFailure: TrainingFailureMapper;
  TrainingJob: Job;
  TrainingJobConnection: JobPage;
  TrainingJobEdge: Omit<TrainingJobEdge, 'node'> & { node: ResolversParentTypes['TrainingJob'] };
  TrainingJobLogEvent: ResolversUnionTypes<ResolversParentTypes>['TrainingJobLogEvent'];
  TrainingJobMetricEvent: ResolversUnionTypes<ResolversParentTypes>['TrainingJobMetricEvent'];
  TrainingOption: TrainingOptionMapper;
  TrainingPlan: TrainingPlanMapper;
  TrainingProgress: JobProgress;
  TrainingSpec: TrainingSpecMapper;
  TrainingSpecInput: TrainingSpecInput;
  TrainingUserError: TrainingUserErrorMapper;
  UserError: ResolversInterfaceTypes<ResolversParentTypes>['UserError'];
};

export interface ByteCountScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['ByteCount'], any> {
  name: 'ByteCount';
}

export type CancelTrainingJobPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['CancelTrainingJobPayload'] = ResolversParentTypes['CancelTrainingJobPayload']> = {
  job?: Resolver<Maybe<ResolversTypes['TrainingJob']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
};

export type DataCenterStockResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DataCenterStock'] = ResolversParentTypes['DataCenterStock']> = {
  dataCenterId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
};

export type DatasetUploadPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DatasetUploadPayload'] = ResolversParentTypes['DatasetUploadPayload']> = {
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  uploadId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  uploadUrl?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
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

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type JobLabelResolvers<ContextType = Context, ParentType extends ResolversParentTypes['JobLabel'] = ResolversParentTypes['JobLabel']> = {
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  value?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type LogBatchResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LogBatch'] = ResolversParentTypes['LogBatch']> = {
  count?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  endCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  firstSeq?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  lines?: Resolver<ReadonlyArray<ResolversTypes['LogLine']>, ParentType, ContextType>;
  previousCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  text?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export interface LogCursorScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['LogCursor'], any> {
  name: 'LogCursor';
}

export type LogLineResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LogLine'] = ResolversParentTypes['LogLine']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  attempt?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  cursor?: Resolver<ResolversTypes['LogCursor'], ParentType, ContextType>;
  seq?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  source?: Resolver<ResolversTypes['LogSource'], ParentType, ContextType>;
  text?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type LogPageResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LogPage'] = ResolversParentTypes['LogPage']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  lines?: Resolver<ReadonlyArray<ResolversTypes['LogLine']>, ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
};

export type MetricBatchResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MetricBatch'] = ResolversParentTypes['MetricBatch']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  points?: Resolver<ReadonlyArray<ResolversTypes['MetricPoint']>, ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type MetricPageResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MetricPage'] = ResolversParentTypes['MetricPage']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  points?: Resolver<ReadonlyArray<ResolversTypes['MetricPoint']>, ParentType, ContextType>;
};

export type MetricPointResolvers<ContextType = Context, ParentType extends ResolversParentTypes['MetricPoint'] = ResolversParentTypes['MetricPoint']> = {
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  epoch?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  seq?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  step?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  value?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
};

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  cancelTrainingJob?: Resolver<ResolversTypes['CancelTrainingJobPayload'], ParentType, ContextType, RequireFields<MutationCancelTrainingJobArgs, 'id'>>;
  createDatasetUpload?: Resolver<ResolversTypes['DatasetUploadPayload'], ParentType, ContextType, RequireFields<MutationCreateDatasetUploadArgs, 'fileName'>>;
  decideQuarantinedPod?: Resolver<ResolversTypes['QuarantineDecisionPayload'], ParentType, ContextType, RequireFields<MutationDecideQuarantinedPodArgs, 'decision' | 'podId'>>;
  pauseTrainingJob?: Resolver<ResolversTypes['PauseTrainingJobPayload'], ParentType, ContextType, RequireFields<MutationPauseTrainingJobArgs, 'id'>>;
  resumeTrainingJob?: Resolver<ResolversTypes['PauseTrainingJobPayload'], ParentType, ContextType, RequireFields<MutationResumeTrainingJobArgs, 'id'>>;
  retryTrainingJob?: Resolver<ResolversTypes['SubmitTrainingJobPayload'], ParentType, ContextType, RequireFields<MutationRetryTrainingJobArgs, 'id'>>;
  submitTrainingJob?: Resolver<ResolversTypes['SubmitTrainingJobPayload'], ParentType, ContextType, RequireFields<MutationSubmitTrainingJobArgs, 'input'>>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type PauseTrainingJobPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PauseTrainingJobPayload'] = ResolversParentTypes['PauseTrainingJobPayload']> = {
  job?: Resolver<Maybe<ResolversTypes['TrainingJob']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
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

export type QuarantineDecisionPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['QuarantineDecisionPayload'] = ResolversParentTypes['QuarantineDecisionPayload']> = {
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  gpuPlatform?: Resolver<ResolversTypes['GpuPlatform'], ParentType, ContextType>;
  gpuResource?: Resolver<Maybe<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourceArgs, 'id'>>;
  gpuResources?: Resolver<ReadonlyArray<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourcesArgs, 'orderBy'>>;
  rentedPods?: Resolver<ReadonlyArray<ResolversTypes['RentedPod']>, ParentType, ContextType>;
  trainingJob?: Resolver<Maybe<ResolversTypes['TrainingJob']>, ParentType, ContextType, RequireFields<QueryTrainingJobArgs, 'id'>>;
  trainingJobs?: Resolver<ResolversTypes['TrainingJobConnection'], ParentType, ContextType, RequireFields<QueryTrainingJobsArgs, 'first'>>;
  trainingPlan?: Resolver<ResolversTypes['TrainingPlan'], ParentType, ContextType, RequireFields<QueryTrainingPlanArgs, 'spec'>>;
};

export type RentedPodResolvers<ContextType = Context, ParentType extends ResolversParentTypes['RentedPod'] = ResolversParentTypes['RentedPod']> = {
  attempt?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  decision?: Resolver<Maybe<ResolversTypes['QuarantineDecision']>, ParentType, ContextType>;
  jobId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  podId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  podName?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  since?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  state?: Resolver<ResolversTypes['RentedPodState'], ParentType, ContextType>;
  usdPerHour?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type StreamEndResolvers<ContextType = Context, ParentType extends ResolversParentTypes['StreamEnd'] = ResolversParentTypes['StreamEnd']> = {
  cursor?: Resolver<Maybe<ResolversTypes['LogCursor']>, ParentType, ContextType>;
  reason?: Resolver<ResolversTypes['StreamEndReason'], ParentType, ContextType>;
  retry?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  __isTypeOf?: IsTypeOfResolverFn<ParentType, ContextType>;
};

export type SubmitTrainingJobPayloadResolvers<ContextType = Context, ParentType extends ResolversParentTypes['SubmitTrainingJobPayload'] = ResolversParentTypes['SubmitTrainingJobPayload']> = {
  job?: Resolver<Maybe<ResolversTypes['TrainingJob']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  trainingJobChanged?: SubscriptionResolver<ResolversTypes['TrainingJob'], "trainingJobChanged", ParentType, ContextType, RequireFields<SubscriptionTrainingJobChangedArgs, 'jobId'>>;
  trainingJobLogs?: SubscriptionResolver<ResolversTypes['TrainingJobLogEvent'], "trainingJobLogs", ParentType, ContextType, RequireFields<SubscriptionTrainingJobLogsArgs, 'jobId'>>;
  trainingJobMetrics?: SubscriptionResolver<ResolversTypes['TrainingJobMetricEvent'], "trainingJobMetrics", ParentType, ContextType, RequireFields<SubscriptionTrainingJobMetricsArgs, 'jobId'>>;
};

export type TrainingArtifactResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingArtifact'] = ResolversParentTypes['TrainingArtifact'], FederationReferenceType extends FederationReferenceTypes['TrainingArtifact'] = FederationReferenceTypes['TrainingArtifact']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['TrainingArtifact']> | FederationReferenceType, FederationReferenceType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  downloadUrl?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  job?: Resolver<ResolversTypes['TrainingJob'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['ArtifactKind'], ParentType, ContextType>;
  path?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  sha256?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  sizeBytes?: Resolver<ResolversTypes['ByteCount'], ParentType, ContextType>;
};

export type TrainingAttemptResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingAttempt'] = ResolversParentTypes['TrainingAttempt']> = {
  dataCenterId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  endedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  exitCode?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  gpuResourceId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  number?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  outcome?: Resolver<Maybe<ResolversTypes['AttemptOutcome']>, ParentType, ContextType>;
  resumedFromStep?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  spot?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  usdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
};

export type TrainingCostResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingCost'] = ResolversParentTypes['TrainingCost']> = {
  billedUsd?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  estimatedUsd?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  usdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  usdSoFar?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type TrainingFailureResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingFailure'] = ResolversParentTypes['TrainingFailure']> = {
  code?: Resolver<ResolversTypes['FailureCode'], ParentType, ContextType>;
  message?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  retryable?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  suggestions?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type TrainingJobResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingJob'] = ResolversParentTypes['TrainingJob'], FederationReferenceType extends FederationReferenceTypes['TrainingJob'] = FederationReferenceTypes['TrainingJob']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['TrainingJob']> | FederationReferenceType, FederationReferenceType, ContextType>;
  artifacts?: Resolver<ReadonlyArray<ResolversTypes['TrainingArtifact']>, ParentType, ContextType>;
  attempts?: Resolver<ReadonlyArray<ResolversTypes['TrainingAttempt']>, ParentType, ContextType>;
  cancelRequestedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  cloud?: Resolver<Maybe<ResolversTypes['CloudTier']>, ParentType, ContextType>;
  cost?: Resolver<ResolversTypes['TrainingCost'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  endedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  failure?: Resolver<Maybe<ResolversTypes['TrainingFailure']>, ParentType, ContextType>;
  gpuCount?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  gpuResource?: Resolver<Maybe<ResolversTypes['GpuResource']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  labels?: Resolver<ReadonlyArray<ResolversTypes['JobLabel']>, ParentType, ContextType>;
  logs?: Resolver<Maybe<ResolversTypes['LogPage']>, ParentType, ContextType, Partial<TrainingJobLogsArgs>>;
  metrics?: Resolver<Maybe<ResolversTypes['MetricPage']>, ParentType, ContextType, Partial<TrainingJobMetricsArgs>>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  pauseRequestedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  progress?: Resolver<Maybe<ResolversTypes['TrainingProgress']>, ParentType, ContextType>;
  script?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  spec?: Resolver<ResolversTypes['TrainingSpec'], ParentType, ContextType>;
  startedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  status?: Resolver<ResolversTypes['TrainingJobStatus'], ParentType, ContextType>;
  statusReason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type TrainingJobConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingJobConnection'] = ResolversParentTypes['TrainingJobConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['TrainingJobEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['TrainingJob']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type TrainingJobEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingJobEdge'] = ResolversParentTypes['TrainingJobEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['TrainingJob'], ParentType, ContextType>;
};

export type TrainingJobLogEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingJobLogEvent'] = ResolversParentTypes['TrainingJobLogEvent']> = {
  __resolveType: TypeResolveFn<'LogBatch' | 'StreamEnd', ParentType, ContextType>;
};

export type TrainingJobMetricEventResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingJobMetricEvent'] = ResolversParentTypes['TrainingJobMetricEvent']> = {
  __resolveType: TypeResolveFn<'MetricBatch' | 'StreamEnd', ParentType, ContextType>;
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
  backend?: Resolver<Maybe<ResolversTypes['TrainerBackend']>, ParentType, ContextType>;
  backendReason?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  options?: Resolver<ReadonlyArray<ResolversTypes['TrainingOption']>, ParentType, ContextType>;
  requiredMemoryGb?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  script?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userErrors?: Resolver<ReadonlyArray<ResolversTypes['TrainingUserError']>, ParentType, ContextType>;
  warnings?: Resolver<ReadonlyArray<ResolversTypes['String']>, ParentType, ContextType>;
};

export type TrainingProgressResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingProgress'] = ResolversParentTypes['TrainingProgress']> = {
  epoch?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  fraction?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  secondsRemaining?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  step?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  totalSteps?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
};

export type TrainingSpecResolvers<ContextType = Context, ParentType extends ResolversParentTypes['TrainingSpec'] = ResolversParentTypes['TrainingSpec']> = {
  algorithm?: Resolver<ResolversTypes['AdapterAlgorithm'], ParentType, ContextType>;
  alpha?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  asJson?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  backend?: Resolver<ResolversTypes['TrainerBackend'], ParentType, ContextType>;
  baseModel?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  batchSize?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  dropout?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  epochs?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  gradientAccumulationSteps?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  learningRate?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  maxSequenceLength?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  maxSteps?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  quantization?: Resolver<ResolversTypes['Quantization'], ParentType, ContextType>;
  rank?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  seed?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  targetModules?: Resolver<Maybe<ReadonlyArray<ResolversTypes['String']>>, ParentType, ContextType>;
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
  ByteCount?: GraphQLScalarType;
  CancelTrainingJobPayload?: CancelTrainingJobPayloadResolvers<ContextType>;
  DataCenterStock?: DataCenterStockResolvers<ContextType>;
  DatasetUploadPayload?: DatasetUploadPayloadResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  GpuPlatform?: GpuPlatformResolvers<ContextType>;
  GpuResource?: GpuResourceResolvers<ContextType>;
  JSON?: GraphQLScalarType;
  JobLabel?: JobLabelResolvers<ContextType>;
  LogBatch?: LogBatchResolvers<ContextType>;
  LogCursor?: GraphQLScalarType;
  LogLine?: LogLineResolvers<ContextType>;
  LogPage?: LogPageResolvers<ContextType>;
  MetricBatch?: MetricBatchResolvers<ContextType>;
  MetricPage?: MetricPageResolvers<ContextType>;
  MetricPoint?: MetricPointResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  PauseTrainingJobPayload?: PauseTrainingJobPayloadResolvers<ContextType>;
  Pricing?: PricingResolvers<ContextType>;
  QuarantineDecisionPayload?: QuarantineDecisionPayloadResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  RentedPod?: RentedPodResolvers<ContextType>;
  StreamEnd?: StreamEndResolvers<ContextType>;
  SubmitTrainingJobPayload?: SubmitTrainingJobPayloadResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  TrainingArtifact?: TrainingArtifactResolvers<ContextType>;
  TrainingAttempt?: TrainingAttemptResolvers<ContextType>;
  TrainingCost?: TrainingCostResolvers<ContextType>;
  TrainingFailure?: TrainingFailureResolvers<ContextType>;
  TrainingJob?: TrainingJobResolvers<ContextType>;
  TrainingJobConnection?: TrainingJobConnectionResolvers<ContextType>;
  TrainingJobEdge?: TrainingJobEdgeResolvers<ContextType>;
  TrainingJobLogEvent?: TrainingJobLogEventResolvers<ContextType>;
  TrainingJobMetricEvent?: TrainingJobMetricEventResolvers<ContextType>;
  TrainingOption?: TrainingOptionResolvers<ContextType>;
  TrainingPlan?: TrainingPlanResolvers<ContextType>;
  TrainingProgress?: TrainingProgressResolvers<ContextType>;
  TrainingSpec?: TrainingSpecResolvers<ContextType>;
  TrainingUserError?: TrainingUserErrorResolvers<ContextType>;
  UserError?: UserErrorResolvers<ContextType>;
};

