import { createCsvRows } from './csv-rows.ts';
import type { DatasetFile } from './dataset-file.ts';
import type { DatasetFormat } from './dataset-file-name.ts';
import { createJsonRows } from './json-rows.ts';
import { createJsonlRows } from './jsonl-rows.ts';
import { createParquetRows } from './parquet-rows.ts';
import type { RowReader, RowSink } from './row-reader.ts';
import { faultOfRow, formOf } from './row-shape.ts';

export interface RowFault {
  /** From 1, PROTOCOL.md §7.5. */
  readonly row: number;
  readonly message: string;
}

export type DatasetReport =
  | { readonly kind: 'sound'; readonly format: DatasetFormat; readonly rowCount: number }
  | {
      readonly kind: 'faulty';
      readonly message: string;
      /** In the file's order, at most {@link MAX_FAULTS}; empty: the file as a whole is wrong. */
      readonly rows: readonly RowFault[];
    };

export interface DatasetCheck {
  /** The verdict is known: the rest of the file would not change it. */
  readonly isHopeless: boolean;
  push(chunk: Uint8Array): Promise<void>;
  /** @param file the bytes that were pushed, all of them, where it is not hopeless */
  end(file: DatasetFile): Promise<DatasetReport>;
}

const MAX_FAULTS = 20;
/** The trainer refuses fewer: there would be nothing to hold back for validation. */
const MIN_ROWS = 2;

/**
 * Checks a dataset as its bytes come, holding one row at a time; Parquet, whose columns are described
 * at its end, once they are all there.
 */
export function createDatasetCheck(format: DatasetFormat): DatasetCheck {
  const rows: RowFault[] = [];
  let rowCount = 0;
  let isStopped = false;
  let fileFault: string | undefined;

  let first: { readonly row: number; readonly form: string } | undefined;
  const faultOfForm = (row: number, form: string) => {
    first ??= { row, form };
    if (form === first.form) return null;
    return `has ${form}, but row ${first.row} has ${first.form}: all rows must be of one shape`;
  };

  const sink: RowSink = {
    row(number, value) {
      rowCount += 1;
      const fault = faultOfRow(value) ?? faultOfForm(number, formOf(value));
      if (fault !== null) sink.fault(number, fault);
    },
    fault(row, message) {
      if (isStopped) return;
      rows.push({ row, message });
      if (rows.length === MAX_FAULTS) isStopped = true;
    },
    stop(message) {
      if (!isStopped) fileFault = message;
      isStopped = true;
    },
    get isStopped() {
      return isStopped;
    },
  };
  const reader = readerOf(format, sink);

  function report(): DatasetReport {
    if (fileFault !== undefined) return { kind: 'faulty', message: fileFault, rows };
    if (rows.length > 0) return { kind: 'faulty', message: messageOf(rows), rows };
    if (rowCount >= MIN_ROWS) return { kind: 'sound', format, rowCount };
    const count = rowCount === 1 ? '1 row' : `${rowCount} rows`;
    const message = `The dataset has ${count}; at least ${MIN_ROWS} are needed.`;
    return { kind: 'faulty', message, rows };
  }

  return {
    get isHopeless() {
      return isStopped;
    },
    async push(chunk) {
      if (!isStopped) await reader.push(chunk);
    },
    async end(file) {
      if (!isStopped) await reader.end(file);
      return report();
    },
  };
}

function messageOf(rows: readonly RowFault[]): string {
  const [first] = rows;
  const more = rows.length - 1;
  const others =
    more === 0 ? '' : `; ${more}${rows.length === MAX_FAULTS ? ' or more' : ''} others`;
  return `Rows are wrong: row ${first?.row ?? 0} ${first?.message ?? ''}${others}.`;
}

function readerOf(format: DatasetFormat, sink: RowSink): RowReader {
  switch (format) {
    case 'jsonl':
      return createJsonlRows(sink);
    case 'json':
      return createJsonRows(sink);
    case 'csv':
      return createCsvRows(sink);
    case 'parquet':
      return createParquetRows(sink);
  }
}
