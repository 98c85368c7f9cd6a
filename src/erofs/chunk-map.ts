// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import type { SparseRun } from "../tar/entry.ts";
import { blockSize } from "./superblock.ts";

/** Where a run of a file's data lies in the tar. */
export interface DataRun extends SparseRun {
  /** Offset in the tar. */
  readonly source: number;
}

/** How a file is cut into chunks, each of which lies in one piece somewhere, or is a hole. */
export interface ChunkPlan {
  /** Blocks of a chunk as a power of two. */
  readonly bits: number;
  readonly count: number;
  /** Chunks that are put together in the image, since their data lies in the tar otherwise. */
  readonly copied: readonly number[];
  /** Bytes that these take there: whole blocks. */
  readonly copiedSize: number;
  /** Bytes of a chunk. */
  readonly size: number;
}

/** A chunk of 1 GiB: the largest that kernels with 32-bit `unsigned long` count right. */
const plainMaxBits = 21;
/** What a format of 5 bits can say; only for sparse files, whose holes may be endless. */
const sparseMaxBits = 31;

/** Blocks of a chunk, as a power of two, of a file that lies in the tar in one piece. */
export function plainChunkBits(size: number): number {
  let bits = 0;
  while (bits < plainMaxBits && blockSize * 2 ** bits < size) bits++;
  return bits;
}

/** How many chunks such a file has. */
export function plainChunkCount(size: number): number {
  const chunkSize = blockSize * 2 ** plainMaxBits;
  return size <= chunkSize ? Math.sign(size) : Math.ceil(size / chunkSize);
}

const indexSize = 8;

/**
 * The cheapest plan of a sparse file: small chunks need many indexes, large ones have more data
 * copied into the image where a run covers only a part.
 *
 * @returns undefined where even that takes more than `maxSize` bytes
 */
export function sparseChunks(
  size: number,
  runs: readonly DataRun[],
  maxSize: number,
): ChunkPlan | undefined {
  let best: { bits: number; cost: number } | undefined;
  for (let bits = 0; bits <= sparseMaxBits; bits++) {
    const chunkSize = blockSize * 2 ** bits;
    const cost =
      Math.ceil(size / chunkSize) * indexSize + countCopied(size, runs, chunkSize) * chunkSize;
    if (best === undefined || cost < best.cost) best = { bits, cost };
    if (chunkSize >= size) break;
  }
  if (best === undefined || best.cost > maxSize) return undefined;
  const chunkSize = blockSize * 2 ** best.bits;
  const copied: number[] = [];
  eachCopied(size, runs, chunkSize, (first, last) => {
    for (let chunk = first; chunk <= last; chunk++) copied.push(chunk);
  });
  const count = Math.ceil(size / chunkSize);
  const isLastCopied = copied.at(-1) === count - 1;
  const lastSize = alignUp(size - (count - 1) * chunkSize, blockSize);
  const copiedSize = copied.length * chunkSize - (isLastCopied ? chunkSize - lastSize : 0);
  return { bits: best.bits, count, copied, copiedSize, size: chunkSize };
}

function countCopied(size: number, runs: readonly DataRun[], chunkSize: number): number {
  let count = 0;
  eachCopied(size, runs, chunkSize, (first, last) => {
    count += last - first + 1;
  });
  return count;
}

/** Calls back for each stretch of chunks that hold data but can't be mapped, in order, once each. */
function eachCopied(
  size: number,
  runs: readonly DataRun[],
  chunkSize: number,
  found: (first: number, last: number) => void,
): void {
  let next = 0;
  const take = (first: number, last: number) => {
    const start = Math.max(first, next);
    if (start > last) return;
    found(start, last);
    next = last + 1;
  };
  for (const run of runs) {
    if (run.size === 0) continue;
    const first = Math.floor(run.offset / chunkSize);
    const last = Math.floor((run.offset + run.size - 1) / chunkSize);
    const mapped = mappedChunks(run, size, chunkSize);
    if (mapped.count === 0) {
      take(first, last);
    } else {
      take(first, mapped.first - 1);
      take(mapped.first + mapped.count, last);
    }
  }
}

/** The chunks of a run that can be read from the tar as they lie there. */
export function mappedChunks(
  run: DataRun,
  fileSize: number,
  chunkSize: number,
): { readonly first: number; readonly count: number } {
  if ((run.source - run.offset) % blockSize !== 0) return { first: 0, count: 0 };
  const first = Math.ceil(run.offset / chunkSize);
  const end = run.offset + run.size;
  // What lies behind the file's end is never seen.
  const last = end === fileSize ? Math.ceil(end / chunkSize) : Math.floor(end / chunkSize);
  return { first, count: Math.max(0, last - first) };
}
