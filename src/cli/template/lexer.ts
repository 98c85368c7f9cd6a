// SPDX-License-Identifier: Apache-2.0

/** Splits the text of a template into tokens (text/template/parse). */

import { quoteText } from "./quote.ts";
import { byteLength, describeRune, firstRunes } from "./text.ts";

export type TokenKind =
  | "assign"
  | "bool"
  | "character"
  | "declare"
  | "dot"
  | "eof"
  | "error"
  | "field"
  | "identifier"
  | "keyword"
  | "left"
  | "left-paren"
  | "nil"
  | "number"
  | "pipe"
  | "punctuation"
  | "right"
  | "right-paren"
  | "space"
  | "string"
  | "text"
  | "variable";

export interface Token {
  readonly kind: TokenKind;
  /** As it stands in the template; the message of an `error`. */
  readonly text: string;
  /** Index into the template, in UTF-16 units. */
  readonly position: number;
  /** Counted from 1. */
  readonly line: number;
}

const keywords = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "template",
  "with",
]);

const wordPattern = /[\p{L}\p{Nd}_]*/uy;
const spacePattern = /[ \t\r\n]*/y;
const numberPattern =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y;

interface Scan {
  readonly text: string;
  readonly tokens: Token[];
  position: number;
  line: number;
  /** The first newline behind `line`, infinite where there is none. */
  nextNewline: number;
  openParens: number;
}

/**
 * All tokens of a template.
 *
 * The last is `eof`, or `error` at the first place that no token fits. Such an error counts only
 * once the parser reaches it: what is wrong before it is reported first.
 */
export function tokenize(text: string): readonly Token[] {
  const nextNewline = newlineFrom(text, 0);
  const scan: Scan = { text, tokens: [], position: 0, line: 1, nextNewline, openParens: 0 };
  while (scanText(scan) && scanAction(scan));
  return scan.tokens;
}

/** The token as parse errors show it. */
export function describeToken({ kind, text }: Token): string {
  if (kind === "eof") return "EOF";
  if (kind === "error") return text;
  if (kind === "keyword" || kind === "dot" || kind === "nil") return `<${text}>`;
  return byteLength(text) > 10 ? `${quoteText(firstRunes(text, 10))}...` : quoteText(text);
}

function push(scan: Scan, kind: TokenKind, end: number): void {
  const { text, position } = scan;
  addToken(scan, kind, text.slice(position, end));
  scan.position = end;
}

function addToken(scan: Scan, kind: TokenKind, text: string): void {
  while (scan.nextNewline < scan.position) {
    scan.line++;
    scan.nextNewline = newlineFrom(scan.text, scan.nextNewline + 1);
  }
  scan.tokens.push({ kind, text, position: scan.position, line: scan.line });
}

function newlineFrom(text: string, start: number): number {
  const found = text.indexOf("\n", start);
  return found === -1 ? Number.POSITIVE_INFINITY : found;
}

function fail(scan: Scan, message: string): false {
  addToken(scan, "error", message);
  return false;
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\r" || character === "\n";
}

function matchEnd(scan: Scan, pattern: RegExp, start: number): number {
  pattern.lastIndex = start;
  pattern.test(scan.text);
  return pattern.lastIndex;
}

function runeAt(scan: Scan, position: number): string {
  return String.fromCodePoint(scan.text.codePointAt(position) ?? 0xfffd);
}

/** Text up to the next action; comments are passed over. False at the end or at an error. */
function scanText(scan: Scan): boolean {
  const { text } = scan;
  for (;;) {
    const delimiter = text.indexOf("{{", scan.position);
    if (delimiter === -1) {
      if (scan.position < text.length) push(scan, "text", text.length);
      push(scan, "eof", text.length);
      return false;
    }
    const trims = text[delimiter + 2] === "-" && isSpace(text[delimiter + 3]);
    let end = delimiter;
    while (trims && end > scan.position && isSpace(text[end - 1])) end--;
    if (end > scan.position) push(scan, "text", end);
    scan.position = delimiter;
    const inside = delimiter + (trims ? 4 : 2);
    if (!text.startsWith("/*", inside)) {
      push(scan, "left", delimiter + 2);
      scan.position = inside;
      return true;
    }
    scan.position = inside;
    if (!passComment(scan)) return false;
  }
}

function passComment(scan: Scan): boolean {
  const close = scan.text.indexOf("*/", scan.position + 2);
  if (close === -1) return fail(scan, "unclosed comment");
  const delimiter = rightDelimiterAt(scan, close + 2);
  if (delimiter === undefined) return fail(scan, "comment ends before closing delimiter");
  scan.position = delimiter.textStart;
  return true;
}

interface RightDelimiter {
  /** Where `}}` starts, after a trim marker. */
  readonly start: number;
  /** Where the text behind it starts, after trimmed space. */
  readonly textStart: number;
}

function rightDelimiterAt(scan: Scan, position: number): RightDelimiter | undefined {
  const { text } = scan;
  if (isSpace(text[position]) && text.startsWith("-}}", position + 1)) {
    const start = position + 2;
    return { start, textStart: matchEnd(scan, spacePattern, start + 2) };
  }
  if (!text.startsWith("}}", position)) return undefined;
  return { start: position, textStart: position + 2 };
}

