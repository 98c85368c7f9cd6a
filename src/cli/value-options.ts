// SPDX-License-Identifier: Apache-2.0

import type { Completion, ParsedOption } from "./command.ts";
import {
  type IntegerType,
  parseDuration,
  parseInteger,
  parseNanoCpus,
  parseRamBytes,
} from "./go-numbers.ts";

interface Texts {
  readonly summary: string;
  readonly short?: string;
  readonly completion?: Completion;
  readonly isHidden?: boolean;
  readonly deprecated?: string;
}

interface NumberTexts extends Texts {
  /** Zero where it is not given; help shows others. */
  readonly initial?: number;
}

function single<Value>(
  texts: Texts,
  rest: Pick<ParsedOption<Value>, "valueName" | "initial" | "defaultText" | "parse">,
): ParsedOption<Value> {
  return { ...texts, type: "parsed", ...rest };
}

function integer(texts: NumberTexts, valueName: string, type: IntegerType): ParsedOption<number> {
  const { initial = 0, ...rest } = texts;
  return single(rest, {
    valueName,
    initial,
    ...(initial === 0 ? {} : { defaultText: String(initial) }),
    parse: (text) => parseInteger(text, type),
  });
}

/** A whole number of 64 bits. */
export function intOption(texts: NumberTexts): ParsedOption<number> {
  return integer(texts, "int", { bits: 64 });
}

export function uint16Option(texts: NumberTexts): ParsedOption<number> {
  return integer(texts, "uint16", { bits: 16, isUnsigned: true });
}

/** A size such as `512m`, in bytes. */
export function bytesOption(texts: Texts, parse = parseRamBytes): ParsedOption<number> {
  return single(texts, { valueName: "bytes", initial: 0, parse: (text) => parse(text) });
}

/** A length of time such as `1m30s`, in nanoseconds. */
export function durationOption(texts: Texts): ParsedOption<number> {
  return single(texts, { valueName: "duration", initial: 0, parse: (text) => parseDuration(text) });
}

/** A number of CPUs, in billionths of one. */
export function cpusOption(texts: Texts): ParsedOption<number> {
  return single(texts, { valueName: "decimal", initial: 0, parse: (text) => parseNanoCpus(text) });
}

interface ListTexts<Value> extends Texts {
  /** What help calls a value; `list` unless said otherwise. */
  readonly valueName?: string;
  parse(text: string): Value;
}

/** An option that may be given several times; each value is read when it is met. */
export function listOption<Value>(texts: ListTexts<Value>): ParsedOption<readonly Value[]> {
  const { valueName = "list", parse, ...rest } = texts;
  return {
    ...rest,
    type: "parsed",
    valueName,
    initial: [],
    isRepeatable: true,
    parse: (text, previous) => [...previous, parse(text)],
  };
}
