import { StringDecoder } from 'node:string_decoder';

export interface LineSplitter {
  push(chunk: Buffer): void;
  /** What is left without a line end becomes a line. */
  end(): void;
}

/** Makes lines of bytes; a longer one than `maxCharacters` becomes several. No character is torn. */
export function createLineSplitter(
  onLine: (line: string) => void,
  maxCharacters: number,
): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';

  function take(text: string): void {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) cut(line).forEach(onLine);
    if (rest.length <= maxCharacters) return;
    const pieces = cut(rest);
    rest = pieces.pop() ?? '';
    pieces.forEach(onLine);
  }

  function cut(line: string): string[] {
    const pieces: string[] = [];
    let from = 0;
    while (line.length - from > maxCharacters) {
      const to = from + maxCharacters;
      // A character outside the basic plane takes two places.
      const isTorn = (line.codePointAt(to - 1) ?? 0) > 0xffff;
      pieces.push(line.slice(from, isTorn ? to - 1 : to));
      from = isTorn ? to - 1 : to;
    }
    return [...pieces, line.slice(from)];
  }

  return {
    push(chunk) {
      take(decoder.write(chunk));
    },
    end() {
      take(decoder.end());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}
