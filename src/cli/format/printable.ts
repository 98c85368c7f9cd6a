// SPDX-License-Identifier: Apache-2.0

/**
 * Characters that drive a terminal instead of being shown: control characters (escape sequences in
 * the names of hostile archives, CVE-2026-50195), line separators, and those that turn the
 * direction of text around.
 */
const unprintable = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const unprintableButLayout = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** One line that is safe to show: what drives a terminal is written as an escape, `\x1b`. */
export function printable(text: string): string {
  return text.replace(unprintable, escapeCharacter);
}

/** Text that is safe to show, its lines and tabs kept. */
export function printableText(text: string): string {
  return text.replace(unprintableButLayout, escapeCharacter);
}

const named: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escapeCharacter(character: string): string {
  const name = named.get(character);
  if (name !== undefined) return name;
  const code = character.codePointAt(0) as number;
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
