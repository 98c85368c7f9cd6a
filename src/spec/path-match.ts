// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

type Token =
  | { readonly type: "star" }
  | { readonly type: "any" }
  | { readonly type: "literal"; readonly character: string }
  | { readonly type: "class"; readonly negated: boolean; readonly ranges: readonly Range[] };

interface Range {
  readonly low: string;
  readonly high: string;
}

interface Cursor {
  readonly characters: readonly string[];
  position: number;
}

function badPattern(): LadeError {
  return new LadeError("FILTER_INVALID", "syntax error in pattern");
}

function takeClassCharacter(cursor: Cursor): string {
  let character = cursor.characters[cursor.position++];
  if (character === undefined || character === "-" || character === "]") throw badPattern();
  if (character === "\\") character = cursor.characters[cursor.position++];
  if (character === undefined || cursor.position >= cursor.characters.length) throw badPattern();
  return character;
}

function takeClass(cursor: Cursor): Token {
  const negated = cursor.characters[cursor.position] === "^";
  if (negated) cursor.position++;
  const ranges: Range[] = [];
  while (ranges.length === 0 || cursor.characters[cursor.position] !== "]") {
    const low = takeClassCharacter(cursor);
    let high = low;
    if (cursor.characters[cursor.position] === "-") {
      cursor.position++;
      high = takeClassCharacter(cursor);
    }
    ranges.push({ low, high });
  }
  cursor.position++;
  return { type: "class", negated, ranges };
}

function tokenize(pattern: string): Token[] {
  const cursor: Cursor = { characters: Array.from(pattern), position: 0 };
  const tokens: Token[] = [];
  for (;;) {
    const character = cursor.characters[cursor.position++];
    if (character === undefined) return tokens;
    if (character === "*") {
      if (tokens.at(-1)?.type !== "star") tokens.push({ type: "star" });
    } else if (character === "?") {
      tokens.push({ type: "any" });
    } else if (character === "[") {
      tokens.push(takeClass(cursor));
    } else if (character === "\\") {
      const escaped = cursor.characters[cursor.position++];
      if (escaped === undefined) throw badPattern();
      tokens.push({ type: "literal", character: escaped });
    } else {
      tokens.push({ type: "literal", character });
    }
  }
}

function accepts(token: Exclude<Token, { type: "star" }>, character: string): boolean {
  switch (token.type) {
    case "any":
      return character !== "/";
    case "literal":
      return token.character === character;
    case "class": {
      const code = character.codePointAt(0) ?? 0;
      const inside = token.ranges.some(
        ({ low, high }) => (low.codePointAt(0) ?? 0) <= code && code <= (high.codePointAt(0) ?? 0),
      );
      return inside !== token.negated;
    }
  }
}

/** Only the last star is ever widened: Go does the same, and it keeps the work to pattern times name. */
function matchTokens(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0;
  let position = 0;
  let star = -1;
  let starEnd = 0;
  for (;;) {
    const current = tokens[token];
    const character = name[position];
    if (current?.type === "star") {
      star = token++;
      starEnd = position;
    } else if (current === undefined && character === undefined) {
      return true;
    } else if (current !== undefined && character !== undefined && accepts(current, character)) {
      token++;
      position++;
    } else {
      const widened = name[starEnd];
      if (star < 0 || widened === undefined || widened === "/") return false;
      position = ++starEnd;
      token = star + 1;
    }
  }
}

/**
 * Whether a shell pattern covers the whole name, as Go's `path.Match` decides it.
 *
 * `*` and `?` stand for anything but `/`; `[a-z]` and `[^a-z]` are sets; `\` takes the next
 * character as it is.
 *
 * @throws LadeError FILTER_INVALID for a malformed pattern, whatever the name
 */
export function matchPath(pattern: string, name: string): boolean {
  return matchTokens(tokenize(pattern), Array.from(name));
}
