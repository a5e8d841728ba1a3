import { describe, expect, test } from 'vitest';
import { cleanText, CONTINUED, MAX_LINE_BYTES, splitText } from '../../src/domain/job/log-line.ts';

describe('a line of text', () => {
  test.each([
    ['plain text', 'step 1, loss 0.5', 'step 1, loss 0.5'],
    ['nothing', '', ''],
    ['colours', '\u001b[31mred\u001b[0m\tand a tab', '\u001b[31mred\u001b[0m\tand a tab'],
    ['NUL and a bell', 'a\u0000b\u0007c', 'a␀b␇c'],
    ['DEL', 'a\u007f', 'a␡'],
    ['a line break, which would make it two', 'a\nb', 'a␊b'],
    ['half a character', 'a\ud83d b', 'a\ufffd b'],
    ['a progress bar', '10%\r50%\r100%', '100%'],
    ['a progress bar that ends as it began', '10%\r100%\r', '100%'],
    ['characters beyond the first plane', '🙂', '🙂'],
  ])('with %s is stored so that every reader can show it', (_what, text, stored) => {
    expect(cleanText(text)).toBe(stored);
    expect(splitText(text)).toEqual([stored]);
  });

  test.each([
    ['ASCII', 'x', 10 * 1024 * 1024],
    ['two bytes', 'é', 200_000],
    ['three bytes', '€', 200_000],
    ['four bytes', '🙂', 100_000],
  ])('of %s that is too long is split without cutting a character', (_what, unit, count) => {
    const text = unit.repeat(count);
    const lines = splitText(text);
    for (const line of lines) {
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MAX_LINE_BYTES);
      expect(line).not.toContain('\ufffd');
    }
    expect(lines.slice(0, -1).every((line) => line.endsWith(CONTINUED))).toBe(true);
    expect(lines.map((line) => line.replace(CONTINUED, '')).join('')).toBe(text);
  });

  test('of exactly the bound is one line', () => {
    expect(splitText('x'.repeat(MAX_LINE_BYTES))).toHaveLength(1);
    expect(splitText('x'.repeat(MAX_LINE_BYTES + 1))).toHaveLength(2);
  });
});
