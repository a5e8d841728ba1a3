import type { DatasetFile } from './dataset-file.ts';

/** Rows out of a file's bytes as they come: one reader per format. */
export interface RowReader {
  /** The next bytes, cut anywhere. The bytes are not kept once it is done. */
  push(chunk: Uint8Array): void | Promise<void>;
  /** There are no more bytes; `file` has all of them. */
  end(file: DatasetFile): void | Promise<void>;
}

/** Where a reader tells what it found; row numbers begin at 1, PROTOCOL.md §7.5. */
export interface RowSink {
  row(number: number, value: unknown): void;
  /** This row is wrong; `message` stands after "row 7". */
  fault(number: number, message: string): void;
  /** The file as a whole is wrong, or what follows could not be told apart: reading ends. */
  stop(message?: string): void;
  /** Nothing more is wanted. */
  readonly isStopped: boolean;
}

/** A row may be held in memory whole. */
export const MAX_ROW_BYTES = 8 * 1_024 * 1_024;
export const TOO_LONG = `is longer than ${MAX_ROW_BYTES / 1_024 / 1_024} MiB`;

export type JsonText =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly message: string };

// BOMs are ours to judge: one is only tolerated at the start of a file.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes as text; undefined: they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function parseJson(bytes: Uint8Array): JsonText {
  const text = decodeText(bytes);
  if (text === undefined) return { kind: 'fault', message: 'is not UTF-8' };
  try {
    return { kind: 'value', value: JSON.parse(text) as unknown };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'fault', message: `is not JSON: ${why}` };
  }
}

/** Bytes of one row, gathered over chunks: what is over the limit is dropped, and said. */
export class Piece {
  private parts: Uint8Array[] = [];
  private size = 0;
  private keptParts = 0;

  get isTooLong(): boolean {
    return this.size > MAX_ROW_BYTES;
  }

  /** A view of bytes that will be reused: {@link keep} before the next chunk. */
  add(bytes: Uint8Array): void {
    this.size += bytes.length;
    if (this.isTooLong) this.clear();
    else if (bytes.length > 0) this.parts.push(bytes);
  }

  /** The chunk ends: what was added from it becomes a copy. */
  keep(): void {
    const added = this.parts.splice(this.keptParts);
    this.parts.push(...added.map((bytes) => new Uint8Array(bytes)));
    this.keptParts = this.parts.length;
  }

  /** Everything gathered; the next piece begins. */
  take(): Uint8Array {
    const [first] = this.parts;
    const whole =
      this.parts.length === 1 && first !== undefined ? first : Buffer.concat(this.parts, this.size);
    this.drop();
    return whole;
  }

  drop(): void {
    this.clear();
    this.size = 0;
  }

  private clear(): void {
    this.parts = [];
    this.keptParts = 0;
  }
}

const BOM = [0xef, 0xbb, 0xbf];

export function withoutBom(bytes: Uint8Array): Uint8Array {
  return BOM.every((byte, index) => bytes[index] === byte) ? bytes.subarray(BOM.length) : bytes;
}

/** What JSON calls white space. */
export function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
