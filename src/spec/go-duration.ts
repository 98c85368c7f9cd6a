// SPDX-License-Identifier: Apache-2.0

import { goQuote } from "./go-quote.ts";

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3,
  "\u03bcs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(?=\.?\d)(\d*)(?:\.(\d*))?([^\d.]*)/gy;

/** The longest time that Go's 64 bits hold. */
const LONGEST_NS = 2 ** 63;

export type GoDuration = { readonly durationNs: number } | { readonly fault: string };

/**
 * Reads a length of time as Go's `time.ParseDuration` does: `30s`, `1m30s`, `1.5h`.
 *
 * @returns nanoseconds, or what is wrong in Go's words
 */
export function parseGoDuration(text: string): GoDuration {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return { durationNs: 0 };
  let totalNs = 0;
  let end = 0;
  for (const match of body.matchAll(PART)) {
    const [whole, integer = "", fraction = "", unit = ""] = match;
    const unitNs = UNITS_NS[unit];
    if (unit === "") return { fault: `time: missing unit in duration ${goQuote(text)}` };
    if (unitNs === undefined) {
      return { fault: `time: unknown unit ${goQuote(unit)} in duration ${goQuote(text)}` };
    }
    const part = Math.trunc(Number(fraction) * (unitNs / 10 ** fraction.length));
    totalNs += Number(integer) * unitNs + part;
    end = match.index + whole.length;
  }
  if (end === 0 || end !== body.length || totalNs >= LONGEST_NS) {
    return { fault: `time: invalid duration ${goQuote(text)}` };
  }
  return { durationNs: sign * totalNs };
}
