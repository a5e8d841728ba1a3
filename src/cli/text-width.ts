/** How many columns of a terminal text takes. */

const SEGMENTER = new Intl.Segmenter();
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6])/u;
const NOTHING = /^(?:\p{Mark}|\p{Cf})+$/u;

function widthOfSegment(segment: string): number {
  if (NOTHING.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}

export function widthOf(text: string): number {
  // Nearly everything is ASCII.
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) width += widthOfSegment(segment);
  return width;
}

/** At most so many columns, with `…` in place of what is cut off. */
export function cutTo(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let left = columns - 1;
  for (const { segment } of SEGMENTER.segment(text)) {
    left -= widthOfSegment(segment);
    if (left < 0) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}
