// SPDX-License-Identifier: Apache-2.0

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** What Go's `unicode.IsPrint` calls printable: letters, marks, numbers, punctuation, symbols, and the plain space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const EXCERPT_LENGTH = 100;

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/**
 * A double-quoted text as Go's `%q` gives it (strconv.Quote).
 *
 * Control characters come out as escapes, so that a name from an archive can't drive a terminal.
 */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text.toWellFormed()) quoted += escapeCharacter(character);
  return `${quoted}"`;
}

/** `goQuote` for texts of any length: a long one is cut and ends in `…`. */
export function quoteExcerpt(text: string): string {
  return text.length <= EXCERPT_LENGTH
    ? goQuote(text)
    : `${goQuote(text.slice(0, EXCERPT_LENGTH))}…`;
}
