/**
 * What a Parquet file may cost to check. A file says itself how much its parts become, so each part
 * is compared with a limit before it is read, and with what it said afterwards.
 */
import { ParquetFault } from './parquet-fault.ts';

const MIB = 1_024 * 1_024;

/** The footer is parsed in one go. */
export const MAX_FOOTER_BYTES = 16 * MIB;
export const MAX_ROW_GROUPS = 50_000;
export const MAX_SCHEMA_ELEMENTS = 10_000;
export const MAX_SCHEMA_DEPTH = 50;
export const MAX_ROWS = 20_000_000;
/** As stored and as decompressed: two or three columns have a page and a dictionary in memory. */
export const MAX_PAGE_BYTES = 64 * MIB;
export const MAX_PAGE_VALUES = 16 * MIB;
export const MAX_PAGE_HEADER_BYTES = 64 * 1_024;
/** Of all work on one file: bytes as stored and as decompressed, bytes of text, and a fee for each page, row and value. */
export const MAX_WORK_BYTES = 64 * 1_024 * MIB;

/** How much is done before others get their turn: a few milliseconds. */
const TURN_BYTES = 2 * MIB;
const STEP_BYTES = 16;
const PAGE_FEE = 2_048;
const ROW_FEE = 512;
const VALUE_FEE = 64;

/** Counts the work on one file, ends it at {@link MAX_WORK_BYTES}, and lets others have their turn. */
export class Effort {
  private readonly pause: () => Promise<void>;
  private total = 0;
  private turn = 0;

  constructor(pause: () => Promise<void>) {
    this.pause = pause;
  }

  /** @throws {ParquetFault} it is too much */
  spend(bytes: number): void {
    this.total += bytes;
    this.turn += bytes;
    if (this.total > MAX_WORK_BYTES) {
      const gib = MAX_WORK_BYTES / 1_024 / MIB;
      throw new ParquetFault(`The Parquet file becomes more than ${gib} GiB when it is read.`);
    }
  }

  /** Work that {@link MAX_PAGE_BYTES} bounds already: it only takes of the turn. */
  step(): void {
    this.turn += STEP_BYTES;
  }

  spendPage(bytes: number): void {
    this.spend(bytes + PAGE_FEE);
  }

  spendRow(): void {
    this.spend(ROW_FEE);
  }

  spendValue(bytes: number): void {
    this.spend(bytes + VALUE_FEE);
  }

  /** Its turn is over: {@link rest} before more is done. */
  get isTurnOver(): boolean {
    return this.turn > TURN_BYTES;
  }

  async rest(): Promise<void> {
    this.turn = 0;
    await this.pause();
  }
}
