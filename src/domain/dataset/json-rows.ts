/**
 * A JSON file's rows without ever holding the file: the text is cut at the commas between rows, and
 * each piece must be JSON by itself.
 *
 * - START    white space, then the list of rows or an object around it
 * - MEMBERS  in that object: members are gathered, until one is `data`, `rows` or `train` with a list
 * - ROWS     in the list
 * - END      white space only
 */
import { Piece, TOO_LONG, decodeText, isJsonSpace, parseJson, withoutBom } from './row-reader.ts';
import type { RowReader, RowSink } from './row-reader.ts';

type Mode = 'START' | 'MEMBERS' | 'ROWS' | 'END';

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const LIST_MEMBER = /^\s*"(data|rows|train)"\s*:\s*$/;
const LIST_NAMES = ['data', 'rows', 'train'];
const EXPECTED =
  'The JSON file must be a list of rows, or an object with one such list in `data`, `rows` or `train`.';

export function createJsonRows(sink: RowSink): RowReader {
  const piece = new Piece();
  let mode: Mode = 'START';
  let head: Uint8Array = new Uint8Array();
  let isHeadDone = false;
  let hasOuter = false;
  let hasList = false;
  let isListJustOver = false;
  let number = 0;
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let from = 0;

  function endRow(isLast: boolean): void {
    if (piece.isTooLong) {
      sink.fault(number + 1, TOO_LONG);
      sink.stop();
      return;
    }
    const bytes = piece.take();
    if (isLast && number === 0 && bytes.every(isJsonSpace)) return;
    number += 1;
    const json = parseJson(bytes);
    if (json.kind === 'value') {
      sink.row(number, json.value);
      return;
    }
    // Where the next row begins is no longer sure.
    sink.fault(number, json.message);
    sink.stop();
  }

  function endMember(): void {
    const bytes = piece.isTooLong ? undefined : piece.take();
    if (isListJustOver) {
      isListJustOver = false;
      if (bytes?.every(isJsonSpace) !== true)
        sink.stop('The JSON file is not JSON after its list.');
      return;
    }
    if (bytes === undefined) {
      sink.stop(EXPECTED);
      return;
    }
    const json = parseJson(Buffer.concat([Buffer.from('{'), bytes, Buffer.from('}')]));
    if (json.kind === 'fault') sink.stop(`The JSON file ${json.message}`);
    // A name may be written with escapes, which LIST_MEMBER does not see.
    else if (LIST_NAMES.some((name) => Array.isArray((json.value as Row)[name]))) {
      sink.stop(EXPECTED);
    }
  }

  function beginsList(chunk: Uint8Array, at: number): boolean {
    if (mode !== 'MEMBERS' || depth > 0) return false;
    piece.add(chunk.subarray(from, at));
    from = at;
    if (piece.isTooLong) return false;
    const bytes = piece.take();
    if (LIST_MEMBER.test(decodeText(bytes) ?? '')) return true;
    piece.add(bytes);
    return false;
  }

  function open(chunk: Uint8Array, at: number): void {
    if (chunk[at] !== OPEN_LIST || !beginsList(chunk, at)) {
      depth += 1;
      return;
    }
    if (hasList) sink.stop(EXPECTED);
    hasList = true;
    mode = 'ROWS';
    from = at + 1;
  }

  function close(chunk: Uint8Array, at: number): void {
    if (depth > 0) {
      depth -= 1;
      return;
    }
    piece.add(chunk.subarray(from, at));
    from = at + 1;
    const wanted = mode === 'ROWS' ? CLOSE_LIST : CLOSE_OBJECT;
    if (chunk[at] !== wanted) {
      sink.stop('The JSON file is not JSON: its brackets do not match.');
    } else if (mode === 'ROWS') {
      endRow(true);
      mode = hasOuter ? 'MEMBERS' : 'END';
      isListJustOver = hasOuter;
    } else {
      endMember();
      if (!hasList) sink.stop(EXPECTED);
      mode = 'END';
    }
  }

  function start(byte: number, at: number): void {
    if (isJsonSpace(byte)) return;
    if (byte !== OPEN_LIST && byte !== OPEN_OBJECT) {
      sink.stop(EXPECTED);
      return;
    }
    hasOuter = byte === OPEN_OBJECT;
    hasList = !hasOuter;
    mode = hasOuter ? 'MEMBERS' : 'ROWS';
    from = at + 1;
  }

  function inside(chunk: Uint8Array, at: number): void {
    switch (chunk[at]) {
      case QUOTE:
        isInString = true;
        return;
      case OPEN_LIST:
      case OPEN_OBJECT:
        open(chunk, at);
        return;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        close(chunk, at);
        return;
      case COMMA:
        if (depth > 0) return;
        piece.add(chunk.subarray(from, at));
        from = at + 1;
        if (mode === 'ROWS') endRow(false);
        else endMember();
        return;
      default:
    }
  }

  /** Most of a file is text, so it is searched and not walked. @returns where the text ends */
  function skipString(chunk: Uint8Array, at: number): number {
    const start = isEscaped ? at + 1 : at;
    isEscaped = false;
    for (let search = start; ;) {
      const quote = chunk.indexOf(QUOTE, search);
      const end = quote === -1 ? chunk.length : quote;
      const isQuoted = hasOddBackslashes(chunk, start, end);
      if (quote === -1) {
        isEscaped = isQuoted;
        return end;
      }
      if (!isQuoted) {
        isInString = false;
        return end;
      }
      search = quote + 1;
    }
  }

  function scan(chunk: Uint8Array): void {
    from = 0;
    for (let at = 0; at < chunk.length && !sink.isStopped; at += 1) {
      const byte = chunk[at] ?? 0;
      if (isInString) at = skipString(chunk, at);
      else if (mode === 'START') start(byte, at);
      else if (mode !== 'END') inside(chunk, at);
      else if (!isJsonSpace(byte)) sink.stop('The JSON file goes on after its end.');
    }
    if (sink.isStopped || mode === 'START' || mode === 'END') return;
    piece.add(chunk.subarray(from));
    piece.keep();
    if (piece.isTooLong) stopTooLong();
  }

  function stopTooLong(): void {
    if (mode === 'ROWS') sink.fault(number + 1, TOO_LONG);
    sink.stop(mode === 'ROWS' ? undefined : EXPECTED);
  }

  return {
    push(chunk) {
      if (isHeadDone) {
        scan(chunk);
        return;
      }
      head = Buffer.concat([head, chunk]);
      if (head.length < 3) return;
      isHeadDone = true;
      scan(withoutBom(head));
    },
    end() {
      if (!isHeadDone) scan(head);
      if (!sink.isStopped && mode !== 'END') {
        sink.stop(mode === 'START' ? EXPECTED : 'The JSON file ends in the middle.');
      }
    },
  };
}

/** Whether the byte at `end` is escaped by what stands before it, from `start` on. */
function hasOddBackslashes(bytes: Uint8Array, start: number, end: number): boolean {
  let at = end;
  while (at > start && bytes[at - 1] === BACKSLASH) at -= 1;
  return (end - at) % 2 === 1;
}

type Row = Readonly<Record<string, unknown>>;
