// SPDX-License-Identifier: Apache-2.0

import { humanDuration } from "../../base/human-duration.ts";
import { binarySize, humanSize } from "../../base/human-size.ts";
import { utc, type Zone } from "../../sys/local-time.ts";

export { binarySize, humanDuration, humanSize };

const secondMs = 1000;
const minuteMs = 60 * secondMs;

/** What Go has as the time that was never set. */
const zeroTimeMs = Date.parse("0001-01-01T00:00:00Z");

/** Milliseconds since 1970 of an RFC 3339 time, cut to whole seconds; undefined where there is none. */
export function parseTime(text: string): number | undefined {
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs) || timeMs === zeroTimeMs) return undefined;
  return Math.floor(timeMs / secondMs) * secondMs;
}

/** The time zone at a time. */
export type ZoneAt = (timeMs: number) => Zone;

/** `2024-01-02T15:04:05Z`, `2024-01-02T16:04:05+01:00`. */
export function rfc3339(timeMs: number | undefined, zoneAt: ZoneAt): string {
  const { offset } = timeMs === undefined ? utc : zoneAt(timeMs);
  const zone = offset === utc.offset ? "Z" : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  return localTime(timeMs ?? zeroTimeMs, offset) + zone;
}

/** `2024-01-02 15:04:05 +0000 UTC`, `2024-01-02 16:04:05 +0100 CET`, as Go prints a time. */
export function goTime(timeMs: number | undefined, zoneAt: ZoneAt): string {
  const { offset, name } = timeMs === undefined ? utc : zoneAt(timeMs);
  const time = localTime(timeMs ?? zeroTimeMs, offset).replace("T", " ");
  return `${time} ${offset} ${name}`;
}

function localTime(timeMs: number, offset: string): string {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(3, 5));
  const shiftMs = (offset.startsWith("-") ? -minutes : minutes) * minuteMs;
  return new Date(timeMs + shiftMs).toISOString().replace(/\.\d+Z$/, "");
}

/** The same in UTC for a time of RFC 3339, with the digits of its fraction that count. */
export function goTimeOfText(text: string): string {
  const time = goTime(parseTime(text), () => utc);
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").replace(/0+$/, "");
  return fraction === "" ? time : time.replace(" +", `.${fraction} +`);
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
