// SPDX-License-Identifier: Apache-2.0

import { isSystemError } from "../base/errors.ts";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";

/** A run of a file that lies on the disk; what is between runs reads as zeros. */
export interface DataRun {
  readonly offset: number;
  readonly size: number;
}

// <unistd.h>.
const seekData = 3;
const seekHole = 4;

/**
 * Where an open file has data, in order, up to a size. A file system that knows no holes has one run.
 *
 * @throws SystemError
 */
export function* dataRuns(fd: number, size: number): Generator<DataRun> {
  for (let at = 0; at < size; ) {
    const offset = seek(fd, at, seekData);
    // There is nothing but a hole behind.
    if (offset === undefined || offset >= size) return;
    const end = Math.min(seek(fd, offset, seekHole) ?? size, size);
    yield { offset, size: end - offset };
    at = end;
  }
}

/** @returns undefined where there is nothing of the kind up to the end */
function seek(fd: number, offset: number, whence: number): number | undefined {
  try {
    const found = Number(libcCalls().lseek(fd, BigInt(offset), whence));
    return checkCall(found, { syscall: "lseek" });
  } catch (error) {
    if (isSystemError(error, "ENXIO")) return undefined;
    if (isSystemError(error, "EINVAL")) return whence === seekData ? offset : undefined;
    throw error;
  }
}
