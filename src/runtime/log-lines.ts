// SPDX-License-Identifier: Apache-2.0

import type { LogRecord } from "./types.ts";

/** The parts of one line of a monitor's log: `TIME STREAM TAG BYTES`, as Kubernetes has them. */
export interface LogLine {
  readonly stream: LogRecord["stream"];
  /** As written, with the machine's offset from UTC. */
  readonly stamp: string;
  /** Whether the process's line ended here. */
  readonly isWhole: boolean;
  readonly bytes: Buffer;
}

const header =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([PF]) $/;
/** Long enough for the time, the longest name and the tag. */
const headerSize = 48;
const newline = 0x0a;
const space = 0x20;

/**
 * Reads one line of the file.
 *
 * @param line with its newline
 * @returns undefined for what is none: a machine that went down may leave half of one
 */
export function parseLogLine(line: Buffer): LogLine | undefined {
  let end = -1;
  for (let spaces = 0; spaces < 3; spaces++) {
    end = line.indexOf(space, end + 1);
    if (end < 0 || end > headerSize) return undefined;
  }
  const found = header.exec(line.toString("latin1", 0, end + 1));
  const [, stamp, stream, tag] = found ?? [];
  if (stamp === undefined || (stream !== "stdout" && stream !== "stderr")) return undefined;
  const isWhole = tag === "F";
  // The newline of a part is the monitor's.
  const bytes = line.subarray(end + 1, isWhole ? undefined : line.length - 1);
  return { stream, stamp, isWhole, bytes };
}

/** RFC 3339 in UTC with nine digits of a second. */
export function utcTime(stamp: string): string {
  const [, date = "", digits = "", zone = ""] =
    /^([^.Z+]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(stamp) ?? [];
  const seconds =
    zone === "Z" || zone === "+00:00"
      ? date
      : new Date(`${date}${zone}`).toISOString().slice(0, date.length);
  return `${seconds}.${digits.padEnd(9, "0")}Z`;
}

/** Nanoseconds since 1970 of what {@link utcTime} gives. */
export function timeNs(time: string): bigint {
  const dot = time.lastIndexOf(".");
  const seconds = Date.parse(`${time.slice(0, dot)}Z`) / 1000;
  return BigInt(seconds) * 1_000_000_000n + BigInt(time.slice(dot + 1, -1));
}

/** Cuts bytes that come in pieces into lines; what has no newline yet waits for the next piece. */
export class LineCutter {
  #rest: Buffer[] = [];

  *cut(chunk: Buffer): Generator<Buffer> {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      const piece = chunk.subarray(start, end + 1);
      start = end + 1;
      if (this.#rest.length === 0) {
        yield piece;
      } else {
        const whole = Buffer.concat([...this.#rest, piece]);
        this.#rest = [];
        yield whole;
      }
    }
    if (start < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(start)));
  }
}
