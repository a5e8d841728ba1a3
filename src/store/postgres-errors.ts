/** Translates what `pg` and PostgreSQL throw: an outage gets a name, a mistake of ours stays as it is. */
import { AppError } from '../errors.ts';

const UNREACHABLE = 'cannot be reached: check that it runs and that DATABASE_URL points at it';

/**
 * SQLSTATE, or the class that is its first two letters.
 * @see https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const BY_STATE: Readonly<Record<string, string>> = {
  '08': UNREACHABLE,
  '25006': 'is read-only: make it writable, or point DATABASE_URL at the primary',
  '25P03': 'ended a transaction that did nothing for too long: try again',
  '28': 'refused the user or the password of DATABASE_URL',
  '3D000': 'has no database of that name: create it, or correct DATABASE_URL',
  '53': 'is out of resources: see its log',
  '53100': 'is full: free space on its disk',
  '53300': 'takes no more connections: raise its max_connections or run fewer replicas',
  '55P03': 'waited too long for a lock: try again',
  '57014': 'took too long for a statement: try again',
  '57P': 'is stopping or starting: it will be tried again',
  '58': 'has trouble with its system: see its log',
  XX001: 'is damaged: see its log, restore a backup',
  XX002: 'is damaged: see its log, restore a backup',
};

/** Of sockets and names, by Node. */
const BY_NODE_CODE = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|ENOENT|EACCES)/;

/** `pg` gives these no code. */
const BY_MESSAGE =
  /^(Connection terminated|Connection ended|Client has encountered a connection error|Client was closed|Query read timeout|timeout )/;

export function translateError(error: unknown): unknown {
  const what = outageOf(error);
  return what === undefined ? error : outage(what, error);
}

/** Whatever keeps us from a connection is an outage. */
export function translateConnectError(error: unknown): AppError {
  return outage(outageOf(error) ?? UNREACHABLE, error);
}

/** Serialization failure and deadlock: the same again may succeed at once. */
export function isConflict(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

function outageOf(error: unknown): string | undefined {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : '';
  if (BY_NODE_CODE.test(code) || BY_MESSAGE.test(message)) return UNREACHABLE;
  return BY_STATE[code] ?? BY_STATE[code.slice(0, 3)] ?? BY_STATE[code.slice(0, 2)];
}

/** The driver's own messages stay in the cause: they name hosts and users. */
function outage(what: string, cause: unknown): AppError {
  return new AppError('STORE_UNAVAILABLE', `PostgreSQL ${what}.`, { retryable: true, cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
