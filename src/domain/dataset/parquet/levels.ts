import { ByteReader } from './byte-reader.ts';
import { damaged } from './parquet-fault.ts';

/** How many bits a level or an index up to `most` takes. */
export function bitWidthOf(most: number): number {
  return 32 - Math.clz32(most);
}

/** Numbers of `width` bits, packed from the lowest bit on. */
export class PackedBits {
  private readonly bytes: Uint8Array;
  private readonly width: number;
  private bit = 0;

  constructor(bytes: Uint8Array, width: number) {
    this.bytes = bytes;
    this.width = width;
  }

  next(): number {
    let value = 0;
    for (let got = 0; got < this.width;) {
      const byte = this.bytes[this.bit >>> 3];
      if (byte === undefined) throw damaged('packed values end too early');
      const shift = this.bit & 7;
      const taken = Math.min(8 - shift, this.width - got);
      value += ((byte >>> shift) & ((1 << taken) - 1)) * 2 ** got;
      got += taken;
      this.bit += taken;
    }
    return value;
  }
}

/**
 * The RLE / bit-packing hybrid, a number at a time: a run may say that it has billions, and only as
 * many as are asked for are made.
 *
 * @see https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export class HybridNumbers {
  private readonly reader: ByteReader;
  private readonly width: number;
  private left = 0;
  private repeated = 0;
  private packed: PackedBits | null = null;

  constructor(bytes: Uint8Array, width: number) {
    this.reader = new ByteReader(bytes, 'a run of values ends too early');
    this.width = width;
    if (width > 32) throw this.reader.fault();
  }

  next(): number {
    if (this.left === 0) this.startRun();
    this.left -= 1;
    return this.packed === null ? this.repeated : this.packed.next();
  }

  private startRun(): void {
    const head = this.reader.varint();
    // Of no values: nobody writes one, and a page may have millions.
    if (head < 2) throw this.reader.fault();
    if (head % 2 === 0) {
      this.left = head / 2;
      this.packed = null;
      this.repeated = 0;
      for (let shift = 0; shift < this.width; shift += 8) {
        this.repeated += this.reader.byte() * 2 ** shift;
      }
      return;
    }
    const groups = (head - 1) / 2;
    this.left = groups * 8;
    // Some writers leave out the padding of the last group.
    const length = Math.min(groups * this.width, this.reader.left);
    this.packed = new PackedBits(this.reader.take(length), this.width);
  }
}
