export const LOG_SOURCES = ['STDOUT', 'STDERR', 'SYSTEM', 'LIFECYCLE'] as const;
export type LogSource = (typeof LOG_SOURCES)[number];

/** A line before it has its number. `at` is epoch ms. */
export interface NewLogLine {
  readonly at: number;
  readonly source: LogSource;
  /** 0: of no attempt. */
  readonly attempt: number;
  readonly text: string;
}

export interface LogLine extends NewLogLine {
  /** From 1, without gaps, per job. */
  readonly seq: number;
}

export interface NewMetricPoint {
  readonly at: number;
  readonly step: number | null;
  readonly epoch: number | null;
  readonly name: string;
  /** Null: not a number. */
  readonly value: number | null;
}

export interface MetricPoint extends NewMetricPoint {
  readonly seq: number;
}

/** The most one stored line holds, in UTF-8. */
export const MAX_LINE_BYTES = 64 * 1024;
/** Ends a line whose text goes on in the next. */
export const CONTINUED = ' ↩';

/** Everything below a blank, and DEL, but tab and ESC: colours are kept as they were written. */
// eslint-disable-next-line no-control-regex -- they are what is replaced
const CONTROLS = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f]/g;
/** The same, and halves of characters, which may lack the other. */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const UNSURE = /[\u0000-\u0008\u000a-\u001a\u001c-\u001f\u007f\ud800-\udfff]/;
const PICTURES = 0x2400;
const PICTURE_OF_DEL = '\u2421';

/**
 * Text that any terminal line, JSON and database takes: whole characters, and control characters as
 * their pictures (␀). Of a progress bar, which rewrites its line with `\r`, the last state is kept.
 */
export function cleanText(text: string): string {
  // Most lines have nothing of the kind, and one look costs less than two replacements.
  if (!UNSURE.test(text)) return text;
  return lastState(text.toWellFormed()).replace(CONTROLS, pictureOf);
}

function lastState(text: string): string {
  const line = text.replace(/\r+$/, '');
  return line.slice(line.lastIndexOf('\r') + 1);
}

function pictureOf(character: string): string {
  const code = character.charCodeAt(0);
  return code === 0x7f ? PICTURE_OF_DEL : String.fromCharCode(PICTURES + code);
}

/** Clean text in lines of at most {@link MAX_LINE_BYTES}; all but the last end with a mark. */
export function splitText(text: string): readonly string[] {
  const clean = cleanText(text);
  // Three bytes are the most that one UTF-16 unit becomes.
  if (clean.length * 3 <= MAX_LINE_BYTES) return [clean];
  const lines: string[] = [];
  const bytes = Buffer.from(clean);
  const room = MAX_LINE_BYTES - Buffer.byteLength(CONTINUED);
  let from = 0;
  while (bytes.length - from > MAX_LINE_BYTES) {
    const to = wholeUntil(bytes, from + room);
    lines.push(bytes.toString('utf8', from, to) + CONTINUED);
    from = to;
  }
  return [...lines, bytes.toString('utf8', from)];
}

/** The last place at or before `at` where no character is cut. */
function wholeUntil(bytes: Buffer, at: number): number {
  let end = at;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}
