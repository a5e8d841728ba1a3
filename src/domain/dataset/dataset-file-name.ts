export type DatasetFormat = 'jsonl' | 'json' | 'csv' | 'parquet';

const FILE_NAME = /^[^./\\\p{Cc}\p{Cs}][^/\\\p{Cc}\p{Cs}]{0,199}$/u;
const EXTENSION = /\.(jsonl|json|csv|parquet)$/i;
const MAX_STEM = 150;

/** Null: no file name of a dataset. The extension decides, as it does for the trainer. */
export function datasetFormatOf(fileName: string): DatasetFormat | null {
  const extension = EXTENSION.exec(fileName)?.[1];
  if (extension === undefined || !FILE_NAME.test(fileName)) return null;
  return extension.toLowerCase() as DatasetFormat;
}

/** The name this file has on a pod: PROTOCOL.md §3.3 allows less than people's file systems do. */
export function podFileNameOf(fileName: string): string {
  const format = datasetFormatOf(fileName) ?? 'jsonl';
  const stem = fileName
    .replace(EXTENSION, '')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, MAX_STEM);
  return `${stem === '' ? 'dataset' : stem}.${format}`;
}
