// SPDX-License-Identifier: Apache-2.0

/** Go's string and character literals, both ways (strconv.Quote, strconv.Unquote). */

import { isPrintable } from "./text.ts";

const escapedNames = new Map([
  ["\x07", "a"],
  ["\b", "b"],
  ["\f", "f"],
  ["\n", "n"],
  ["\r", "r"],
  ["\t", "t"],
  ["\v", "v"],
  ["\\", "\\"],
]);

export interface QuoteOptions {
  readonly quote: '"' | "'";
  /** Escape every rune outside ASCII too (`%+q`). */
  readonly ascii: boolean;
}

/** The text as a Go literal. */
export function quoteText(
  text: string,
  options: QuoteOptions = { quote: '"', ascii: false },
): string {
  const quoted = text.replace(/[^ !#-&(-[\]-~]/gu, (rune) => quoteRune(rune, options));
  return options.quote + quoted + options.quote;
}

function quoteRune(rune: string, { quote, ascii }: QuoteOptions): string {
  const code = rune.codePointAt(0) ?? 0;
  if (rune === quote) return `\\${rune}`;
  const name = escapedNames.get(rune);
  if (name !== undefined) return `\\${name}`;
  if (code < 0x7f ? code >= 0x20 : !ascii && isPrintable(rune)) return rune;
  const hex = code.toString(16);
  if (code < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** True where the text can stand between backquotes on one line (strconv.CanBackquote). */
export function canBackquote(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
  return !/[\x00-\x08\x0a-\x1f`\x7f\ufeff]/.test(text);
}

/** The value of a Go string literal with its quotes; undefined where an escape is not Go's. */
export function unquoteString(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith("`")) return inner.replaceAll("\r", "");
  if (!inner.includes("\\")) return inner;
  // Escapes such as \xe2 make bytes, not runes: a literal is decoded as a whole.
  const parts: Buffer[] = [];
  let at = 0;
  while (at < inner.length) {
    const backslash = inner.indexOf("\\", at);
    const plainEnd = backslash === -1 ? inner.length : backslash;
    parts.push(Buffer.from(inner.slice(at, plainEnd)));
    if (backslash === -1) break;
    const found = readEscape(inner, backslash, '"');
    if (found === undefined) return undefined;
    parts.push(found.byte ? Buffer.of(found.code) : Buffer.from(String.fromCodePoint(found.code)));
    at = found.end;
  }
  return Buffer.concat(parts).toString("utf8");
}

/** The code of a Go character literal with its quotes; a message where it is not one. */
export function unquoteCharacter(literal: string): number | string {
  const inner = literal.slice(1);
  if (inner.startsWith("'")) return "invalid syntax";
  const found = inner.startsWith("\\")
    ? readEscape(inner, 0, "'")
    : { code: inner.codePointAt(0) ?? 0, end: (inner.codePointAt(0) ?? 0) > 0xffff ? 2 : 1 };
  if (found === undefined) return "invalid syntax";
  return inner.slice(found.end) === "'" ? found.code : `malformed character constant: ${literal}`;
}

interface Escape {
  readonly code: number;
  readonly end: number;
  /** The code is a byte and not a rune. */
  readonly byte?: boolean;
}

const namedEscapes = new Map(
  [...escapedNames].map(([character, name]) => [name, character.charCodeAt(0)]),
);

const digitCounts = new Map([
  ["x", 2],
  ["u", 4],
  ["U", 8],
]);

function readEscape(text: string, start: number, quote: string): Escape | undefined {
  const letter = text[start + 1] ?? "";
  const named = letter === quote ? letter.charCodeAt(0) : namedEscapes.get(letter);
  if (named !== undefined) return { code: named, end: start + 2 };
  const octal = /^[0-7]{3}$/.exec(text.slice(start + 1, start + 4));
  if (octal !== null) {
    const code = Number.parseInt(octal[0], 8);
    return code > 0xff ? undefined : { code, end: start + 4, byte: true };
  }
  const count = digitCounts.get(letter);
  if (count === undefined) return undefined;
  const end = start + 2 + count;
  const digits = text.slice(start + 2, end);
  if (digits.length !== count || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const code = Number.parseInt(digits, 16);
  if (letter === "x") return { code, end, byte: true };
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return { code, end };
}
