// SPDX-License-Identifier: Apache-2.0

/** This machine's time zone, which Node tells without the short names that `date` has. */

import { libcCalls } from "./calls.ts";

export interface Zone {
  /** `+0100`. */
  readonly offset: string;
  /** `CET`. */
  readonly name: string;
}

export const utc: Zone = { offset: "+0000", name: "UTC" };

/** More than any C library's `struct tm` has: 56 bytes with glibc. */
const brokenDownSize = 128;
const textSize = 64;

/** The zone that TZ or /etc/localtime name, as it is at that time: with summer time or without. */
export function localZone(timeMs: number): Zone {
  const { localtime_r, strftime } = libcCalls();
  const seconds = Buffer.alloc(8);
  seconds.writeBigInt64LE(BigInt(Math.floor(timeMs / 1000)));
  const brokenDown = Buffer.alloc(brokenDownSize);
  if (BigInt(localtime_r(seconds, brokenDown)) === 0n) return utc;
  const text = Buffer.alloc(textSize);
  const size = Number(strftime(text, BigInt(textSize), "%z %Z", brokenDown));
  const [offset = "", name = ""] = text.toString("latin1", 0, size).split(" ");
  return size === 0 ? utc : { offset, name };
}
