/** All of a dataset's bytes, for formats that cannot be read from the front. */
export interface DatasetFile {
  readonly sizeBytes: number;
  /** Exactly these bytes. `from` and `length` lie within the file. */
  read(from: number, length: number): Promise<Uint8Array>;
  /** Null: they are not of this compression, or become more than `mostBytes`. */
  decompress(kind: Compression, bytes: Uint8Array, mostBytes: number): Promise<Uint8Array | null>;
  /** Lets everything else that waits for the processor have its turn. */
  pause(): Promise<void>;
}

export type Compression = 'gzip' | 'brotli' | 'zstd';
