/**
 * What a command says. Text is given as spans and is made safe here, so nothing that a server wrote
 * reaches a terminal as it is; only styles become escape sequences.
 */
import { styleText } from 'node:util';
import type { CliFailure } from './failure.ts';
import { safeJson, safeText } from './safe-text.ts';
import { cutTo, widthOf } from './text-width.ts';

/** As much of a stream as is needed: process.stdout is one. */
export interface TextSink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string, done: (error?: Error | null) => void): unknown;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';
export type Span = string | { readonly text: string; readonly style: Style };

export interface Output {
  /** For scripts: `json` speaks, everything for people is silent. */
  readonly isJson: boolean;
  /** Somebody looks at standard output. */
  readonly isTerminal: boolean;
  /** Of the terminal; infinite where there is none. */
  readonly columns: number;
  /** A line of the answer, on standard output. */
  line(...spans: readonly Span[]): Promise<void>;
  /** One document on one line, on standard output. */
  json(value: unknown): Promise<void>;
  /** A line about the work, on standard error; for people also where `json` is wanted. */
  note(...spans: readonly Span[]): Promise<void>;
  /** The last line of a terminal, drawn anew with every call; null takes it away. */
  status(text: string | null): Promise<void>;
  /** The failure that ends the command. */
  failure(failure: CliFailure): Promise<void>;
}

export interface OutputOptions {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly isJson: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const USUAL_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[2K';

export function textOf(span: Span): string {
  return typeof span === 'string' ? span : span.text;
}

export function createOutput({ stdout, stderr, isJson, env }: OutputOptions): Output {
  const isTerminal = stdout.isTTY === true && env.TERM !== 'dumb';
  // Terminals whose size nobody set, as in containers, say 0.
  const known = stdout.columns ?? 0;
  const columns = isTerminal ? (known > 0 ? known : USUAL_COLUMNS) : Infinity;
  let status = '';

  function render(spans: readonly Span[], sink: TextSink): string {
    // https://no-color.org: present and not empty.
    const hasColours = sink.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
    return spans
      .map((span) => {
        const text = safeText(textOf(span));
        if (typeof span === 'string' || !hasColours) return text;
        return styleText(span.style, text, { validateStream: false });
      })
      .join('');
  }

  /** Lines go above the status, on whichever stream. */
  async function printLine(sink: TextSink, text: string): Promise<void> {
    const isAbove = status !== '' && sink.isTTY === true;
    await write(sink, isAbove ? `${CLEAR_LINE}${text}\n` : `${text}\n`);
    if (isAbove) await write(stdout, status);
  }

  async function note(...spans: readonly Span[]): Promise<void> {
    await printLine(stderr, render(spans, stderr));
  }

  return {
    isJson,
    isTerminal,
    columns,
    note,
    async line(...spans) {
      if (!isJson) await printLine(stdout, render(spans, stdout));
    },
    async json(value) {
      if (isJson) await write(stdout, `${safeJson(value)}\n`);
    },
    async status(text) {
      if (!isTerminal || isJson || (text === null && status === '')) return;
      // One column is left free: terminals wrap at the last one.
      status = text === null ? '' : cutTo(safeText(text), columns - 1);
      await write(stdout, `${CLEAR_LINE}${status}`);
    },
    async failure(failure) {
      if (isJson) await write(stderr, `${safeJson({ error: toJson(failure) })}\n`);
      else for (const spans of toLines(failure)) await note(...spans);
    },
  };
}

/** Waits until the stream took it: a slow reader slows the command down, not its memory up. */
function write(sink: TextSink, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(text, (error) => {
      if (error == null) resolve();
      else reject(error);
    });
  });
}

function toJson({ kind, message, code, faults, hint }: CliFailure): unknown {
  return { kind, code: code ?? null, message, userErrors: faults, hint: hint ?? null };
}

function toLines({ message, faults, hint }: CliFailure): readonly (readonly Span[])[] {
  const lines: (readonly Span[])[] = [[{ text: 'error: ', style: 'red' }, message]];
  for (const { path, message: what, code } of faults) {
    const where: readonly Span[] =
      path.length === 0 ? [] : [{ text: path.join('.'), style: 'bold' }, ': '];
    lines.push(['  ', ...where, what, { text: ` (${code})`, style: 'dim' }]);
  }
  for (const line of hint?.split('\n') ?? []) lines.push([line]);
  return lines;
}

/** `[████░░░░] 45 %` */
export function barOf(fraction: number, width: number): string {
  const share = Math.min(1, Math.max(0, fraction));
  const full = Math.round(share * width);
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${percent} %`;
}

export function padTo(text: string, width: number, side: 'left' | 'right'): string {
  const gap = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? `${text}${gap}` : `${gap}${text}`;
}
