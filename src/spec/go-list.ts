// SPDX-License-Identifier: Apache-2.0

const quoted = /"((?:[^"\\]|\\.)*)"/sy;
const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
const escapeSequence = /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{3})|(.))/gs;

/** Undoes `goQuote`, without the quotes around. */
export function unquoteGo(text: string): string {
  return text.replace(escapeSequence, (_, x, u, long, octal, character) => {
    const hex: string | undefined = x ?? u ?? long;
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
    return escapes[character] ?? character;
  });
}

/**
 * A list of texts as Go's `%q` prints it, `["a" "b c"]`, or as JSON has it.
 *
 * @returns undefined for anything else
 */
export function parseQuotedList(text: string): string[] | undefined {
  if (!text.startsWith("[") || !text.endsWith("]")) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  } catch {
    // Then it is Go's.
  }
  const items: string[] = [];
  let at = 1;
  while (at < text.length - 1) {
    quoted.lastIndex = at;
    const match = quoted.exec(text);
    if (match === null) return undefined;
    items.push(unquoteGo(match[1] ?? ""));
    at = quoted.lastIndex;
    if (text[at] === " ") at++;
  }
  return items;
}

/** A list as Go's `%v` prints it, `[a b]`, whose items have no spaces; undefined for anything else. */
export function parsePlainList(text: string): string[] | undefined {
  if (!text.startsWith("[") || !text.endsWith("]")) return undefined;
  return text.slice(1, -1).split(" ").filter(Boolean);
}
