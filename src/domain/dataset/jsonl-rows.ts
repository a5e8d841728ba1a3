import { Piece, TOO_LONG, isJsonSpace, parseJson, withoutBom } from './row-reader.ts';
import type { RowReader, RowSink } from './row-reader.ts';

const NEWLINE = 0x0a;

/** JSON Lines: a row's number is its line in the file; blank lines count and hold no row. */
export function createJsonlRows(sink: RowSink): RowReader {
  const line = new Piece();
  let number = 0;

  function endLine(): void {
    number += 1;
    if (line.isTooLong) {
      line.drop();
      sink.fault(number, TOO_LONG);
      return;
    }
    const taken = line.take();
    const bytes = number === 1 ? withoutBom(taken) : taken;
    if (bytes.every(isJsonSpace)) return;
    const json = parseJson(bytes);
    if (json.kind === 'value') sink.row(number, json.value);
    else sink.fault(number, json.message);
  }

  return {
    push(chunk) {
      let from = 0;
      for (;;) {
        const end = chunk.indexOf(NEWLINE, from);
        if (end === -1) break;
        line.add(chunk.subarray(from, end));
        endLine();
        if (sink.isStopped) return;
        from = end + 1;
      }
      line.add(chunk.subarray(from));
      line.keep();
    },
    end: endLine,
  };
}
