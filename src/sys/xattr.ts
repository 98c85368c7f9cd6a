// SPDX-License-Identifier: Apache-2.0

/** Extended attributes of files; names and values are bytes. */

import { isSystemError } from "../base/errors.ts";
import { encodeName, encodeText, libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import type { ByteName } from "./file.ts";

/**
 * Which file: a path (a symlink at its end is the file), or an open descriptor, also one that was
 * opened as a path only, be it of a symlink.
 */
export type XattrTarget = string | Buffer | number;

interface Place {
  readonly path: Buffer;
  readonly open: boolean;
}

function placeOf(target: XattrTarget): Place {
  // f*xattr(2) refuse descriptors of paths only; through /proc the link leads to the file itself.
  if (typeof target === "number")
    return { path: encodeText(`/proc/self/fd/${target}`), open: true };
  const path = typeof target === "string" ? encodeText(target) : encodeName(target);
  return { path, open: false };
}

const firstSize = 1024;

/** Has a call fill a buffer, with a larger one where that is too small. */
function readAll(place: Place, syscall: string, read: (buffer: Buffer) => bigint): Buffer {
  // XATTR_SIZE_MAX and XATTR_LIST_MAX of <linux/limits.h> are 64 KiB.
  for (const size of [firstSize, 65_536]) {
    const buffer = Buffer.allocUnsafe(size);
    const filled = Number(read(buffer));
    if (filled >= 0) return buffer.subarray(0, filled);
    if (size > firstSize) checkCall(filled, { syscall, path: place.path });
    try {
      checkCall(filled, { syscall, path: place.path });
    } catch (error) {
      if (!isSystemError(error, "ERANGE")) throw error;
    }
  }
  throw new Error("not reached");
}

/** The names of a file's attributes; none where the file system has no attributes. */
export function listXattrs(target: XattrTarget): Buffer[] {
  const place = placeOf(target);
  const { listxattr, llistxattr } = libcCalls();
  const list = place.open ? listxattr : llistxattr;
  let names: Buffer;
  try {
    names = readAll(place, "listxattr", (buffer) =>
      list(place.path, buffer, BigInt(buffer.length)),
    );
  } catch (error) {
    if (isSystemError(error, "ENOTSUP")) return [];
    throw error;
  }
  const found: Buffer[] = [];
  for (let start = 0; start < names.length; ) {
    const end = names.indexOf(0, start);
    found.push(names.subarray(start, end));
    start = end + 1;
  }
  return found;
}

/** The value of an attribute, undefined where the file has none of that name. */
export function getXattr(target: XattrTarget, name: ByteName): Buffer | undefined {
  const place = placeOf(target);
  const { getxattr, lgetxattr } = libcCalls();
  const get = place.open ? getxattr : lgetxattr;
  const bytes = encodeName(name);
  try {
    return readAll(place, "getxattr", (buffer) =>
      get(place.path, bytes, buffer, BigInt(buffer.length)),
    );
  } catch (error) {
    if (isSystemError(error, "ENODATA") || isSystemError(error, "ENOTSUP")) return undefined;
    throw error;
  }
}

export function setXattr(target: XattrTarget, name: ByteName, value: Buffer): void {
  const { path, open } = placeOf(target);
  const { setxattr, lsetxattr } = libcCalls();
  const set = open ? setxattr : lsetxattr;
  const result = set(path, encodeName(name), value, BigInt(value.length), 0);
  checkCall(result, { syscall: "setxattr", path });
}

/** Takes an attribute away; does nothing where the file has none of that name. */
export function removeXattr(target: XattrTarget, name: ByteName): void {
  const { path, open } = placeOf(target);
  const { removexattr, lremovexattr } = libcCalls();
  const remove = open ? removexattr : lremovexattr;
  try {
    checkCall(remove(path, encodeName(name)), { syscall: "removexattr", path });
  } catch (error) {
    if (!isSystemError(error, "ENODATA")) throw error;
  }
}
