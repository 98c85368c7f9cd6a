// SPDX-License-Identifier: Apache-2.0

import { isSpace } from "./go-space.ts";

/**
 * Splits at spaces outside quotes; quotes and escapes stay for `expandWord`.
 *
 * Source: `parseWords` of BuildKit (frontend/dockerfile/parser).
 */
export function splitWords(rest: string, escapeToken: string): string[] {
  const characters = Array.from(rest);
  const words: string[] = [];
  let word = "";
  let quote = "";
  let inWord = false;
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    const next = characters[index + 1];
    if (quote === "" && isSpace(character)) {
      if (inWord && word !== "") words.push(word);
      inWord = false;
      word = "";
      continue;
    }
    inWord = true;
    if (character === escapeToken && quote !== "'") {
      // An escape at the very end is dropped.
      if (next !== undefined) word += character + next;
      index++;
      continue;
    }
    if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = "";
    word += character;
  }
  if (inWord && word !== "") words.push(word);
  return words;
}

export interface FlagsAndRest {
  readonly flags: readonly string[];
  readonly rest: string;
}

/** Takes one word of a flag, without its quotes and escapes; the index is behind it. */
function takeFlag(
  characters: readonly string[],
  start: number,
  escapeToken: string,
): { word: string; end: number } {
  let word = "";
  let quote = "";
  let index = start;
  for (; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (quote === "" && isSpace(character)) break;
    if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = "";
    else if (character === escapeToken) word += characters[++index] ?? "";
    else word += character;
  }
  return { word, end: index };
}

/**
 * Takes `--name=value` words off the front of an instruction's arguments; `--` ends them.
 *
 * Source: `extractBuilderFlags` of BuildKit (frontend/dockerfile/parser).
 */
export function takeFlags(line: string, escapeToken: string): FlagsAndRest {
  const characters = Array.from(line);
  const flags: string[] = [];
  let index = 0;
  for (;;) {
    while (isSpace(characters[index])) index++;
    if (characters[index] !== "-" || characters[index + 1] !== "-") break;
    const { word, end } = takeFlag(characters, index, escapeToken);
    index = end;
    if (word === "--") break;
    flags.push(word);
  }
  return { flags, rest: characters.slice(index).join("") };
}
