/** Names of pods say whose they are: `rps-<installation>-<job>-<attempt>-<nonce>`. */

const PREFIX = 'rps';
const PATTERN = /^rps-([a-z0-9]{4,32})-([a-z0-9]{1,40})-(\d{1,6})-([a-z0-9]{4,32})$/;

export interface PodNameParts {
  readonly installationId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly nonce: string;
}

export function podNameOf({ installationId, jobId, attempt, nonce }: PodNameParts): string {
  return [PREFIX, installationId, jobId, attempt, nonce].join('-');
}

/** Null: not a name that any installation of this service gives. */
export function readPodName(name: string): PodNameParts | null {
  const match = PATTERN.exec(name);
  if (match === null) return null;
  const [, installationId = '', jobId = '', attempt = '', nonce = ''] = match;
  return { installationId, jobId, attempt: Number(attempt), nonce };
}
