/** RunPod's contract and recorded answers, where they lie beside the repository; never copied. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER =
  process.env.RUNPOD_REFERENCE_DIR ??
  fileURLToPath(new URL('../../../shared/runpod', import.meta.url));

export const hasReference = existsSync(`${FOLDER}/rest-v2.openapi.json`);
/** For test names: why they did not run. */
export const REFERENCE_MISSING = hasReference
  ? ''
  : ' (skipped: no RunPod reference beside the repository)';

export function readReference(path: string): string {
  return readFileSync(`${FOLDER}/${path}`, 'utf8');
}

export function readSample(prefix: string): unknown {
  const name = readdirSync(`${FOLDER}/samples`).find((each) => each.startsWith(prefix));
  if (name === undefined) throw new Error(`there is no sample ${prefix}`);
  return JSON.parse(readReference(`samples/${name}`)) as unknown;
}
