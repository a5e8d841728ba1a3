/** Checkpoints of a training: which file belongs to which, and which are worth keeping. */

/** Those that an agent takes back. @see agent/PROTOCOL.md §3.4 */
const PATH =
  /^checkpoints\/checkpoint-(\d{1,15})\/([A-Za-z0-9][\w.-]{0,199}(?:\/[A-Za-z0-9][\w.-]{0,199}){0,4})$/;
/** Written last, with the sha256 of every other file. @see agent/PROTOCOL.md §7.6 */
export const COMPLETE = 'COMPLETE';

export interface CheckpointPath {
  readonly step: number;
  /** In the checkpoint's folder. */
  readonly path: string;
}

/** Null: not a file of a checkpoint, or of none that could be given back to a trainer. */
export function readCheckpointPath(path: string): CheckpointPath | null {
  const match = PATH.exec(path);
  return match === null ? null : { step: Number(match[1]), path: match[2] ?? '' };
}

export function checkpointName(step: number): string {
  return `checkpoint-${step}`;
}

/** The newest step behind `after` that has its marker; null: there is none. */
export function newestStep(
  files: readonly { readonly path: string }[],
  after: number,
): number | null {
  const steps = files.flatMap((file) => {
    const found = readCheckpointPath(file.path);
    return found?.path === COMPLETE && found.step > after ? [found.step] : [];
  });
  return steps.length === 0 ? null : Math.max(...steps);
}

/** Whether the checkpoint of this step has its marker. */
export function hasCheckpoint(files: readonly { readonly path: string }[], step: number): boolean {
  return files.some(({ path }) => {
    const found = readCheckpointPath(path);
    return found?.step === step && found.path === COMPLETE;
  });
}

export interface CheckpointChoice {
  readonly isFinal: boolean;
  readonly files: readonly { readonly path: string }[];
  /** Everything up to here is stored. */
  readonly savedStep: number;
  /** Of one that an earlier pull has begun; null: none. */
  readonly begunStep: number | null;
}

export type ChosenCheckpoint =
  | { readonly kind: 'fetch'; readonly step: number }
  /** The one that was begun is gone. */
  | { readonly kind: 'pruned'; readonly step: number }
  /** There is nothing new. */
  | { readonly kind: 'none' };

/**
 * Which checkpoint to fetch. While it trains one that was begun comes first: where they are made
 * faster than they are fetched, whoever begins the newest each time never ends. Once it is over
 * nothing is removed any more, and only the newest counts.
 */
export function chooseCheckpoint({
  isFinal,
  files,
  savedStep,
  begunStep,
}: CheckpointChoice): ChosenCheckpoint {
  if (begunStep !== null && begunStep > savedStep && !isFinal) {
    return { kind: hasCheckpoint(files, begunStep) ? 'fetch' : 'pruned', step: begunStep };
  }
  const step = newestStep(files, savedStep);
  return step === null ? { kind: 'none' } : { kind: 'fetch', step };
}

export interface CheckpointPlace {
  readonly attempt: number;
  readonly step: number;
}

/**
 * What may go, of checkpoints in any order: all but the newest `keep`, and what a later attempt has
 * come by again. A later attempt's are newer, whatever their step: it may have begun anew.
 */
export function staleCheckpoints<T extends CheckpointPlace>(
  checkpoints: readonly T[],
  keep: number,
): readonly T[] {
  const ordered = [...checkpoints].sort((a, b) => b.attempt - a.attempt || b.step - a.step);
  const current = ordered.filter(
    ({ attempt, step }) => !ordered.some((other) => other.attempt > attempt && other.step <= step),
  );
  const kept = new Set(current.slice(0, keep));
  return ordered.filter((each) => !kept.has(each));
}

/**
 * Whether the files are what the marker says, all of them.
 *
 * @param marker text of the file {@link COMPLETE}
 * @param files sha256 by path in the checkpoint's folder
 * @returns what is wrong; null: nothing
 */
export function checkpointFault(marker: string, files: ReadonlyMap<string, string>): string | null {
  const named = readMarker(marker);
  if (named === null) return 'its marker is none';
  for (const [path, sha256] of Object.entries(named)) {
    const found = files.get(path);
    if (found === undefined) return `${JSON.stringify(path.slice(0, 100))} is not there`;
    if (found !== sha256)
      return `${JSON.stringify(path.slice(0, 100))} is not what its marker says`;
  }
  return null;
}

function readMarker(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const marker = JSON.parse(text) as { sha256?: unknown } | null;
    const named = marker?.sha256;
    return typeof named === 'object' && named !== null && !Array.isArray(named)
      ? (named as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}
