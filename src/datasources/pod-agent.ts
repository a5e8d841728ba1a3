/**
 * The agent inside one pod, over RunPod's public HTTP proxy. Mirrors agent/PROTOCOL.md (version 1).
 *
 * Every call has a deadline well under the proxy's 100 s and throws only `AppError`s:
 * POD_UNREACHABLE (retryable: no answer, 502 to 524, not our agent), POD_REFUSED (the agent says
 * no; `reason` has its code), POD_UNTRUSTED (its answer breaks the protocol).
 */

export type AgentPhase = 'WAITING' | 'PREPARING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED';

export interface AgentFailure {
  readonly code: string;
  readonly message: string;
}

/** PROTOCOL.md §4.4, as far as the owner uses it. */
export interface AgentStatus {
  readonly bootId: string;
  readonly phase: AgentPhase;
  readonly step: number | null;
  readonly totalSteps: number | null;
  readonly exitCode: number | null;
  readonly failure: AgentFailure | null;
  readonly hasJob: boolean;
  readonly lastLine: number;
  readonly logClosed: boolean;
  /** The container restarted since an earlier boot on this disk. */
  readonly restarted: boolean;
  /** It is ending its own pod; null: it is not. */
  readonly ending: { readonly reason: string; readonly refused: boolean } | null;
}

/** PROTOCOL.md §3.1. */
export interface AgentJob {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  /** Name of a requirements file of the payload; null: nothing is installed. */
  readonly requirements: string | null;
}

/** PROTOCOL.md §5.1. */
export interface AgentLine {
  readonly n: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly stream: 'stdout' | 'stderr' | 'agent';
  readonly text: string;
}

/** Lines `after + 1` to `next`, without gaps. */
export interface AgentLogPage {
  readonly bootId: string;
  readonly next: number;
  readonly lastLine: number;
  readonly closed: boolean;
  readonly lines: readonly AgentLine[];
}

export type ArtifactKind = 'ADAPTER' | 'CONFIG' | 'TOKENIZER' | 'CHECKPOINT' | 'LOG' | 'OTHER';

/** As the agent says: nothing of it is to be believed before it is checked. */
export interface AgentResult {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly kind: ArtifactKind;
}

export interface AgentManifest {
  readonly bootId: string;
  readonly isFinal: boolean;
  /** Files whose hash is not done yet: ask again. */
  readonly pending: number;
  readonly files: readonly AgentResult[];
}

/** Bytes that can be read again from any offset. */
export interface UploadSource {
  readonly sizeBytes: number;
  readonly sha256: string;
  read(offset: number): AsyncIterable<Uint8Array>;
}

export interface PodAgent {
  status(signal: AbortSignal): Promise<AgentStatus>;
  /** The same job again is a success. */
  putJob(job: AgentJob, signal: AbortSignal): Promise<void>;
  /** In parts, going on from what the agent has; the same complete file again is a success. */
  putFile(name: string, source: UploadSource, signal: AbortSignal): Promise<void>;
  start(signal: AbortSignal): Promise<void>;
  /** SIGTERM to the trainer, SIGKILL after the grace. */
  stop(graceSeconds: number, signal: AbortSignal): Promise<void>;
  /** The owner has all it wants: the agent ends its pod. */
  release(signal: AbortSignal): Promise<void>;
  /** At most `limit` lines after number `after` of the boot. */
  lines(bootId: string, after: number, limit: number, signal: AbortSignal): Promise<AgentLogPage>;
  results(signal: AbortSignal): Promise<AgentManifest>;
  /** One range of a result file, `to` inclusive; ends early where the transfer was cut. */
  readResult(
    path: string,
    range: { readonly from: number; readonly to: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}
