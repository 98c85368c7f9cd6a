// SPDX-License-Identifier: Apache-2.0

import type { SparseRun } from "../tar/entry.ts";
import type { DataRun } from "./chunk-map.ts";

/**
 * The runs of a sparse file with their places in the tar, where they lie behind each other.
 *
 * @returns undefined where the runs are not in order or leave the file
 */
export function dataRuns(
  runs: readonly SparseRun[],
  fileSize: number,
  source: number,
): DataRun[] | undefined {
  const joined: { offset: number; size: number; source: number }[] = [];
  let end = 0;
  let place = source;
  for (const { offset, size } of runs) {
    if (!(offset >= end && offset + size <= fileSize)) return undefined;
    const last = joined.at(-1);
    if (last !== undefined && last.offset + last.size === offset) last.size += size;
    else if (size > 0) joined.push({ offset, size, source: place });
    end = offset + size;
    place += size;
  }
  return joined;
}
