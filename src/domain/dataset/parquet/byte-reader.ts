import { damaged } from './parquet-fault.ts';

/** Reads bytes in order, never past their end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  /** How far it has come. */
  at = 0;
  private readonly where: string;

  /** @param where stands after "damaged:" when the bytes end too early */
  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.where = where;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw this.fault();
    this.at += 1;
    return byte;
  }

  /** A view, not a copy. */
  take(length: number): Uint8Array {
    const start = this.at;
    this.skip(length);
    return this.bytes.subarray(start, this.at);
  }

  skip(length: number): void {
    if (length < 0 || length > this.left) throw this.fault();
    this.at += length;
  }

  /** Little-endian, 32 bits. */
  uint32(): number {
    const { bytes, at } = this;
    const [one, two, three, four] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    if (one === undefined || two === undefined || three === undefined || four === undefined) {
      throw this.fault();
    }
    this.at += 4;
    return (one | (two << 8) | (three << 16) | (four << 24)) >>> 0;
  }

  /** Unsigned LEB128 of at most 64 bits; past 2^53 it is only roughly right, which no limit lets pass. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw this.fault();
  }

  /** Signed, as Thrift and the delta encodings write it. */
  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  fault(): Error {
    return damaged(this.where);
  }
}
