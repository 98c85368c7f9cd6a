// SPDX-License-Identifier: Apache-2.0

import { trimLeft } from "../../spec/go-space.ts";
import { InvalidValue } from "../invalid-value.ts";
import { type FlagHost, OpenFault } from "./flag-host.ts";

/** What stands before and behind the first equals sign; undefined behind where there is none. */
export function cut(text: string, separator = "="): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  if (at === -1) return [text, undefined];
  return [text.slice(0, at), text.slice(at + separator.length)];
}

/** `KEY=VALUE` texts as a map; the last of a key counts. */
export function toMap(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key, value = ""] = cut(pair);
      return [key, value] as const;
    }),
  );
}

/** `-e NAME[=VALUE]`. */
export function checkVariable(text: string): string {
  if (cut(text)[0] === "") throw new InvalidValue(`invalid environment variable: ${text}`);
  return text;
}

/** Gives a variable without a value the environment's, where that has one. */
export function withInheritedValue(text: string, { env }: Pick<FlagHost, "env">): string {
  const [name, value] = cut(text);
  const inherited = value === undefined ? env[name] : undefined;
  return inherited === undefined ? text : `${name}=${inherited}`;
}

/** `-l KEY[=VALUE]`. */
export function parseLabel(text: string): string {
  const key = cut(text)[0].replace(/^[ \t]+/, "");
  if (key === "") throw new InvalidValue(`invalid label '${text}': empty name`);
  if (/[ \t]/.test(key)) throw new InvalidValue(`label '${key}' contains whitespaces`);
  return text;
}

const kernelSettings = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** `--sysctl NAME=VALUE`: only what a container has to itself. */
export function parseSysctl(text: string): string {
  const [name, value] = cut(text);
  const isOwn = kernelSettings.has(name) || /^(?:net|fs\.mqueue)\./.test(name);
  if (value === undefined || !isOwn) throw new InvalidValue(`sysctl '${text}' is not allowed`);
  return text;
}

/** The longest line that Go's scanner takes. */
const maxLineSize = 64 * 1024;

export interface ReadPairsOptions {
  readonly files: readonly string[];
  /** From options; they come last, so that they count. */
  readonly pairs: readonly string[];
  /** Whether a name alone takes its value from the environment; else it is left out. */
  readonly isEnvironment: boolean;
}

/** Reads `--env-file` and `--label-file`: lines of `KEY=VALUE`, without quoting or escapes. */
export function readPairs(options: ReadPairsOptions, host: FlagHost): string[] {
  const fromFiles = options.files.flatMap((path) => {
    try {
      return parseFile(host.readFile(path), options.isEnvironment ? host.env : {});
    } catch (error) {
      if (!(error instanceof InvalidValue) || error instanceof OpenFault) throw error;
      throw new InvalidValue(`invalid env file (${path}): ${error.message}`);
    }
  });
  return [...fromFiles, ...options.pairs];
}

function parseFile(bytes: Buffer, env: FlagHost["env"]): string[] {
  const pairs: string[] = [];
  for (const [index, raw] of splitLines(bytes).entries()) {
    if (raw.length >= maxLineSize) throw new InvalidValue("bufio.Scanner: token too long");
    const line = decodeLine(raw, index + 1);
    if (line === "" || line.startsWith("#")) continue;
    const [key, value] = cut(line);
    if (key === "") throw new InvalidValue(`no variable name on line '${line}'`);
    if (/[ \t]/.test(key)) throw new InvalidValue(`variable '${key}' contains whitespaces`);
    if (value !== undefined) pairs.push(line);
    else if (env[key] !== undefined) pairs.push(`${key}=${env[key]}`);
  }
  return pairs;
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    const hasReturn = end > start && bytes[end - 1] === 0x0d;
    lines.push(bytes.subarray(start, hasReturn ? end - 1 : end));
    start = end + 1;
  }
  return lines;
}

function decodeLine(raw: Buffer, number: number): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new InvalidValue(`invalid utf8 bytes at line ${number}: [${[...raw].join(" ")}]`);
  }
  return trimLeft(number === 1 ? text.replace(/^\ufeff/, "") : text);
}
