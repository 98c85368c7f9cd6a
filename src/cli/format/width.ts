// SPDX-License-Identifier: Apache-2.0

/** First and last code points that take two columns (Unicode's East Asian Wide and Fullwidth). */
const wideRanges = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
] as const;

const plain = /^[ -~]*$/;
const isCombining = /\p{M}/u;

/** Whether a text is ASCII that is shown as it is: as most are, and one look at a whole column tells. */
export function isPlain(text: string): boolean {
  return plain.test(text);
}

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  if (isPlain(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The text, cut to a width; where something was cut, it ends in an ellipsis within that width. */
export function ellipsis(text: string, maxWidth: number): string {
  if (text.length <= maxWidth && isPlain(text)) return text;
  if (textWidth(text) <= maxWidth) return text;
  let width = 0;
  let kept = "";
  for (const character of text) {
    width += characterWidth(character);
    if (width > maxWidth - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) as number;
  if (wideRanges.some(([first, last]) => code >= first && code <= last)) return 2;
  return isCombining.test(character) ? 0 : 1;
}
