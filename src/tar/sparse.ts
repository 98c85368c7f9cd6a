// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { SparseRun } from "./entry.ts";
import { blockSize, numberField } from "./header.ts";
import { type PaxRecords, paxInteger } from "./pax.ts";

const numberSize = 12;
const runSize = 2 * numberSize;

/** Where the sparse map of GNU's old format lies. @see GNU tar manual, "Storing Sparse Files" */
const oldGnu = {
  runs: 386,
  runsInHeader: 4,
  isExtended: 482,
  realSize: 483,
  runsInExtension: 21,
  extensionIsExtended: 504,
} as const;

/** How many runs a map may have: as many as fit a binary map of the size that extensions may have. */
const maxRuns = Math.floor(limits.tarExtensionSize / runSize);

/** The size of a sparse file in GNU's old format, from its header. */
export function oldGnuRealSize(block: Buffer, place: () => string): number {
  return numberField(block, { offset: oldGnu.realSize, size: numberSize }, "realsize", place);
}

/** Appends the runs of a header or of an extension block; true when another extension follows. */
export function readOldGnuRuns(
  block: Buffer,
  runs: SparseRun[],
  options: { readonly isExtension: boolean; readonly place: () => string },
): boolean {
  const { isExtension, place } = options;
  const start = isExtension ? 0 : oldGnu.runs;
  const count = isExtension ? oldGnu.runsInExtension : oldGnu.runsInHeader;
  for (let index = 0; index < count; index++) {
    const at = start + index * runSize;
    if (block[at] === 0) break;
    const offset = numberField(block, { offset: at, size: numberSize }, "sparse offset", place);
    const size = numberField(
      block,
      { offset: at + numberSize, size: numberSize },
      "sparse size",
      place,
    );
    runs.push({ offset, size });
  }
  if (runs.length > maxRuns) throw tooManyRuns(place);
  return block[isExtension ? oldGnu.extensionIsExtended : oldGnu.isExtended] !== 0;
}

/** The runs of sparse formats 0.0 and 0.1, which pax records carry; undefined for other files. */
export function paxSparseRuns(records: PaxRecords, place: () => string): SparseRun[] | undefined {
  const map = records.get("GNU.sparse.map");
  if (map !== undefined) return pairUp(map === "" ? [] : map.split(","), place);
  const offsets = records.get("GNU.sparse.offset");
  const sizes = records.get("GNU.sparse.numbytes");
  if (offsets === undefined || sizes === undefined) return undefined;
  const sizeList = sizes.split(",");
  const numbers = offsets.split(",").flatMap((offset, index) => [offset, sizeList[index] ?? ""]);
  return pairUp(numbers, place);
}

/** The size of a sparse file with its holes, which 0.x and 1.0 call by different names. */
export function paxSparseSize(records: PaxRecords, place: () => string): number | undefined {
  return (
    paxInteger(records, "GNU.sparse.size", place) ??
    paxInteger(records, "GNU.sparse.realsize", place)
  );
}

/** True for sparse format 1.0, whose map is the first part of the file's data. */
export function hasMapInData(records: PaxRecords): boolean {
  return records.get("GNU.sparse.major") === "1" && records.get("GNU.sparse.minor") === "0";
}

/** A map of sparse format 1.0, whole. */
export interface DataMap {
  readonly runs: SparseRun[];
  /** Bytes of the map, padded to blocks. */
  readonly size: number;
}

/**
 * Reads a map of sparse format 1.0 block by block: the count, then offset and size of each run, one
 * number a line.
 */
export class DataMapReader {
  readonly #place: () => string;
  readonly #blocks: Buffer[] = [];
  #lines = 0;
  #wanted: number | undefined;

  constructor(place: () => string) {
    this.#place = place;
  }

  /**
   * @param block is copied
   * @returns the map once its last line has come
   */
  push(block: Buffer): DataMap | undefined {
    this.#blocks.push(Buffer.from(block));
    for (const byte of block) if (byte === newline) this.#lines++;
    this.#wanted ??= this.#readCount(block);
    return this.#lines < this.#wanted ? undefined : this.#decode(this.#wanted);
  }

  #readCount(block: Buffer): number {
    const end = block.indexOf(newline);
    if (end < 0) throw invalidRuns(this.#place);
    return 1 + 2 * runCount(block.toString("latin1", 0, end), this.#place);
  }

  #decode(wanted: number): DataMap {
    const bytes = Buffer.concat(this.#blocks);
    const numbers: string[] = [];
    let offset = 0;
    for (let line = 0; line < wanted; line++) {
      const end = bytes.indexOf(newline, offset);
      if (line > 0) numbers.push(bytes.toString("latin1", offset, end));
      offset = end + 1;
    }
    return { runs: pairUp(numbers, this.#place), size: alignUp(offset, blockSize) };
  }
}

const newline = 0x0a;

function runCount(line: string, place: () => string): number {
  if (!/^\d{1,9}$/.test(line)) throw invalidRuns(place);
  const count = Number(line);
  if (count > maxRuns) throw tooManyRuns(place);
  return count;
}

function pairUp(numbers: readonly string[], place: () => string): SparseRun[] {
  if (numbers.length > 2 * maxRuns) throw tooManyRuns(place);
  if (numbers.length % 2 !== 0) throw invalidRuns(place);
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    runs.push({
      offset: wholeNumber(numbers[index] as string, place),
      size: wholeNumber(numbers[index + 1] as string, place),
    });
  }
  return runs;
}

function wholeNumber(text: string, place: () => string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalidRuns(place);
  return value;
}

/**
 * Checks that the runs are in order, lie inside the file, and together are what is stored.
 *
 * @throws LadeError TAR_FIELD
 */
export function checkRuns(
  runs: readonly SparseRun[],
  sizes: { readonly size: number; readonly storedSize: number },
  place: () => string,
): void {
  let end = 0;
  let stored = 0;
  for (const run of runs) {
    if (run.offset < end) throw invalidRuns(place);
    end = run.offset + run.size;
    stored += run.size;
  }
  if (end > sizes.size || stored !== sizes.storedSize) throw invalidRuns(place);
}

/** The error of a map that is no map of its file. */
export function invalidRuns(place: () => string): LadeError {
  return new LadeError("TAR_FIELD", `${place()}: invalid sparse map`);
}

function tooManyRuns(place: () => string): LadeError {
  return new LadeError("LIMIT_EXCEEDED", `${place()}: sparse map has more than ${maxRuns} runs`);
}
