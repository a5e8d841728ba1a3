/**
 * The values of one column chunk in their order, page by page: at most a page and a dictionary of it
 * are in memory.
 *
 * @see https://parquet.apache.org/docs/file-format/data-pages/
 */
import type { DatasetFile } from '../dataset-file.ts';
import { ByteReader } from './byte-reader.ts';
import { decompressPage } from './decompress.ts';
import type { Chunk } from './footer.ts';
import { HybridNumbers, bitWidthOf } from './levels.ts';
import type { Effort } from './limits.ts';
import { MAX_PAGE_HEADER_BYTES } from './limits.ts';
import { readPageHeader, RLE } from './page-header.ts';
import type { PageHeader } from './page-header.ts';
import type { Leaf } from './schema.ts';
import { damaged, ParquetFault } from './parquet-fault.ts';
import { Dictionary, openValues } from './values.ts';
import type { Values } from './values.ts';

/** Read at once, so that small pages do not cost a read each. */
const WINDOW_BYTES = 256 * 1_024;

export class ChunkCursor {
  private readonly file: DatasetFile;
  private readonly chunk: Chunk;
  private readonly leaf: Leaf;
  private readonly effort: Effort;
  private window: { readonly from: number; readonly bytes: Uint8Array } = {
    from: 0,
    bytes: new Uint8Array(),
  };
  private at: number;
  private dictionary: Dictionary | null = null;
  private repetitions: HybridNumbers | null = null;
  private definitions: HybridNumbers | null = null;
  private values: Values = { next: () => new Uint8Array() };
  private left = 0;
  private nextRepetition: number | null = null;

  constructor(file: DatasetFile, chunk: Chunk, leaf: Leaf, effort: Effort) {
    this.file = file;
    this.chunk = chunk;
    this.leaf = leaf;
    this.effort = effort;
    this.at = chunk.from;
  }

  /** An entry of the page at hand is left. */
  get isReady(): boolean {
    return this.left > 0;
  }

  /** Of the next entry, which there must be; 0: it begins a row. */
  get repetition(): number {
    this.nextRepetition ??= this.repetitions?.next() ?? 0;
    return this.nextRepetition;
  }

  /**
   * The next entry, which there must be. A number is the definition level of one that is not there.
   */
  take(): Uint8Array | number {
    // The levels are two streams that go forward together.
    if (this.repetition > this.leaf.maxRepetition) throw damaged('a level is too high');
    this.nextRepetition = null;
    this.left -= 1;
    const level = this.definitions?.next() ?? this.leaf.maxDefinition;
    if (level > this.leaf.maxDefinition) throw damaged('a level is too high');
    const value = level === this.leaf.maxDefinition ? this.values.next() : level;
    this.effort.spendValue(typeof value === 'number' ? 0 : value.length);
    return value;
  }

  /** Goes to the next page that has entries. @returns false: there is none */
  async load(): Promise<boolean> {
    while (this.left === 0) {
      if (this.at >= this.chunk.to) return false;
      await this.loadPage();
    }
    return true;
  }

  private async loadPage(): Promise<void> {
    const { column } = this.leaf;
    const most = Math.min(MAX_PAGE_HEADER_BYTES, this.chunk.to - this.at);
    const where = `a page of the column \`${column}\` cannot be read`;
    const reader = new ByteReader(await this.bytesAt(this.at, most), where);
    const header = readPageHeader(reader, column);
    const from = this.at + reader.at;
    this.at = from + header.storedBytes;
    if (this.at > this.chunk.to) throw reader.fault();
    this.effort.spendPage(header.storedBytes + header.sizeBytes);
    if (this.effort.isTurnOver) await this.effort.rest();
    if (header.kind === 'other') return;
    // What the page before took is free before the next takes as much.
    this.values = { next: () => new Uint8Array() };
    await this.openPage(header, await this.bytesAt(from, header.storedBytes));
  }

  private async openPage(header: PageHeader, stored: Uint8Array): Promise<void> {
    const { kind, sizeBytes, valueCount, repetitionBytes, definitionBytes } = header;
    const levelBytes = repetitionBytes + definitionBytes;
    const [levels, packed] = [stored.subarray(0, levelBytes), stored.subarray(levelBytes)];
    const size = sizeBytes - levelBytes;
    const isCompressed = header.isCompressed || kind !== 'data-v2';
    const codec = isCompressed ? this.chunk.codec : 0;
    const bytes = await decompressPage(this.file, codec, packed, size, this.effort);
    if (kind === 'dictionary') {
      this.dictionary = await Dictionary.read(bytes, valueCount, this.effort);
      return;
    }
    const { repetition, definition } = header.levelEncodings;
    const body = new ByteReader(bytes, 'the levels of a page end too early');
    const before = new ByteReader(levels, 'the levels of a page end too early');
    const open = (most: number, length: number, encoding: number) => {
      if (most === 0) return null;
      if (encoding !== RLE)
        throw new ParquetFault('The Parquet file has levels in an old encoding.');
      const taken = kind === 'data-v2' ? before.take(length) : body.take(body.uint32());
      return new HybridNumbers(taken, bitWidthOf(most));
    };
    this.repetitions = open(this.leaf.maxRepetition, repetitionBytes, repetition);
    this.definitions = open(this.leaf.maxDefinition, definitionBytes, definition);
    const values = body.take(body.left);
    const { dictionary, effort } = this;
    this.values = await openValues(header.encoding, values, dictionary, valueCount, effort);
    this.left = valueCount;
  }

  private async bytesAt(from: number, length: number): Promise<Uint8Array> {
    const start = from - this.window.from;
    if (start >= 0 && start + length <= this.window.bytes.length) {
      return this.window.bytes.subarray(start, start + length);
    }
    if (length > WINDOW_BYTES) return this.file.read(from, length);
    const ahead = Math.min(WINDOW_BYTES, this.chunk.to - from);
    this.window = { from, bytes: await this.file.read(from, ahead) };
    return this.window.bytes.subarray(0, length);
  }
}
