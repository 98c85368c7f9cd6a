// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";

/** True where the labels have the key, and the value where one is given (`key` or `key=value`). */
export function matchesLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals < 0 || labels[key] === wanted.slice(equals + 1);
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A point in time as Docker's `until` filter writes it: a Go duration before now (`24h`, `1h30m`),
 * seconds since the epoch, or RFC 3339 with or without its end.
 *
 * @returns milliseconds since the epoch
 * @throws LadeError FILTER_INVALID
 */
export function parseUntil(text: string, nowMs: number = Date.now()): number {
  const duration = parseDuration(text);
  if (duration !== undefined) return nowMs - duration;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const isDate = /^\d{4}-\d\d-\d\d(T\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?(Z|[+-]\d\d:\d\d)?$/.test(text);
  const parsedMs = isDate ? Date.parse(withWholeTime(text)) : Number.NaN;
  if (!Number.isNaN(parsedMs)) return parsedMs;
  throw new LadeError("FILTER_INVALID", `failed to parse value as time or duration: "${text}"`, {
    hint: "Write a duration such as 24h or a time such as 2026-01-31T12:00:00.",
  });
}

function parseDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(count) * (unitsMs[unit as string] ?? 0);
  }
  return total;
}

function withWholeTime(text: string): string {
  const zone = /(Z|[+-]\d\d:\d\d)$/.exec(text.slice(10))?.[0] ?? "";
  const local = zone === "" ? text : text.slice(0, -zone.length);
  return `${local}${"T00:00:00".slice(local.length - 10)}${zone}`;
}
