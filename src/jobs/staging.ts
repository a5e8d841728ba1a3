/** Where files are put together before the artifact store takes them; on this machine's disk. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const NAME = /^([a-z0-9]+)-(\d+)(?:-checkpoint)?$/;

export function resultStagingOf(folder: string, jobId: string, attempt: number): string {
  return join(folder, `${jobId}-${attempt}`);
}

/** A folder of folders, one per step. */
export function checkpointStagingOf(folder: string, jobId: string, attempt: number): string {
  return join(folder, `${jobId}-${attempt}-checkpoint`);
}

/** A folder that was never made has nothing in it. */
export function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** Removes what is left on this machine of an attempt that is over. */
export async function discardStaging(
  folder: string,
  jobId: string,
  attempt: number,
): Promise<void> {
  for (const path of [
    resultStagingOf(folder, jobId, attempt),
    checkpointStagingOf(folder, jobId, attempt),
  ]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** Attempts of which something is left on this machine. */
export async function stagedAttempts(
  folder: string,
): Promise<readonly { readonly jobId: string; readonly attempt: number }[]> {
  return (await namesIn(folder)).flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [{ jobId: match[1] ?? '', attempt: Number(match[2]) }];
  });
}
