/** The two directions of a job and its pod: our spec in the trainer's words, its failures in ours. */
import { makeFailure } from './failure.ts';
import type { FailureCode, TrainingFailure } from './failure.ts';
import type { TrainingSpec } from './training-spec.ts';

export interface AgentSpecOptions {
  /** A backend of the trainer: `toy`, `trl`, `unsloth`. */
  readonly backend: string;
  /** Name under which the dataset was uploaded; null: the pod fetches it from where the spec says. */
  readonly datasetFile: string | null;
  /** Checkpoint folder to go on from; omitted: the newest one that the trainer finds, if any. */
  readonly resumeFrom?: string;
}

/**
 * What `PUT /v1/job` carries as `spec`. Members beyond the protocol's list (quantization, target
 * modules, packing, dataset sources) are for backends that know them; the others ignore them.
 *
 * @see agent/PROTOCOL.md §7.4
 */
export function toAgentSpec(
  spec: TrainingSpec,
  { backend, datasetFile, resumeFrom }: AgentSpecOptions,
): Record<string, unknown> {
  return {
    ...spec,
    backend,
    dataset: datasetFile === null ? datasetSource(spec) : { file: datasetFile },
    ...(resumeFrom === undefined ? {} : { resumeFrom }),
  };
}

function datasetSource({ dataset: { huggingFace, url } }: TrainingSpec): Record<string, unknown> {
  return { ...(huggingFace == null ? {} : { huggingFace }), ...(url == null ? {} : { url }) };
}

/**
 * Ours for every code of PROTOCOL.md §7.3.
 *
 * SPEC_INVALID and BACKEND_UNKNOWN are INTERNAL: the spec was checked here before anything was
 * rented, so a trainer that refuses it has other rules than we do, which its owner cannot mend.
 * REQUIREMENTS_FAILED is STARTUP_TIMEOUT: the pod did not become ready, mostly for its network.
 * DOWNLOAD_FAILED is STARTUP_TIMEOUT too: the hub, or the way to it, and another machine may help.
 * TRAINING_STALLED is POD_LOST: a machine that computes no more is as good as gone.
 * STOPPED is POD_LOST: whoever asked for the stop knows better and does not ask here; unasked, the
 * platform took the container away.
 */
const CODES = {
  DATASET_INVALID: 'DATASET_INVALID',
  MODEL_NOT_FOUND: 'MODEL_NOT_FOUND',
  MODEL_GATED: 'MODEL_GATED',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  DISK_FULL: 'DISK_FULL',
  CUDA_MISMATCH: 'CUDA_MISMATCH',
  SPEC_INVALID: 'INTERNAL',
  BACKEND_UNKNOWN: 'INTERNAL',
  MODEL_UNSUPPORTED: 'MODEL_UNSUPPORTED',
  DOWNLOAD_FAILED: 'STARTUP_TIMEOUT',
  STOPPED: 'POD_LOST',
  TRAINING_STALLED: 'POD_LOST',
  TRAINING_DIVERGED: 'TRAINING_DIVERGED',
  TRAINER_CRASHED: 'TRAINER_CRASHED',
  REQUIREMENTS_FAILED: 'STARTUP_TIMEOUT',
  RUNTIME_LIMIT: 'RUNTIME_LIMIT',
  INTERNAL: 'INTERNAL',
} as const satisfies Readonly<Record<string, FailureCode>>;

type AgentFailureCode = keyof typeof CODES;

export const AGENT_FAILURE_CODES = Object.keys(CODES) as readonly AgentFailureCode[];

const CODE_OF_EXIT: ReadonlyMap<number, AgentFailureCode> = new Map([
  [10, 'DATASET_INVALID'],
  [11, 'MODEL_NOT_FOUND'],
  [12, 'MODEL_GATED'],
  [13, 'OUT_OF_MEMORY'],
  [14, 'DISK_FULL'],
  [15, 'CUDA_MISMATCH'],
  [16, 'SPEC_INVALID'],
  [17, 'BACKEND_UNKNOWN'],
  [18, 'MODEL_UNSUPPORTED'],
  [19, 'DOWNLOAD_FAILED'],
  [20, 'STOPPED'],
  [21, 'TRAINING_STALLED'],
  [22, 'TRAINING_DIVERGED'],
]);

const MAX_MESSAGE_LENGTH = 2_000;

/**
 * The owner's view of how an agent says that its job failed. Without a word of the agent (null) the
 * exit code tells; a code nobody knows is TRAINER_CRASHED.
 */
export function failureOfAgent(
  failure: { readonly code: string; readonly message: string } | null,
  exitCode: number | null,
): TrainingFailure {
  if (failure !== null) return makeFailure(publicCode(failure.code), messageOf(failure.message));
  const code = CODE_OF_EXIT.get(exitCode ?? 0) ?? 'TRAINER_CRASHED';
  const how = exitCode === null ? 'without an exit code' : `with exit code ${exitCode}`;
  return makeFailure(CODES[code], `The trainer ended ${how} (${code}).`);
}

/** Of the pod and its network, and not of what was asked for. STOPPED: not by us. */
const ENVIRONMENTAL: ReadonlySet<string> = new Set<AgentFailureCode>([
  'CUDA_MISMATCH',
  'DOWNLOAD_FAILED',
  'INTERNAL',
  'REQUIREMENTS_FAILED',
  'STOPPED',
  'TRAINING_STALLED',
]);

/** Whether another pod may do better with the same job. */
export function isEnvironmental(failure: { readonly code: string } | null): boolean {
  return ENVIRONMENTAL.has(failure?.code ?? '');
}

function publicCode(code: string): FailureCode {
  return Object.hasOwn(CODES, code) ? CODES[code as AgentFailureCode] : 'TRAINER_CRASHED';
}

/** A pod's words go to people: no control characters, and not without end. Undefined: no words. */
function messageOf(message: string): string | undefined {
  const text = message.replace(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
  return text === '' ? undefined : text.slice(0, MAX_MESSAGE_LENGTH);
}