/** Tokens of one action up to its `}}`. False at an error. */
function scanAction(scan: Scan): boolean {
  scan.openParens = 0;
  for (;;) {
    const delimiter = rightDelimiterAt(scan, scan.position);
    if (delimiter !== undefined) {
      if (scan.openParens > 0) return fail(scan, "unclosed left paren");
      scan.position = delimiter.start;
      push(scan, "right", delimiter.start + 2);
      scan.position = delimiter.textStart;
      return true;
    }
    if (!scanToken(scan)) return false;
  }
}

function scanToken(scan: Scan): boolean {
  const { text, position } = scan;
  if (position >= text.length) return fail(scan, "unclosed action");
  const character = text[position] ?? "";
  if (isSpace(character)) return scanSpace(scan);
  switch (character) {
    case "=":
      push(scan, "assign", position + 1);
      return true;
    case ":":
      if (text[position + 1] !== "=") return fail(scan, "expected :=");
      push(scan, "declare", position + 2);
      return true;
    case "|":
      push(scan, "pipe", position + 1);
      return true;
    case '"':
      return scanQuoted(scan, "string", "unterminated quoted string");
    case "'":
      return scanQuoted(scan, "character", "unterminated character constant");
    case "`":
      return scanRawString(scan);
    case "$":
      return scanName(scan, "variable");
    case "(":
      push(scan, "left-paren", position + 1);
      scan.openParens++;
      return true;
    case ")":
      if (--scan.openParens < 0) return fail(scan, "unexpected right paren");
      push(scan, "right-paren", position + 1);
      return true;
  }
  if (character === "." && /^[^0-9]/.test(text[position + 1] ?? "")) return scanName(scan, "field");
  if (/[.+\-0-9]/.test(character)) return scanNumber(scan);
  return scanWord(scan);
}

/** A run of spaces, less the one that belongs to a trim marker. */
function scanSpace(scan: Scan): boolean {
  const end = matchEnd(scan, spacePattern, scan.position);
  push(scan, "space", scan.text.startsWith("-}}", end) ? end - 1 : end);
  return true;
}

function endsOperand(scan: Scan, position: number): boolean {
  const character = scan.text[position];
  if (character === undefined || isSpace(character)) return true;
  return ".,|:)(".includes(character) || scan.text.startsWith("}}", position);
}

function badCharacter(scan: Scan, position: number): false {
  return fail(scan, `bad character ${describeRune(runeAt(scan, position))}`);
}

/** `.Field`, `$variable`, or `.` and `$` alone. */
function scanName(scan: Scan, kind: "field" | "variable"): boolean {
  const start = scan.position + 1;
  if (endsOperand(scan, start)) {
    push(scan, kind === "field" ? "dot" : "variable", start);
    return true;
  }
  const end = matchEnd(scan, wordPattern, start);
  if (!endsOperand(scan, end)) return badCharacter(scan, end);
  push(scan, kind, end);
  return true;
}

function scanWord(scan: Scan): boolean {
  const { text, position } = scan;
  const end = matchEnd(scan, wordPattern, position);
  if (end > position) {
    if (!endsOperand(scan, end)) return badCharacter(scan, end);
    push(scan, wordKind(text.slice(position, end)), end);
    return true;
  }
  const rune = runeAt(scan, position);
  if (!/^[!-~]$/.test(rune)) {
    return fail(scan, `unrecognized character in action: ${describeRune(rune)}`);
  }
  push(scan, "punctuation", position + 1);
  return true;
}

function wordKind(word: string): TokenKind {
  if (keywords.has(word)) return "keyword";
  if (word === "nil") return "nil";
  return word === "true" || word === "false" ? "bool" : "identifier";
}

function scanNumber(scan: Scan): boolean {
  let end = matchEnd(scan, numberPattern, scan.position);
  let wordEnd = matchEnd(scan, wordPattern, end);
  const isSigned = wordEnd === end && /[+-]/.test(scan.text[end] ?? "");
  if (isSigned) {
    end = matchEnd(scan, numberPattern, end);
    wordEnd = matchEnd(scan, wordPattern, end);
  }
  const literal = scan.text.slice(scan.position, end);
  if (wordEnd > end) return badNumber(scan, literal + runeAt(scan, end));
  if (isSigned && !literal.endsWith("i")) return badNumber(scan, literal);
  push(scan, "number", end);
  return true;
}

function badNumber(scan: Scan, literal: string): false {
  return fail(scan, `bad number syntax: ${quoteText(literal)}`);
}

function scanQuoted(scan: Scan, kind: TokenKind, message: string): boolean {
  const { text, position } = scan;
  for (let at = position + 1; at < text.length && text[at] !== "\n"; at++) {
    if (text[at] === "\\") {
      at++;
      if (text[at] === "\n") break;
    } else if (text[at] === text[position]) {
      push(scan, kind, at + 1);
      return true;
    }
  }
  return fail(scan, message);
}

function scanRawString(scan: Scan): boolean {
  const end = scan.text.indexOf("`", scan.position + 1);
  if (end === -1) return fail(scan, "unterminated raw quoted string");
  push(scan, "string", end + 1);
  return true;
}
