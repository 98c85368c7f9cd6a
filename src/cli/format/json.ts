// SPDX-License-Identifier: Apache-2.0

const unprintable = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const html = /[<>&]/g;

/**
 * JSON that is safe to show: what drives a terminal is escaped, which no reader of JSON can tell
 * from the character itself.
 *
 * @param indent spaces for each level; none gives one line
 */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent) ?? "null";
  // Line ends of the layout are control characters too.
  return text.replace(unprintable, (character) =>
    character === "\n" ? "\n" : escapeCharacter(character),
  );
}

/** One row of a list as JSON: Go's encoder also escapes what means something in HTML. */
export function rowJson(row: Readonly<Record<string, string | null>>): string {
  return toJson(row).replace(html, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
