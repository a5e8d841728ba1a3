/** Why a job failed, as its owner sees it: a stable code, what happened, and what may help. */

/** The schema's `FailureCode`. Clients switch on them: add, never rename. */
export type FailureCode =
  | 'NO_CAPACITY'
  | 'PRICE_ABOVE_LIMIT'
  | 'BUDGET_EXHAUSTED'
  | 'RUNTIME_LIMIT'
  | 'INSUFFICIENT_BALANCE'
  | 'UNAUTHORIZED'
  | 'IMAGE_PULL'
  | 'STARTUP_TIMEOUT'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_GATED'
  | 'DATASET_INVALID'
  | 'OUT_OF_MEMORY'
  | 'DISK_FULL'
  | 'CUDA_MISMATCH'
  | 'MODEL_UNSUPPORTED'
  | 'TRAINING_DIVERGED'
  | 'TRAINER_CRASHED'
  | 'SPOT_RECLAIMED'
  | 'POD_LOST'
  | 'ARTIFACT_CORRUPT'
  | 'PLATFORM_REJECTED'
  | 'PLATFORM_UNAVAILABLE'
  | 'INTERNAL';

export interface TrainingFailure {
  readonly code: FailureCode;
  readonly message: string;
  /** Two or three, the likeliest to help first. */
  readonly suggestions: readonly string[];
  /** Whether the same job, unchanged, may succeed when it is tried again. */
  readonly retryable: boolean;
}

type Meaning = Omit<TrainingFailure, 'code'>;

