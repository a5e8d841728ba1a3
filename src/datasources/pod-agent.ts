/**
 * The agent inside one pod, over RunPod's public HTTP proxy. Mirrors agent/PROTOCOL.md (version 1).
 *
 * Every call has a deadline well under the proxy's 100 s and throws only `AppError`s:
 * POD_UNREACHABLE (retryable: no answer, 502 to 524, not our agent), POD_REFUSED (the agent says
 * no; `reason` has its code, UNAUTHORIZED for a wrong token), POD_UNTRUSTED (its answer breaks the
 * protocol). After an abort by the caller it throws that signal's reason.
 */
import type { GpuSample } from '../domain/job/gpu-points.ts';
import { createAgentHttp, queryOf } from './agent-http.ts';
import type { AgentAccess } from './agent-http.ts';
import { readAgentStream } from './agent-stream.ts';
import { readResult } from './agent-results.ts';
import {
  commandSchema,
  logPageSchema,
  manifestSchema,
  statusSchema,
  toLogPage,
} from './agent-schemas.ts';
import { uploadFile } from './agent-upload.ts';

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
  /** Where the trainer began; null: it has not said so yet. */
  readonly startStep: number | null;
  /** The newest complete checkpoint; null: there is none. */
  readonly checkpointStep: number | null;
  readonly exitCode: number | null;
  readonly failure: AgentFailure | null;
  readonly hasJob: boolean;
  readonly lastLine: number;
  readonly logClosed: boolean;
  /** Lines that a full disk refused; they have no number. */
  readonly droppedLines: number;
  /** The container restarted since an earlier boot on this disk. */
  readonly restarted: boolean;
  /** Its lines and results can still be asked for by its id; null: this disk has none. */
  readonly previousBoot: AgentBoot | null;
  /** It is ending its own pod; null: it is not. */
  readonly ending: { readonly reason: string; readonly refused: boolean } | null;
  /** The last ones, oldest first; empty without NVIDIA's tools. */
  readonly gpuSamples: readonly GpuSample[];
}

/** How an earlier boot ended. PROTOCOL.md §4.5. */
export interface AgentBoot {
  readonly bootId: string;
  readonly phase: AgentPhase;
  readonly exitCode: number | null;
  readonly failure: AgentFailure | null;
  readonly lastLine: number;
}

/** PROTOCOL.md §3.1. */
export interface AgentJob {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  /** Name of a requirements file of the payload; null: nothing is installed. */
  readonly requirements: string | null;
  /** Where an earlier attempt stood; omitted: training begins anew. */
  readonly checkpoint?: AgentCheckpoint;
}

/** PROTOCOL.md §3.4. */
export interface AgentCheckpoint {
  readonly step: number;
  /** Paths in the checkpoint's folder, and the names under which their files were put. */
  readonly files: Readonly<Record<string, string>>;
}

/** PROTOCOL.md §5.1. */
export interface AgentLine {
  readonly n: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly stream: 'stdout' | 'stderr' | 'agent';
  readonly text: string;
  /** The text goes on in the next line: it was too long for one. */
  readonly isContinued?: true;
}

/** Lines `after + 1` to `next`, without gaps. */
export interface AgentLogPage {
  readonly bootId: string;
  readonly next: number;
  readonly lastLine: number;
  readonly closed: boolean;
  readonly lines: readonly AgentLine[];
}

