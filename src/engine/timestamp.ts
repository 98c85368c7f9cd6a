// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { parseGoDuration } from "../spec/go-duration.ts";
import { quoteExcerpt } from "../spec/go-quote.ts";

const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000n;

const dateTime =
  /^(\d{4}-\d\d-\d\d)(?:T(\d{1,2})(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?$/;
const unixTime = /^([+-]?\d+)(?:\.(\d+))?$/;

/** Digits behind the point as nanoseconds; more than nine are cut. */
function fractionNs(digits: string): bigint {
  return BigInt(digits.slice(0, 9).padEnd(9, "0"));
}

/**
 * A time of RFC 3339, as configs have it, in nanoseconds since 1970: JavaScript's own dates end at
 * milliseconds.
 *
 * @returns undefined for an empty text
 */
export function timeNs(text: string): bigint | undefined {
  const fraction = /[.,](\d+)/.exec(text);
  const wholeMs = Date.parse(text.replace(fraction?.[0] ?? "", ""));
  if (Number.isNaN(wholeMs)) return undefined;
  return BigInt(wholeMs) * nsPerMs + fractionNs(fraction?.[1] ?? "");
}

/**
 * Reads a point in time as filters such as `until` give it: a length of time before now (`24h`), a
 * date or time of RFC 3339 of which the end may be missing, in local time unless it says otherwise,
 * or seconds since 1970.
 *
 * Source: `GetTimestamp` of moby (api/types/time).
 *
 * @returns nanoseconds since 1970
 * @throws LadeError FILTER_INVALID
 */
export function parseTimestamp(text: string, nowMs: number): bigint {
  const duration = text === "0" ? undefined : parseGoDuration(text);
  if (duration !== undefined && "durationNs" in duration) {
    const ns = BigInt(Math.round(nowMs)) * nsPerMs - BigInt(duration.durationNs);
    // Docker sends whole seconds from here on.
    return ns - (((ns % nsPerSecond) + nsPerSecond) % nsPerSecond);
  }
  const ns = parseDate(text, nowMs) ?? parseUnix(text);
  if (ns !== undefined) return ns;
  throw new LadeError(
    "FILTER_INVALID",
    `failed to parse value as time or duration: ${quoteExcerpt(text)}`,
    { hint: "Give a length of time such as 24h, or a time such as 2026-01-31T13:37:00." },
  );
}

function parseDate(text: string, nowMs: number): bigint | undefined {
  const match = dateTime.exec(text);
  if (match === null) return undefined;
  const [, date, hour = "0", minute = "00", second = "00", fraction = "", zone] = match;
  const whole = `${date}T${hour.padStart(2, "0")}:${minute}:${second}`;
  const wholeMs = Date.parse(`${whole}${zone ?? "Z"}`);
  if (Number.isNaN(wholeMs) || !existsDate(date ?? "") || Number(hour) > 23) return undefined;
  // Docker takes the offset of today for any date, also across a change of the clocks.
  const offsetMs = zone === undefined ? new Date(nowMs).getTimezoneOffset() * 60_000 : 0;
  return BigInt(wholeMs + offsetMs) * nsPerMs + fractionNs(fraction);
}

/** JavaScript makes March of 30 February. */
function existsDate(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

function parseUnix(text: string): bigint | undefined {
  const match = unixTime.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1] ?? "") * nsPerSecond + fractionNs(match[2] ?? "");
}
