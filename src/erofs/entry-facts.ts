// SPDX-License-Identifier: Apache-2.0

/** What an entry says of its node, checked against what Linux and EROFS can hold. */

import { LadeError } from "../base/errors.ts";
import { type ByteString, byteStringToText, type TarEntry } from "../tar/entry.ts";
import { two32 } from "./node-table.ts";
import { opaqueXattr, xattrBodyMax, xattrBodySize } from "./xattr-body.ts";
import { keptXattrs, mergeXattrs, type Xattr } from "./xattrs.ts";

/** Names the layer and the entry, for errors. */
export type Place = () => string;

/** NAME_MAX of <linux/limits.h>. */
export const nameMax = 255;
/** PATH_MAX of <linux/limits.h>, less the NUL behind a path. */
const targetMax = 4095;
/** 2^32 - 1 is "no owner" to the kernel. */
const idMax = 2 ** 32 - 2;
/** Data in a tar starts at whole blocks. */
const blockSize = 512;

export function quoted(path: ByteString): string {
  return JSON.stringify(byteStringToText(path));
}

export function checkOwner({ uid, gid }: TarEntry, place: Place): void {
  if (uid <= idMax && gid <= idMax) return;
  throw tooMuch(`${place()}: owner ${uid}:${gid}, expected at most ${idMax}`);
}

/** The block of the tar where a file's data starts. */
export function dataBlock(entry: TarEntry, place: Place): number {
  const { size, storedSize, dataOffset, sparse } = entry;
  const block = dataOffset / blockSize;
  const isSound = block >= 0 && Number.isInteger(block) && Number.isSafeInteger(size);
  if (!isSound || (sparse === undefined && size !== storedSize)) {
    throw invalid(`${place()} has its data at byte ${dataOffset}, which is no place for it`);
  }
  if (block < two32) return block;
  throw new LadeError(
    "UNSUPPORTED",
    `${place()}: at byte ${dataOffset}, expected less than ${two32 * blockSize}`,
  );
}

export function checkTarget(target: ByteString, place: Place): void {
  if (target === "") throw invalid(`${place()} is a symlink to nothing`);
  if (target.includes("\0")) throw invalid(`${place()} is a symlink to a name with a NUL byte`);
  if (target.length <= targetMax) return;
  throw tooMuch(
    `${place()}: symlink target of ${target.length} bytes, expected at most ${targetMax}`,
  );
}

/** A device number in the kernel's 32-bit form: 12 bits of major within 20 of minor. */
export function deviceNumber({ deviceMajor, deviceMinor }: TarEntry, place: Place): number {
  if (deviceMajor < 2 ** 12 && deviceMinor < 2 ** 20) {
    const low = deviceMinor % 256;
    return low + deviceMajor * 256 + (deviceMinor - low) * 4096;
  }
  throw tooMuch(`${place()}: device ${deviceMajor}:${deviceMinor}, expected at most 4095:1048575`);
}

/** The xattrs of a file of this mode that had some before and gets more. */
export function addedXattrs(
  earlier: readonly Xattr[] | undefined,
  entry: TarEntry,
  { mode, place }: { readonly mode: number; readonly place: Place },
): Xattr[] {
  const kept = keptXattrs(mergeXattrs(earlier ?? [], entry.xattrs), mode);
  if (!Array.isArray(kept)) throw new LadeError(kept.code, `${place()}: ${kept.message}`);
  const size = xattrBodySize([...kept, opaqueXattr]);
  if (size <= xattrBodyMax) return kept;
  throw tooMuch(`${place()}: xattrs of ${size} bytes, expected at most ${xattrBodyMax}`);
}

export function tooLongName(path: ByteString, place: Place): LadeError {
  const size = Math.max(...path.split("/").map((part) => part.length));
  return tooMuch(`${place()}: name of ${size} bytes, expected at most ${nameMax}`);
}

export function invalid(message: string): LadeError {
  return new LadeError("LAYER_INVALID", message);
}

function tooMuch(message: string): LadeError {
  return new LadeError("LIMIT_EXCEEDED", message, { hint: "Linux takes no more." });
}
