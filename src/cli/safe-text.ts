/**
 * Text that others wrote, on its way to a terminal. A terminal obeys what it prints: a line of a log
 * could move the cursor, rewrite what was said before, set the clipboard or answer for the user.
 */

/** Colours and the like: they change nothing but looks, and trainers print many of them. */
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const APPEARANCE = /\x1b\[[\d;:]*m/g;

/** Control characters but the tab, line separators, what turns the direction of text, lone surrogates. */
const UNSAFE =
  // eslint-disable-next-line no-control-regex -- as above
  /[\0-\x08\x0a-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu;

/** One line: what would act on the terminal is shown as `\x1b` or `\u202e` instead. */
export function safeText(text: string): string {
  return text.replace(APPEARANCE, '').replace(UNSAFE, escapeOf);
}

/** JSON on one line that is harmless to print; it means what it meant. */
export function safeJson(value: unknown): string {
  // JSON escapes only what is below U+0020; what is left can stand in strings alone.
  return JSON.stringify(value).replace(UNSAFE, unicodeEscapeOf);
}

function escapeOf(character: string): string {
  const code = character.charCodeAt(0);
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscapeOf(character);
}

function unicodeEscapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
