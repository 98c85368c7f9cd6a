// SPDX-License-Identifier: Apache-2.0

import { humanDuration } from "../../base/human-duration.ts";

const decimalUnits = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

/**
 * A size in powers of 1000, as Docker writes it: `75.27MB`.
 *
 * @param size bytes
 * @param precision significant digits; Docker has 3 for an image and 4 elsewhere
 */
export function humanSize(size: number, precision = 4): string {
  return scale(size, { base: 1000, units: decimalUnits, precision });
}

/** A size in powers of 1024: `23.47GiB`. */
export function binarySize(size: number): string {
  return scale(size, { base: 1024, units: binaryUnits, precision: 4 });
}

interface Scale {
  readonly base: number;
  readonly units: readonly string[];
  readonly precision: number;
}

function scale(size: number, { base, units, precision }: Scale): string {
  let value = size;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${significant(value, precision)}${units[unit]}`;
}

/** Go's `%.<precision>g`, which writes 999.9 with 3 digits as `1e+03`. */
function significant(value: number, precision: number): string {
  const text = value.toPrecision(precision);
  // As a number again it has no zeros at its end.
  if (!text.includes("e")) return String(Number(text));
  const [mantissa = "", exponent = ""] = text.split("e");
  return `${Number(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}

export { humanDuration };

const secondMs = 1000;

/** What Go has as the time that was never set. */
const zeroTimeMs = Date.parse("0001-01-01T00:00:00Z");

/** Milliseconds since 1970 of an RFC 3339 time, cut to whole seconds; undefined where there is none. */
export function parseTime(text: string): number | undefined {
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs) || timeMs === zeroTimeMs) return undefined;
  return Math.floor(timeMs / secondMs) * secondMs;
}

/** `2024-01-02T15:04:05Z`. */
export function rfc3339(timeMs: number | undefined): string {
  return new Date(timeMs ?? zeroTimeMs).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `2024-01-02 15:04:05 +0000 UTC`, as Go prints a time. */
export function goTime(timeMs: number | undefined): string {
  return rfc3339(timeMs).replace("T", " ").replace("Z", " +0000 UTC");
}

/** `2 weeks ago`. */
export function timeAgo(timeMs: number, nowMs: number): string {
  return `${humanDuration(nowMs - timeMs)} ago`;
}

/** The first 12 digits of an ID, without its algorithm. */
export function shortId(id: string): string {
  const colon = id.indexOf(":");
  return id.slice(colon + 1, colon + 13);
}

/** The same for a time of RFC 3339, with the digits of its fraction that count. */
export function goTimeOfText(text: string): string {
  const time = goTime(parseTime(text));
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").replace(/0+$/, "");
  return fraction === "" ? time : time.replace(" +", `.${fraction} +`);
}
