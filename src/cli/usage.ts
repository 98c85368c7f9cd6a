// SPDX-License-Identifier: Apache-2.0

import type { Command, OptionSpec } from "./command.ts";
import { ExitStatus } from "./exit-status.ts";

export function takesValue(spec: OptionSpec): boolean {
  return spec.type !== "bool";
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
