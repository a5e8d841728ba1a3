/** Where results and uploads rest: a local folder, or an S3-compatible bucket. */

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
