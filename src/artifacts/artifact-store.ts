/** Where results and uploads rest: a local folder, or an S3-compatible bucket. */
import { AppError } from '../errors.ts';

export interface ArtifactStore {
  /** A folder on this machine, which other replicas see only if it is shared. */
  readonly isLocal: boolean;
  /**
   * Takes a complete, verified local file over under `key`. It is visible whole or not at all; the
   * same key again replaces it. The file at `path` is gone afterwards.
   * @throws {AppError} STORE_UNAVAILABLE
   */
  adopt(key: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Null: there is nothing under this key. */
  size(key: string): Promise<number | null>;
  /** The bytes `from` to `to`, both inclusive. @throws {AppError} NOT_FOUND STORE_UNAVAILABLE */
  read(key: string, range: ByteRange, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** A key that is not there is a success. */
  remove(key: string): Promise<void>;
  close(): Promise<void>;
}

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

const MAX_KEY_BYTES = 900;
const SEGMENT = /^(?!\.{1,2}$)[^/\\\p{Cc}\p{Cs}]+$/u;
/** What file systems allow for one name, less what a store adds to it. */
const MAX_SEGMENT_BYTES = 200;

/** Whether a store takes this key: a relative path of plain names, as UTF-8 below 900 bytes. */
export function isStorageKey(key: string): boolean {
  return (
    Buffer.byteLength(key) <= MAX_KEY_BYTES &&
    key
      .split('/')
      .every((name) => SEGMENT.test(name) && Buffer.byteLength(name) <= MAX_SEGMENT_BYTES)
  );
}

/** @throws {TypeError} a key that no caller may pass: check with {@link isStorageKey} before */
export function assertStorageKey(key: string): void {
  if (!isStorageKey(key)) throw new TypeError(`not a storage key: ${JSON.stringify(key)}`);
}

const DISK_FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'is full',
  EDQUOT: 'is full',
  EROFS: 'is read-only',
  EACCES: 'may not be written or read by this server',
  EPERM: 'may not be written or read by this server',
  EIO: 'fails',
  EMFILE: 'cannot be used: too many files are open',
  ENFILE: 'cannot be used: too many files are open',
};

/** A disk's failure by its name; anything else is handed back as it is. */
export function asDiskFault(error: unknown, place: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const fault = DISK_FAULTS[code];
  if (fault === undefined) return error;
  const message = `${place} ${fault} (${code}).`;
  return new AppError('STORE_UNAVAILABLE', message, { cause: error, retryable: true });
}
