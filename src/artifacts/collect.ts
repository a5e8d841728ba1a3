/**
 * Brings a pod's results into the artifact store: all of them verified, or none of them told.
 *
 * - WAITING    until the agent's list is final and every hash in it is done
 * - CHECKING   the list itself: paths, sizes, number
 * - PULLING    a few files at a time into the staging folder, each verified there; what an earlier
 *              run has stored is not pulled again
 * - STORING    the store adopts them, once all are sound and the caller knows of them
 * - COLLECTED, CORRUPT  final: the staging folder is gone
 *
 * A failure that may pass is thrown and leaves the staging folder: the next run goes on from it.
 *
 * @see agent/PROTOCOL.md §6
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type {
  AgentManifest,
  AgentResult,
  ArtifactKind,
  PodAgent,
} from '../datasources/pod-agent.ts';
import { AppError } from '../errors.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { isLie, pullFile } from './collect-file.ts';
import { createPatience } from './collect-retry.ts';
import type { Patience } from './collect-retry.ts';
import { checkManifest } from './manifest.ts';

const MIB = 1024 * 1024;

export interface CollectOptions {
  readonly agent: Pick<PodAgent, 'results' | 'readResult'>;
  /** Whose results; omitted: those of the boot that answers first. */
  readonly bootId?: string;
  /** Which of the files are wanted, of a list that was checked; omitted: all. */
  readonly select?: (files: readonly AgentResult[]) => readonly AgentResult[];
  /** A folder of this collection alone; the same one again goes on from what is in it. */
  readonly staging: string;
  /** Put before each path as it is: ends with a slash. */
  readonly keyPrefix: string;
  readonly store: Pick<ArtifactStore, 'adopt'>;
  /** Of all files together. */
  readonly maxBytes: number;
  /** Of one request: 8 MiB where omitted. */
  readonly rangeBytes?: number;
  /** Files at a time: 2 where omitted. */
  readonly concurrency?: number;
  /** How long the list may take to become final: 10 minutes where omitted. */
  readonly waitMs?: number;
  /** Between two looks at the list: 1 s where omitted. */
  readonly pollMs?: number;
  /** Failures in a row, without progress: 8 where omitted. */
  readonly maxFailures?: number;
  /** Pause after the first of them: 500 ms where omitted; doubles to 30 s. */
  readonly retryPauseMs?: number;
  readonly onProgress?: (progress: CollectProgress) => void;
  readonly signal: AbortSignal;
  /** Whether the store has this very file under its key, from an earlier run. */
  readonly isStored?: (path: string, sha256: string) => boolean | Promise<boolean>;
  /**
   * Told of all files before the first of them goes into the store. It says why they may not; null:
   * they may.
   */
  readonly beforeStore?: (files: readonly FetchedFile[]) => Promise<string | null>;
}

/** A file that is whole and verified, on this machine's disk. */
export interface FetchedFile extends CollectedFile {
  /** Null: the store has it already. */
  readonly partPath: string | null;
}

export interface CollectProgress {
  readonly collectedBytes: number;
  readonly totalBytes: number;
}

export interface CollectedFile {
  readonly path: string;
  readonly kind: ArtifactKind;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly storageKey: string;
}

export type CollectOutcome =
  | { readonly kind: 'collected'; readonly files: readonly CollectedFile[] }
  /** The pod's results are not what it says; asking again did not help. */
  | { readonly kind: 'corrupt'; readonly reason: string };

/**
 * Files are in the order of the pod's list.
 *
 * @throws {AppError} POD_UNREACHABLE POD_REFUSED STORE_UNAVAILABLE
 */
export async function collectArtifacts(options: CollectOptions): Promise<CollectOutcome> {
  return settled(options, async () => collectFiles(options, await finalManifest(options)));
}

/**
 * The same for files of a list that is not final, as those of a checkpoint.
 *
 * @throws {AppError} POD_UNREACHABLE POD_REFUSED STORE_UNAVAILABLE
 */
export async function collectListed(
  options: CollectOptions,
  list: Pick<AgentManifest, 'bootId' | 'files'>,
): Promise<CollectOutcome> {
  return settled(options, () => collectFiles(options, list));
}

/** Ends a collection from wherever it is. */
class Corrupt extends Error {}

async function settled(
  { staging, signal }: CollectOptions,
  collect: () => Promise<readonly CollectedFile[]>,
): Promise<CollectOutcome> {
  const outcome = await collect().then(
    (files) => ({ kind: 'collected', files }) as const,
    (error: unknown) => {
      if (error instanceof Corrupt || isLie(error)) {
        return { kind: 'corrupt', reason: error.message } as const;
      }
      signal.throwIfAborted();
      throw named(error);
    },
  );
  await rm(staging, { recursive: true, force: true });
  return outcome;
}

