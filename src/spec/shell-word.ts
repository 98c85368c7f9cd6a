// SPDX-License-Identifier: Apache-2.0

import { isLadeError } from "../base/errors.ts";
import { changeError } from "./change-error.ts";
import { goQuote } from "./go-quote.ts";
import { isSpace } from "./go-space.ts";
import { replacePattern, trimPrefix, trimSuffix } from "./shell-pattern.ts";

export interface WordOptions {
  /** What `$NAME` stands for. */
  readonly environment: ReadonlyMap<string, string>;
  /** `\`, or a backtick where the text says so. */
  readonly escape: string;
  /** Keep quotes. */
  readonly rawQuotes?: boolean;
  /** Keep escape characters. */
  readonly rawEscapes?: boolean;
  /** Leave variables alone that are not set. */
  readonly skipUnset?: boolean;
}

interface Scanner {
  readonly characters: readonly string[];
  position: number;
  rawEscapes: boolean;
  /** Braces that are open. */
  depth: number;
  readonly options: WordOptions;
}

/** The words that a text falls into; quoted parts never split. */
interface WordList {
  readonly words: string[];
  buffer: string;
  inWord: boolean;
}

interface Expansion {
  readonly text: string;
  readonly words: readonly string[];
}

const DEPTH_MAX = 100;
const SPECIAL_PARAMETERS = new Set("@*#?-$!0");
const LETTER = /^\p{L}$/u;
const DIGIT = /^\p{Nd}$/u;

// What Go prints for the end of the text, taken as a character.
const END_MARK = "\ufffd";

function peek(scanner: Scanner): string | undefined {
  return scanner.characters[scanner.position];
}

function take(scanner: Scanner): string | undefined {
  return scanner.characters[scanner.position++];
}

function addRaw(list: WordList, text: string): void {
  list.buffer += text;
  list.inWord = true;
}

function addSplit(list: WordList, text: string): void {
  for (const character of text) {
    if (!isSpace(character)) {
      addRaw(list, character);
    } else if (list.inWord && list.buffer !== "") {
      list.words.push(list.buffer);
      list.buffer = "";
      list.inWord = false;
    }
  }
}

function finish(text: string, list: WordList): Expansion {
  return { text, words: list.buffer === "" ? list.words : [...list.words, list.buffer] };
}

function singleQuoted(scanner: Scanner): string {
  const quote = scanner.options.rawQuotes === true ? "'" : "";
  scanner.position++;
  let text = "";
  for (;;) {
    const character = take(scanner);
    if (character === undefined) {
      throw changeError("unexpected end of statement while looking for matching single-quote");
    }
    if (character === "'") return quote + text + quote;
    text += character;
  }
}

function doubleQuoted(scanner: Scanner): string {
  const quote = scanner.options.rawQuotes === true ? '"' : "";
  const { escape: escapeToken } = scanner.options;
  scanner.position++;
  let text = "";
  for (;;) {
    const character = peek(scanner);
    if (character === undefined) {
      throw changeError("unexpected end of statement while looking for matching double-quote");
    }
    if (character === "$") {
      text += expandDollar(scanner);
      continue;
    }
    scanner.position++;
    if (character === '"') return quote + text + quote;
    if (character !== escapeToken) {
      text += character;
      continue;
    }
    if (scanner.rawEscapes) text += character;
    const next = peek(scanner);
    if (next === undefined) continue;
    // Only these can be escaped between double quotes, as in sh.
    text += next === '"' || next === "$" || next === escapeToken ? take(scanner) : character;
  }
}

function takeName(scanner: Scanner): string {
  let name = "";
  for (;;) {
    const character = peek(scanner);
    if (character === undefined) return name;
    if (name === "" && DIGIT.test(character)) {
      while (DIGIT.test(peek(scanner) ?? "")) name += take(scanner);
      return name;
    }
    if (name === "" && SPECIAL_PARAMETERS.has(character)) return take(scanner) ?? "";
    if (!LETTER.test(character) && !DIGIT.test(character) && character !== "_") return name;
    name += take(scanner);
  }
}

/** Text up to the stop character; a missing one is told as the missing brace, as in BuildKit. */
function expandOperand(
  scanner: Scanner,
  options: { stop: "}" | "/"; rawEscapes: boolean },
): string {
  if (++scanner.depth > DEPTH_MAX) {
    throw changeError(`substitutions may be nested ${DEPTH_MAX} deep, these are deeper`);
  }
  try {
    const { text } = expandUntil(scanner, options);
    scanner.depth--;
    return text;
  } catch (error) {
    if (peek(scanner) !== undefined || !isLadeError(error)) throw error;
    throw changeError(
      options.stop === "/" ? `syntax error: missing '/' in \${}` : "syntax error: missing '}'",
    );
  }
}

/** `${NAME-word}` and its kin, behind the name. */
function expandModifier(scanner: Scanner, name: string, modifier: string): string {
  const { environment, skipUnset } = scanner.options;
  const operator = modifier.at(-1) ?? "";
  const isTrim = operator === "#" || operator === "%";
  const nullIsUnset = modifier.startsWith(":");
  if (nullIsUnset && isTrim) {
    throw changeError(`unsupported modifier (${modifier}) in substitution`);
  }
  const word = expandOperand(scanner, { stop: "}", rawEscapes: isTrim });
  const value = environment.get(name);
  if (value === undefined && skipUnset === true) return `\${${name}${modifier}${word}}`;
  const isMissing = value === undefined || (nullIsUnset && value === "");
  switch (operator) {
    case "-":
      return isMissing ? word : value;
    case "+":
      return isMissing ? "" : word;
    case "?": {
      if (!isMissing) return value;
      const reason = `is not allowed to be ${value === undefined ? "unset" : "empty"}`;
      throw changeError(`${name}: ${word === "" ? reason : word}`);
    }
    case "#":
    case "%": {
      const greedy = word.startsWith(operator);
      const trim = operator === "#" ? trimPrefix : trimSuffix;
      return trim(value ?? "", greedy ? word.slice(1) : word, { greedy });
    }
    default:
      throw changeError(`unsupported modifier (${modifier}) in substitution`);
  }
}

