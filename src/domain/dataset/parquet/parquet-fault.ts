/** Why a file cannot be used, as a sentence for whoever sent it. Thrown while a file is read, and caught there. */
export class ParquetFault extends Error {}

export function damaged(where: string): ParquetFault {
  return new ParquetFault(`The Parquet file is cut off or damaged: ${where}.`);
}