async function collectFiles(
  options: CollectOptions,
  { bootId, files }: Pick<AgentManifest, 'bootId' | 'files'>,
): Promise<readonly CollectedFile[]> {
  const checked = checkManifest(files, { maxBytes: options.maxBytes });
  if (checked.kind === 'invalid') throw new Corrupt(checked.reason);
  await mkdir(options.staging, { recursive: true, mode: 0o700 });
  const wanted = options.select?.(checked.files) ?? checked.files;
  return createCollector(options, bootId, totalBytesOf(wanted))(wanted);
}

function totalBytesOf(files: readonly AgentResult[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What is not the pod's and has no name is this machine's disk. */
function named(error: unknown): unknown {
  const isDisk = error instanceof Error && 'syscall' in error && 'code' in error;
  if (!isDisk) return error;
  return new AppError('STORE_UNAVAILABLE', 'The staging folder for results cannot be used.', {
    cause: error,
    retryable: true,
  });
}

async function finalManifest(options: CollectOptions): Promise<AgentManifest> {
  const { agent, signal, waitMs = 600_000, pollMs = 1_000 } = options;
  const patience = patienceOf(options, signal);
  const deadline = performance.now() + waitMs;
  let { bootId } = options;
  for (;;) {
    const manifest = await askManifest(() => agent.results(signal, bootId), patience);
    if (manifest?.isFinal === true && manifest.pending === 0) return manifest;
    if (performance.now() > deadline) throw notFinal();
    if (manifest === null) continue;
    // A container that restarts meanwhile would answer for its new boot, which has none.
    bootId ??= manifest.bootId;
    patience.noteProgress();
    await pause(pollMs, undefined, { signal });
  }
}

/** Null: it failed in a way that may pass, and a pause is over. */
async function askManifest(
  ask: () => Promise<AgentManifest>,
  patience: Patience,
): Promise<AgentManifest | null> {
  try {
    return await ask();
  } catch (error) {
    await patience.bear(error);
    return null;
  }
}

function notFinal(): AppError {
  return new AppError('POD_UNREACHABLE', "The pod's results are not final yet.", {
    reason: 'RESULTS_PENDING',
    retryable: true,
  });
}

function patienceOf(options: CollectOptions, signal: AbortSignal): Patience {
  const { maxFailures = 8, retryPauseMs = 500 } = options;
  return createPatience({ maxFailures, retryPauseMs, signal });
}

function createCollector(options: CollectOptions, bootId: string, totalBytes: number) {
  const { agent, keyPrefix, store, rangeBytes = 8 * MIB, concurrency = 2 } = options;
  // The first failure ends the other transfers too: nothing is written after the answer.
  const failing = new AbortController();
  const signal = AbortSignal.any([failing.signal, options.signal]);
  let collectedBytes = 0;
  const onBytes = (bytes: number) => {
    collectedBytes += bytes;
    options.onProgress?.({ collectedBytes, totalBytes });
  };

  async function pull(file: AgentResult): Promise<FetchedFile> {
    const { path, kind, sizeBytes, sha256 } = file;
    const fetched = { path, kind, sizeBytes, sha256, storageKey: keyPrefix + path };
    if ((await options.isStored?.(path, sha256)) === true) {
      onBytes(sizeBytes);
      return { ...fetched, partPath: null };
    }
    const partPath = join(options.staging, partName(file));
    const patience = patienceOf(options, signal);
    const transfer = { agent, bootId, file, partPath, rangeBytes, patience, signal, onBytes };
    const reason = await pullFile(transfer);
    if (reason !== null) throw new Corrupt(reason);
    return { ...fetched, partPath };
  }

  async function adopt({ partPath, ...file }: FetchedFile): Promise<CollectedFile> {
    if (partPath !== null) await store.adopt(file.storageKey, partPath, signal);
    return file;
  }

  /** In the order of `items`, a few at a time. */
  async function each<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    const queue = items.entries();
    const failed: unknown[] = [];
    const work = async () => {
      try {
        for (const [index, item] of queue) results[index] = await act(item);
      } catch (error) {
        failed.push(error);
        failing.abort();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
    if (failed.length > 0) throw failed[0];
    return results;
  }

  return async (files: readonly AgentResult[]) => {
    const fetched = await each(files, pull);
    const objection = (await options.beforeStore?.(fetched)) ?? null;
    if (objection !== null) throw new Corrupt(objection);
    return each(fetched, adopt);
  };
}

/**
 * Of the path and the contents, so that two files never share one and a pod that made its results
 * anew does not get old bytes; and a name that no manifest can choose.
 */
function partName({ path, sha256 }: AgentResult): string {
  return `${createHash('sha256').update(`${sha256}/${path}`).digest('hex')}.part`;
}