/** `${NAME/pattern/replacement}`, behind the first slash. */
function expandReplacement(scanner: Scanner, name: string): string {
  const all = peek(scanner) === "/";
  if (all) scanner.position++;
  const pattern = expandOperand(scanner, { stop: "/", rawEscapes: true });
  const replacement = expandOperand(scanner, { stop: "}", rawEscapes: true });
  const value = scanner.options.environment.get(name);
  if (value === undefined && scanner.options.skipUnset === true) {
    return `\${${name}/${pattern}/${replacement}}`;
  }
  return replacePattern(value ?? "", pattern, { replacement, all });
}

function expandBraces(scanner: Scanner): string {
  const { environment, skipUnset } = scanner.options;
  scanner.position++;
  const first = peek(scanner);
  if (first === undefined) throw changeError("syntax error: missing '}'");
  if ("{}:".includes(first)) throw changeError("syntax error: bad substitution");
  const name = takeName(scanner);
  const operator = take(scanner) ?? END_MARK;
  if (operator === "}") {
    const value = environment.get(name);
    return value === undefined && skipUnset === true ? `\${${name}}` : (value ?? "");
  }
  if (operator === "/") return expandReplacement(scanner, name);
  if (operator === ":") return expandModifier(scanner, name, `:${take(scanner) ?? END_MARK}`);
  if ("+-?#%".includes(operator)) return expandModifier(scanner, name, operator);
  throw changeError(`unsupported modifier (${operator}) in substitution`);
}

function expandDollar(scanner: Scanner): string {
  scanner.position++;
  if (peek(scanner) === "{") return expandBraces(scanner);
  const name = takeName(scanner);
  if (name === "") return "$";
  const value = scanner.options.environment.get(name);
  return value === undefined && scanner.options.skipUnset === true ? `$${name}` : (value ?? "");
}

/** `<<` keeps the spaces behind it in the same word, for here-documents. */
function lessThan(scanner: Scanner): string {
  scanner.position++;
  if (peek(scanner) !== "<") return "<";
  scanner.position++;
  let text = "<<";
  while (/^[\t\r ]$/.test(peek(scanner) ?? "")) text += take(scanner);
  return text;
}

/** Puts what stands for one plain or escaped character into the text and the words. */
function plainCharacter(scanner: Scanner, list: WordList): string {
  const character = take(scanner) ?? "";
  if (character !== scanner.options.escape) {
    addSplit(list, character);
    return character;
  }
  const kept = scanner.rawEscapes ? character : "";
  const escaped = take(scanner) ?? "";
  if (kept + escaped !== "") addRaw(list, kept + escaped);
  return kept + escaped;
}

function expandUntil(
  scanner: Scanner,
  options: { stop: string | undefined; rawEscapes: boolean },
): Expansion {
  const outerRawEscapes = scanner.rawEscapes;
  scanner.rawEscapes = options.rawEscapes;
  const list: WordList = { words: [], buffer: "", inWord: false };
  let text = "";
  for (;;) {
    const character = peek(scanner);
    if (character === undefined) break;
    if (character === options.stop) {
      scanner.position++;
      scanner.rawEscapes = outerRawEscapes;
      return finish(text, list);
    }
    if (character === "$") {
      const value = expandDollar(scanner);
      addSplit(list, value);
      text += value;
    } else if (character === "'" || character === '"' || character === "<") {
      const special = { "'": singleQuoted, '"': doubleQuoted, "<": lessThan }[character];
      const value = special(scanner);
      addRaw(list, value);
      text += value;
    } else {
      text += plainCharacter(scanner, list);
    }
  }
  if (options.stop !== undefined) {
    throw changeError(`unexpected end of statement while looking for matching ${options.stop}`);
  }
  return finish(text, list);
}

function expand(source: string, options: WordOptions): Expansion {
  const rawEscapes = options.rawEscapes === true;
  const scanner: Scanner = {
    characters: Array.from(source),
    position: 0,
    rawEscapes,
    depth: 0,
    options,
  };
  try {
    return expandUntil(scanner, { stop: undefined, rawEscapes });
  } catch (error) {
    if (!isLadeError(error)) throw error;
    throw changeError(`failed to process ${goQuote(source)}: ${error.message}`);
  }
}

/**
 * Takes quotes and escapes away and puts variables in, as the Dockerfile does: `$NAME`, `${NAME}`,
 * and `-`, `:-`, `+`, `:+`, `?`, `:?`, `#`, `##`, `%`, `%%`, `/`, `//` within braces.
 *
 * Source: frontend/dockerfile/shell of BuildKit.
 *
 * @throws LadeError CHANGE_INVALID
 */
export function expandWord(source: string, options: WordOptions): string {
  return expand(source, options).text;
}

/**
 * As `expandWord`, but split at spaces that are not quoted, those from variables among them.
 *
 * @throws LadeError CHANGE_INVALID
 */
export function expandWords(source: string, options: WordOptions): readonly string[] {
  return expand(source, options).words;
}