const MEANINGS: Readonly<Record<FailureCode, Meaning>> = {
  NO_CAPACITY: {
    message: 'No machine of the wanted kind was free.',
    suggestions: [
      'Name more GPUs in placement.gpuResourceIds, or omit them to take the cheapest that fits.',
      'Allow more data centers, or the other cloud tier.',
      'Retry later: stock changes within minutes.',
    ],
    retryable: true,
  },
  PRICE_ABOVE_LIMIT: {
    message: 'Every machine that fits costs more than the limit.',
    suggestions: [
      'Raise placement.maxUsdPerHour; trainingPlan shows the current prices.',
      'Set placement.spot, or the COMMUNITY cloud, for a lower price.',
      'Retry later: prices change.',
    ],
    retryable: true,
  },
  BUDGET_EXHAUSTED: {
    message: 'The job reached its cost limit and was stopped.',
    suggestions: [
      'Raise limits.maxCostUsd.',
      'Train less: fewer epochs, a smaller maxSteps, or a smaller dataset.',
      'Take a cheaper GPU or spot; trainingPlan compares them.',
    ],
    retryable: false,
  },
  RUNTIME_LIMIT: {
    message: 'The job reached its maximum runtime and was stopped.',
    suggestions: [
      'Raise limits.maxRuntimeSeconds.',
      'Train less: fewer epochs, or a smaller maxSteps.',
      'Take a faster GPU; trainingPlan estimates the time of each.',
    ],
    retryable: false,
  },
  INSUFFICIENT_BALANCE: {
    message: 'The RunPod account lacks the credit for this machine.',
    suggestions: [
      'Add credit in the RunPod console, then retry the job.',
      'Take a cheaper GPU or spot; trainingPlan shows what each costs.',
    ],
    retryable: false,
  },
  UNAUTHORIZED: {
    message: 'RunPod does not accept the credential, or it may not rent machines.',
    suggestions: [
      'Check the RunPod API key: it may have been revoked or replaced.',
      'Give the key read and write permission for pods in the RunPod console.',
    ],
    retryable: false,
  },
  IMAGE_PULL: {
    message: "The pod's container image could not be pulled.",
    suggestions: [
      'Check placement.image: the name, its tag, and that it is public.',
      'Omit placement.image to train with the default image.',
      'Retry: registries limit the rate of pulls.',
    ],
    retryable: true,
  },
  STARTUP_TIMEOUT: {
    message: 'The pod did not become ready to train.',
    suggestions: [
      'Retry: another machine is taken, and slow image pulls are cached by then.',
      'Use a smaller image, or omit placement.image.',
      'Choose another data center or the SECURE cloud.',
    ],
    retryable: true,
  },
  MODEL_NOT_FOUND: {
    message: 'The base model does not exist on the Hugging Face Hub.',
    suggestions: [
      'Check the spelling of spec.baseModel: owner/name, with capitals as on the Hub.',
      'If the model is private, store a Hugging Face token that can read it.',
    ],
    retryable: false,
  },
  MODEL_GATED: {
    message: 'The base model is gated, and its owner has not let this account in.',
    suggestions: [
      "Accept the licence on the model's page of the Hugging Face Hub.",
      'Store a Hugging Face token of the account that was let in.',
      'Train an open model of the same family.',
    ],
    retryable: false,
  },
  DATASET_INVALID: {
    message: 'The dataset cannot be read as training rows.',
    suggestions: [
      'Put right the rows that the message names, and upload the file again.',
      'Use a known shape: text, messages, prompt and completion, Alpaca or ShareGPT.',
      'Check that the file is what its name says, .jsonl, .json, .csv or .parquet, and its text UTF-8.',
    ],
    retryable: false,
  },
  OUT_OF_MEMORY: {
    message: 'The training needs more memory than the machine has.',
    suggestions: [
      'Halve batchSize and double gradientAccumulationSteps: the result is the same.',
      'Use QLORA, or lower maxSequenceLength or rank.',
      'Take a GPU with more memory; trainingPlan estimates the need.',
    ],
    retryable: false,
  },
  DISK_FULL: {
    message: "The pod's disk is full.",
    suggestions: [
      'Raise placement.containerDiskGb.',
      'Raise checkpointSteps: fewer checkpoints are kept.',
      'Use a network volume for large models.',
    ],
    retryable: false,
  },
  CUDA_MISMATCH: {
    message: "The machine's driver does not fit the trainer's CUDA version.",
    suggestions: [
      'Retry: another machine may have a newer driver.',
      'Choose another data center or GPU.',
      'Omit placement.image, or use one built for an older CUDA version.',
    ],
    retryable: true,
  },
  MODEL_UNSUPPORTED: {
    message: 'The trainer cannot load this model, or adapt it this way.',
    suggestions: [
      'Omit spec.targetModules, or name layers that the model has.',
      'Take a model with safetensors weights and an architecture of the transformers library: none of its own code is run.',
      'Try the other backend: TRL knows more architectures than UNSLOTH.',
    ],
    retryable: false,
  },
  TRAINING_DIVERGED: {
    message: 'The loss ran away, and spec.onDivergence says STOP.',
    suggestions: [
      'Lower learningRate, or raise warmupSteps.',
      'Look for broken rows in the dataset: the log shows the first ones.',
      'Set onDivergence to WARN to let such a run go on.',
    ],
    retryable: false,
  },
  TRAINER_CRASHED: {
    message: 'The trainer ended with an error.',
    suggestions: [
      "Read the end of the job's log: the error stands there.",
      'If the loss was no longer a number, lower learningRate.',
      'Try the other backend, or fewer options at once.',
    ],
    retryable: false,
  },
  SPOT_RECLAIMED: {
    message: 'The platform took the spot machine back.',
    suggestions: [
      'Retry: another machine is taken.',
      'Turn placement.spot off for a machine that is not taken back.',
      'Raise limits.maxAttempts to outlast more interruptions.',
    ],
    retryable: true,
  },
  POD_LOST: {
    message: 'The pod is gone, or was stopped by somebody else.',
    suggestions: [
      'Retry: another machine is taken.',
      'Check in the RunPod console that nobody stops this pod by hand.',
      'Prefer the SECURE cloud: its machines fail less often.',
    ],
    retryable: true,
  },
  ARTIFACT_CORRUPT: {
    message: 'The results did not arrive as the pod announced them.',
    suggestions: [
      'Retry the job: nothing of the damaged results was kept.',
      'Choose another data center: this machine may be faulty.',
    ],
    retryable: true,
  },
  PLATFORM_REJECTED: {
    message: 'RunPod refused the request.',
    suggestions: [
      "Put right what RunPod's words in the message name.",
      'Check placement: the image, the disk size and the network volume must exist and fit.',
    ],
    retryable: false,
  },
  PLATFORM_UNAVAILABLE: {
    message: 'RunPod could not be reached, or failed.',
    suggestions: ['Retry in a few minutes.', 'Look at the RunPod status page for an outage.'],
    retryable: true,
  },
  INTERNAL: {
    message: 'Something failed in this service itself.',
    suggestions: [
      'Retry the job once: the cause may have passed.',
      "If it fails again, report it with the job's id and the end of its log.",
    ],
    retryable: false,
  },
};

export const FAILURE_CODES = Object.keys(MEANINGS) as readonly FailureCode[];

/** `message` omitted: the code's own. */
export function makeFailure(
  code: FailureCode,
  message: string = MEANINGS[code].message,
): TrainingFailure {
  return { ...MEANINGS[code], code, message };
}
