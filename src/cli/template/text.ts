// SPDX-License-Identifier: Apache-2.0

/** Strings as Go sees them: UTF-8 bytes and runes. */

/** The length of the UTF-8 form in bytes. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}

/** The bytes from `start` to `end`; a rune that is cut becomes U+FFFD. */
export function byteSlice(text: string, start: number, end: number): string {
  return Buffer.from(text).toString("utf8", start, end);
}

/** How many runes the text has. */
export function runeCount(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** The first `count` runes. */
export function firstRunes(text: string, count: number): string {
  let end = 0;
  let left = count;
  for (const rune of text) {
    if (left-- <= 0) break;
    end += rune.length;
  }
  return text.slice(0, end);
}

/** Order by UTF-8 bytes, which is Go's order of strings. */
export function compareText(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The texts in Go's order. Only runes above U+FFFF sort otherwise in UTF-16. */
export function sortText(texts: readonly string[]): readonly string[] {
  const hasSurrogates = texts.some((text) => /[\ud800-\udfff]/.test(text));
  return hasSurrogates ? texts.toSorted(compareText) : texts.toSorted();
}

/** What strconv.IsPrint accepts: letters, marks, numbers, punctuation, symbols, ASCII space. */
export function isPrintable(rune: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(rune);
}

/** `U+0041 'A'`, or only the number where the rune can't be shown (fmt's `%#U`). */
export function describeRune(rune: string): string {
  const hex = (rune.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return isPrintable(rune) ? `U+${hex} '${rune}'` : `U+${hex}`;
}

/**
 * Maps each rune by itself, as strings.ToUpper and strings.ToLower do. A rune whose mapping is
 * longer than one rune stays as it is: Go knows only the simple mappings.
 *
 * @param map gets one rune, or a run of ASCII
 */
export function mapRunes(text: string, map: (part: string) => string): string {
  return text.replace(/[\0-\x7f]+|[^\0-\x7f]/gu, (part) => {
    const mapped = map(part);
    return mapped.length === part.length || runeCount(mapped) === 1 ? mapped : part;
  });
}
