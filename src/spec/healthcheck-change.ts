// SPDX-License-Identifier: Apache-2.0

import { changeError } from "./change-error.ts";
import type { Instruction } from "./dockerfile.ts";
import { parseGoDuration } from "./go-duration.ts";
import { goQuote } from "./go-quote.ts";
import type { Healthcheck } from "./image-config.ts";

const FLAGS = new Set(["interval", "timeout", "start-period", "start-interval", "retries"]);
const SHORTEST_NS = 1e6;
const RETRIES_MAX = 2 ** 31 - 1;

function parseFlags(flags: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    const word = equals < 0 ? flag : flag.slice(0, equals);
    const name = word.slice("--".length);
    if (!FLAGS.has(name)) throw changeError(`unknown flag: ${word}`);
    if (values.has(name)) throw changeError(`duplicate flag specified: ${word}`);
    if (equals < 0) throw changeError(`missing a value on flag: ${word}`);
    values.set(name, flag.slice(equals + 1));
  }
  return values;
}

function interval(values: ReadonlyMap<string, string>, name: string): number {
  const text = values.get(name) ?? "";
  if (text === "") return 0;
  const duration = parseGoDuration(text);
  if ("fault" in duration) throw changeError(duration.fault);
  const { durationNs } = duration;
  if (durationNs !== 0 && durationNs < SHORTEST_NS) {
    throw changeError(`Interval ${goQuote(name)} cannot be less than 1ms`);
  }
  return durationNs;
}

function retries(values: ReadonlyMap<string, string>): number {
  const text = values.get("retries") ?? "";
  if (text === "") return 0;
  const count = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count)) {
    throw changeError(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  }
  if (Math.abs(count) > RETRIES_MAX) {
    throw changeError(`strconv.ParseInt: parsing ${goQuote(text)}: value out of range`);
  }
  if (count < 0) throw changeError(`--retries cannot be negative (${count})`);
  return count;
}

/**
 * Reads HEALTHCHECK: `NONE`, or flags and `CMD` in either form.
 *
 * Source: `parseHealthcheck` of BuildKit (frontend/dockerfile/instructions).
 *
 * @throws LadeError CHANGE_INVALID
 */
export function parseHealthcheck({ args, flags, json }: Instruction): Healthcheck {
  const [first, ...command] = args;
  if (first === undefined) throw changeError("HEALTHCHECK requires at least one argument");
  const type = first.toUpperCase();
  if (type === "NONE") {
    if (command.length > 0) throw changeError("HEALTHCHECK NONE takes no arguments");
    return { Test: [type] };
  }
  const values = parseFlags(flags);
  if (type !== "CMD") {
    throw changeError(`Unknown type ${goQuote(type)} in HEALTHCHECK (try CMD)`);
  }
  if (command.length === 0) throw changeError("Missing command after HEALTHCHECK CMD");
  return {
    Test: [json ? "CMD" : "CMD-SHELL", ...command],
    Interval: interval(values, "interval"),
    Timeout: interval(values, "timeout"),
    StartPeriod: interval(values, "start-period"),
    StartInterval: interval(values, "start-interval"),
    Retries: retries(values),
  };
}
