// SPDX-License-Identifier: Apache-2.0

import { changeError } from "./change-error.ts";
import { splitWords, takeFlags } from "./dockerfile-words.ts";
import { goQuote } from "./go-quote.ts";
import { isSpace, trimLeft, trimSpace } from "./go-space.ts";
import { expandWords, type WordOptions } from "./shell-word.ts";

/** One instruction of a Dockerfile. Nothing in it is expanded yet. */
export interface Instruction {
  /** As written, in any case. */
  readonly name: string;
  /** `--name=value` words in front. */
  readonly flags: readonly string[];
  /**
   * What follows: for ENV and LABEL key, value, `=` or nothing, and again; for ONBUILD the inner
   * instruction's name and arguments.
   */
  readonly args: readonly string[];
  /** True where the arguments came as a JSON array. */
  readonly json: boolean;
  /** The whole line, continuations joined. */
  readonly original: string;
  /** Here-documents behind the line. */
  readonly heredocs: readonly Heredoc[];
}

export interface Heredoc {
  readonly name: string;
  /** Lines before the closing name, as written. */
  readonly content: string;
}

export interface Dockerfile {
  readonly instructions: readonly Instruction[];
  /** `\`, or a backtick where a directive says so. */
  readonly escape: string;
}

interface Arguments {
  readonly args: readonly string[];
  readonly json?: boolean;
  readonly inner?: Instruction;
}

/** `bufio.MaxScanTokenSize` of Go, less one. */
const LINE_SIZE_MAX = 65535;
const DIRECTIVES = new Set(["syntax", "escape", "check"]);
const HEREDOC_NAMES = new Set(["add", "copy", "run"]);
const WHITE_SPACE = /[\t\v\f\r ]+/;

/** Go's `reWhitespace.Split(text, 2)`. */
function splitOnce(text: string): [string, string | undefined] {
  const match = WHITE_SPACE.exec(text);
  if (match === null) return [text, undefined];
  return [text.slice(0, match.index), text.slice(match.index + match[0].length)];
}

function parseNameValue(rest: string, name: string, escapeToken: string): Arguments {
  const words = splitWords(rest, escapeToken);
  const [first] = words;
  if (first === undefined) return { args: [] };
  if (!first.includes("=")) {
    const [key, value] = splitOnce(rest);
    if (value === undefined) throw changeError(`${name} must have two arguments`);
    return { args: [key, value, ""] };
  }
  const args = words.flatMap((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) {
      throw changeError(
        `Syntax error - can't find = in ${goQuote(word)}. Must be of the form: name=value`,
      );
    }
    return [word.slice(0, equals), word.slice(equals + 1), "="];
  });
  return { args };
}

/** The texts of a JSON array; undefined for what is none, which is then read as plain text. */
function parseJsonArray(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(rest);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  return value.map((item) => {
    if (typeof item === "string") return item.toWellFormed();
    throw changeError("when using JSON array syntax, arrays must be comprised of strings only");
  });
}

function parseText(rest: string): Arguments {
  return { args: rest === "" ? [] : [rest] };
}

function parseList(rest: string): Arguments {
  return { args: rest === "" ? [] : rest.split(WHITE_SPACE) };
}

function parseMaybeJson(rest: string, otherwise: (rest: string) => Arguments): Arguments {
  const args = parseJsonArray(rest);
  return args === undefined ? otherwise(rest) : { args, json: true };
}

function parseHealthcheck(rest: string): Arguments {
  let end = 0;
  while (end < rest.length && !isSpace(rest[end])) end++;
  if (end === 0) return { args: [] };
  const { args, json = false } = parseMaybeJson(trimLeft(rest.slice(end)), parseText);
  return { args: [rest.slice(0, end), ...args], json };
}

function parseTrigger(rest: string, escapeToken: string): Arguments {
  if (rest === "") return { args: [] };
  const [name] = splitOnce(rest);
  // Refused later, and a long chain of them would take the stack.
  if (name.toLowerCase() === "onbuild") return { args: [name] };
  const inner = parseLine(rest, escapeToken);
  return { args: [inner.name, ...inner.args], inner };
}

function parseArguments(name: string, rest: string, escapeToken: string): Arguments {
  switch (name.toLowerCase()) {
    case "env":
    case "label":
      return parseNameValue(rest, name.toUpperCase(), escapeToken);
    case "cmd":
    case "entrypoint":
    case "run":
    case "shell":
      return parseMaybeJson(rest, parseText);
    case "add":
    case "copy":
    case "volume":
      return parseMaybeJson(rest, parseList);
    case "expose":
    case "from":
      return parseList(rest);
    case "healthcheck":
      return parseHealthcheck(rest);
    case "onbuild":
      return parseTrigger(rest, escapeToken);
    case "arg":
      return { args: splitWords(rest, escapeToken) };
    case "maintainer":
    case "stopsignal":
    case "user":
    case "workdir":
      return parseText(rest);
    default:
      return { args: [] };
  }
}

type ParsedLine = Instruction & { readonly inner?: Instruction | undefined };

function parseLine(line: string, escapeToken: string): ParsedLine {
  const [name, rest] = splitOnce(trimSpace(line));
  const taken = rest === undefined ? { flags: [], rest: "" } : takeFlags(rest, escapeToken);
  const { args, json = false, inner } = parseArguments(name, trimSpace(taken.rest), escapeToken);
  return { name, flags: taken.flags, args, json, original: line, heredocs: [], inner };
}

