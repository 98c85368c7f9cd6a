// SPDX-License-Identifier: Apache-2.0

// Go's unicode.IsSpace; JavaScript's \s lacks U+0085 and has U+FEFF.
const SPACE =
  "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const ONE_SPACE = new RegExp(`^${SPACE}$`);
const LEADING = new RegExp(`^${SPACE}+`);

/** Whether Go counts the character as white space. */
export function isSpace(character: string | undefined): boolean {
  return character !== undefined && ONE_SPACE.test(character);
}

/** Go's `strings.TrimLeftFunc(text, unicode.IsSpace)`. */
export function trimLeft(text: string): string {
  return text.replace(LEADING, "");
}

/** Go's `strings.TrimSpace`. */
export function trimSpace(text: string): string {
  // A loop, because an expression with `$` takes the square of a long run of spaces.
  let end = text.length;
  while (isSpace(text[end - 1])) end--;
  return trimLeft(text.slice(0, end));
}
