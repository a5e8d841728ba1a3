/** Where a file goes whose name a server chose: never outside the folder that the user chose. */
import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { CliFailure } from './failure.ts';

/** Nothing that any file system reads as more than a name. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const SEGMENT = /^[^/\\:*?"<>|\0-\x1f\x7f-\x9f]{1,200}$/;
/** Names of devices on Windows, whatever the extension. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

function isSafeSegment(segment: string): boolean {
  // Windows drops trailing dots and spaces; `.` and `..` are among them.
  return SEGMENT.test(segment) && !/[. ]$/.test(segment) && !DEVICE.test(segment);
}

/** All of them before the first is fetched: half a result is worse than none. */
export function checkPaths(paths: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    if (!path.split('/').every(isSafeSegment)) throw unsafe(path, 'that leaves its folder');
    // Some file systems tell neither case nor ways of composing a letter apart.
    const key = path.normalize('NFC').toLowerCase();
    if (seen.has(key)) throw unsafe(path, 'that another file of the job has');
    seen.add(key);
  }
}

/** @returns the file's path; its folder is there and is no link to another place */
export async function prepareFile(folder: string, path: string): Promise<string> {
  const file = join(folder, ...path.split('/'));
  await mkdir(dirname(file), { recursive: true });
  const root = await realpath(folder);
  const parent = await realpath(dirname(file));
  if (parent !== root && !parent.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw unsafe(path, 'that a link leads out of its folder');
  }
  return join(parent, basename(file));
}

function unsafe(path: string, why: string): CliFailure {
  const hint = 'Nothing was written. A sound server does not do that: report it to who runs it.';
  const message = `The server names a file ${JSON.stringify(path)}, a name ${why}.`;
  return new CliFailure('refused', message, { hint });
}