/** Reads lines, and knows which escape character the file's directives chose. */
interface LineReader {
  readonly lines: readonly string[];
  next: number;
  escape: string;
  directivesDone: boolean;
  readonly directivesSeen: Set<string>;
}

function isComment(line: string): boolean {
  return trimLeft(line).startsWith("#");
}

/** `# escape=…` counts only above everything else. */
function readDirective(reader: LineReader, line: string): void {
  if (reader.directivesDone) return;
  const match = line.startsWith("#")
    ? /^([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(trimLeft(line.slice(1)))
    : null;
  const [, written = "", value = ""] = match ?? [];
  const name = written.toLowerCase();
  if (!DIRECTIVES.has(name)) {
    reader.directivesDone = true;
    return;
  }
  if (reader.directivesSeen.has(name)) {
    throw changeError(`only one ${name} parser directive can be used`);
  }
  reader.directivesSeen.add(name);
  if (name !== "escape") return;
  if (value !== "\\" && value !== "`") {
    throw changeError(`invalid escape token '${value}' does not match \` or \\`);
  }
  reader.escape = value;
}

function takeLine(reader: LineReader): string | undefined {
  const line = reader.lines[reader.next++];
  if (line !== undefined && Buffer.byteLength(line) > LINE_SIZE_MAX) {
    throw changeError(`dockerfile line greater than max allowed size of ${LINE_SIZE_MAX}`);
  }
  return line;
}

/** The line without the escape character at its end, where one joins it to the next line. */
function withoutContinuation(line: string, escapeToken: string): string | undefined {
  const pattern = escapeToken === "`" ? /([^`])`[ \t]*$|^`[ \t]*$/ : /([^\\])\\[ \t]*$|^\\[ \t]*$/;
  return pattern.test(line)
    ? line.replace(pattern, (_, before?: string) => before ?? "")
    : undefined;
}

/** The next instruction's text, its continuation lines joined; undefined at the end. */
function takeStatement(reader: LineReader): string | undefined {
  for (;;) {
    const first = takeLine(reader);
    if (first === undefined) return undefined;
    const trimmed = trimLeft(first.replace(/\r+$/, ""));
    readDirective(reader, trimmed);
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    let statement = trimmed;
    let joined = withoutContinuation(trimmed, reader.escape);
    if (joined === undefined) return statement;
    statement = joined;
    while (joined !== undefined) {
      const following = takeLine(reader);
      if (following === undefined) return statement;
      const line = following.replace(/\r+$/, "");
      if (isComment(line) || trimLeft(line) === "") continue;
      joined = withoutContinuation(line, reader.escape);
      statement += joined ?? line;
    }
    return statement;
  }
}

const HEREDOC_WORDS: WordOptions = { environment: new Map(), escape: "\\", skipUnset: true };

/** The here-documents that a line announces. BuildKit ignores a line that it can't split. */
function heredocNames(line: string): { name: string; chomp: boolean }[] {
  let words: readonly string[];
  try {
    words = expandWords(line, { ...HEREDOC_WORDS, rawQuotes: true, rawEscapes: true });
  } catch {
    return [];
  }
  return words.flatMap((word) => {
    const match = /^\d*<<(-?)\s*([^<]*)$/.exec(word);
    if (match === null || match[2] === "") return [];
    const names = expandWords(match[2] ?? "", HEREDOC_WORDS);
    const [name] = names;
    return name === undefined || names.length > 1 ? [] : [{ name, chomp: match[1] === "-" }];
  });
}

function takeHeredoc(reader: LineReader, heredoc: { name: string; chomp: boolean }): Heredoc {
  let content = "";
  for (;;) {
    const line = takeLine(reader);
    if (line === undefined) throw changeError("unterminated heredoc");
    const plain = line.replace(/\r+$/, "");
    const candidate = heredoc.chomp ? plain.replace(/^\t+/, "") : plain;
    if (candidate === heredoc.name) return { name: heredoc.name, content };
    content += `${line}\n`;
  }
}

function takeHeredocs(reader: LineReader, line: ParsedLine): Heredoc[] {
  const holder = line.inner ?? line;
  if (!HEREDOC_NAMES.has(holder.name.toLowerCase()) || holder.json) return [];
  if (!line.original.includes("<<")) return [];
  return heredocNames(line.original).map((heredoc) => takeHeredoc(reader, heredoc));
}

/**
 * Splits the text of a Dockerfile into instructions.
 *
 * Source: `Parse` of BuildKit (frontend/dockerfile/parser); the messages are its own. Which
 * instructions exist is not checked.
 *
 * @throws LadeError CHANGE_INVALID
 */
export function parseDockerfile(text: string): Dockerfile {
  const reader: LineReader = {
    lines: text.replace(/^\ufeff/, "").split("\n"),
    next: 0,
    escape: "\\",
    directivesDone: false,
    directivesSeen: new Set(),
  };
  const instructions: Instruction[] = [];
  for (;;) {
    const statement = takeStatement(reader);
    if (statement === undefined) break;
    const { inner: _, ...line } = parseLine(statement, reader.escape);
    instructions.push({ ...line, heredocs: takeHeredocs(reader, { ...line, inner: _ }) });
  }
  if (instructions.length === 0) throw changeError("file with no instructions");
  return { instructions, escape: reader.escape };
}
