import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { podSchema } from './pod.ts';

const stateSchema = z.strictObject({
  version: z.literal(1),
  pods: z.array(podSchema),
  forgottenUsd: z.number(),
});

/** What outlives a restart: the pods and what forgotten ones cost. Logs do not. */
export type SavedState = Omit<z.infer<typeof stateSchema>, 'version'>;

export interface StateFile {
  readonly saved: SavedState;
  save(state: SavedState): void;
}

const NOTHING: SavedState = { pods: [], forgottenUsd: 0 };

/** Keeps nothing. */
export function forgetfulState(): StateFile {
  return { saved: NOTHING, save: () => undefined };
}

/**
 * One file in `directory`, replaced as a whole with every save: a crash leaves the old or the new
 * one. Readable by its owner only, for it holds the pods' env in clear.
 *
 * @throws {Error} where the file is there and is not what was saved
 */
export function openStateFile(directory: string): StateFile {
  const path = join(directory, 'pods.json');
  mkdirSync(directory, { recursive: true });
  return {
    saved: readState(path),
    save(state) {
      const next = `${path}.next`;
      writeFileSync(next, JSON.stringify({ version: 1, ...state }), { mode: 0o600 });
      renameSync(next, path);
    },
  };
}

function readState(path: string): SavedState {
  const text = readIfPresent(path);
  if (text === null) return NOTHING;
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `the RunPod emulator's state in ${path} cannot be read: delete the file to start without pods`,
      { cause },
    );
  }
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