/** PROTOCOL.md §5.5. */
export type AgentStreamEvent =
  /** In their order, without gaps; none: a sign of life. */
  | { readonly kind: 'lines'; readonly lines: readonly AgentLine[] }
  /** The agent ends the stream before the proxy would: open the next. */
  | { readonly kind: 'reopen' }
  /** The log is closed and complete: final. */
  | { readonly kind: 'end'; readonly lastLine: number };

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
  /**
   * Lines after number `after` of the boot as they are written, in the batches in which they come.
   * Ends with `reopen` or `end`; a cut, and 30 s without a sign of life, are POD_UNREACHABLE.
   */
  stream(bootId: string, after: number, signal: AbortSignal): AsyncIterable<AgentStreamEvent>;
  /**
   * `bootId` omitted: of the current boot. While it trains, the pod spares one checkpoint for whoever
   * asks: that of `holdStep` where it is still there, else the newest. PROTOCOL.md §6.3.
   */
  results(signal: AbortSignal, bootId?: string, holdStep?: number): Promise<AgentManifest>;
  /**
   * One range of a result file, `to` inclusive. Where the transfer is cut, what came has been
   * yielded before POD_UNREACHABLE is thrown.
   */
  readResult(
    path: string,
    range: ResultRange,
    signal: AbortSignal,
    bootId?: string,
  ): AsyncIterable<Uint8Array>;
}

export interface ResultRange {
  readonly from: number;
  readonly to: number;
}

const STATUS_DEADLINE_MS = 10_000;
const COMMAND_DEADLINE_MS = 20_000;
const LOG_DEADLINE_MS = 20_000;
/** The agent takes up to 60 s for hashes before it says that some are pending. */
const MANIFEST_DEADLINE_MS = 90_000;
const KIB = 1024;
const MIB = 1024 * KIB;
const MAX_STATUS_BYTES = MIB;
const MAX_LOG_PAGE_BYTES = 4 * MIB;
const MAX_MANIFEST_BYTES = 8 * MIB;

export interface PodAgentOptions extends AgentAccess {
  /** Bytes of one part of an upload: 8 MiB where omitted. */
  readonly partBytes?: number;
  /** Pause after a first failed part: 500 ms where omitted; doubles to 10 s. */
  readonly retryPauseMs?: number;
  /** A stream without a sign of life for so long is dead: 30 s where omitted. */
  readonly silenceMs?: number;
}

export function createPodAgent(options: PodAgentOptions): PodAgent {
  const { partBytes = 8 * MIB, retryPauseMs = 500 } = options;
  const http = createAgentHttp(options);

  async function command(
    method: 'PUT' | 'POST',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    await http.json(
      {
        method,
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        deadlineMs: COMMAND_DEADLINE_MS,
        signal,
      },
      commandSchema,
      MAX_STATUS_BYTES,
    );
  }

  async function lines(bootId: string, after: number, limit: number, signal: AbortSignal) {
    const path = `/v1/logs${queryOf({ after, boot: bootId, limit, wait: 0 })}`;
    const page = await http.json(
      { method: 'GET', path, deadlineMs: LOG_DEADLINE_MS, signal },
      logPageSchema,
      MAX_LOG_PAGE_BYTES,
    );
    return toLogPage(page, { bootId, after, limit });
  }

  return {
    status: (signal) =>
      http.json(
        { method: 'GET', path: '/v1/status', deadlineMs: STATUS_DEADLINE_MS, signal },
        statusSchema,
        MAX_STATUS_BYTES,
      ),
    putJob: (job, signal) => command('PUT', '/v1/job', job, signal),
    putFile: (name, source, signal) =>
      uploadFile({ http, name, source, signal }, { partBytes, retryPauseMs }),
    start: (signal) => command('POST', '/v1/start', {}, signal),
    stop: (graceSeconds, signal) => command('POST', '/v1/stop', { graceSeconds }, signal),
    release: (signal) => command('POST', '/v1/release', {}, signal),
    lines,
    stream: (bootId, after, signal) => readAgentStream(http, { bootId, after, signal }, options),
    results: (signal, bootId, holdStep) =>
      http.json(
        {
          method: 'GET',
          path: `/v1/results${queryOf({ boot: bootId, hold: holdStep })}`,
          deadlineMs: MANIFEST_DEADLINE_MS,
          signal,
        },
        manifestSchema,
        MAX_MANIFEST_BYTES,
      ),
    readResult: (path, range, signal, bootId) => readResult(http, { path, range, bootId }, signal),
  };
}
