// SPDX-License-Identifier: Apache-2.0

import type { LogRecord } from "./container-types.ts";

export interface LogDecorations {
  readonly timestamps: boolean;
  readonly details: boolean;
}

/** Makes what puts time and details before each line, once where a line comes in parts. */
export function logDecorator({
  timestamps,
  details,
}: LogDecorations): (record: LogRecord) => Uint8Array {
  const isInLine = { stdout: false, stderr: false };
  return ({ stream, time, bytes, isWhole }) => {
    // No label or variable goes with a line here, so that the place of the details is empty.
    const prefix = `${timestamps ? `${time} ` : ""}${details ? " " : ""}`;
    const isPrefixed = prefix !== "" && !isInLine[stream];
    isInLine[stream] = !isWhole;
    return isPrefixed ? Buffer.concat([Buffer.from(prefix), bytes]) : bytes;
  };
}
