// SPDX-License-Identifier: Apache-2.0

import type { Command, OptionSpec, OptionTable } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";

export function takesValue(spec: OptionSpec): boolean {
  return spec.type === "refused" ? spec.takesValue : spec.type !== "bool";
}

/** What help calls an option's value; empty for one without. */
export function valueName(spec: OptionSpec): string {
  if (spec.type === "parsed") return spec.valueName;
  return takesValue(spec) ? spec.type : "";
}

/** The default as help shows it: ` (default true)`. */
export function defaultText(spec: OptionSpec): string {
  if (spec.type === "bool") return spec.default === true ? " (default true)" : "";
  if (spec.type === "string" && spec.default !== undefined && spec.default !== "") {
    return ` (default ${JSON.stringify(spec.default)})`;
  }
  const text = spec.type === "parsed" ? spec.defaultText : undefined;
  return text === undefined ? "" : ` (default ${text})`;
}

/** Docker lists options by their long names, and leaves out what is only for older habits. */
export function shownOptions(options: OptionTable): [string, OptionSpec][] {
  return Object.entries(options)
    .filter(([, spec]) => {
      return spec.type !== "alias" && spec.type !== "refused" && spec.isHidden !== true;
    })
    .filter(([, spec]) => spec.deprecated === undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

/** `lade save [OPTIONS] IMAGE [IMAGE...]`. */
export function usageLine(path: string, tail: string): string {
  return tail === "" ? path : `${path} ${tail}`;
}

/** The error for too few or too many operands, as `docker` words it. */
export function operandsError(
  path: string,
  command: Command,
  { min, max }: OperandsRange = command.operands,
): ExitStatus {
  const pointer = max === Number.POSITIVE_INFINITY ? "See" : "Run";
  return new ExitStatus(
    `lade: '${path}' ${operandsRule(min, max)}\n\n` +
      `Usage:  ${usageLine(path, command.usage)}\n\n` +
      `${pointer} '${path} --help' for more information`,
  );
}

type OperandsRange = Pick<Command["operands"], "min" | "max">;

function operandsRule(min: number, max: number): string {
  const noun = (count: number) => (count === 1 ? "argument" : "arguments");
  if (max === 0) return "accepts no arguments";
  if (min === max) return `requires ${min} ${noun(min)}`;
  if (max === Number.POSITIVE_INFINITY) return `requires at least ${min} ${noun(min)}`;
  if (min === 0) return `requires at most ${max} ${noun(max)}`;
  return `requires at least ${min} and at most ${max} ${noun(max)}`;
}
