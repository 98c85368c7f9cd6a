// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { aclAccess, aclDefault, type Xattr } from "./xattrs.ts";

const headerSize = 12;
const entryHeaderSize = 4;
const unit = 4;
/** The inode counts its xattrs in 16 bits: one for the header, one for each 4 bytes of entries. */
export const xattrBodyMax: number = headerSize + unit * (0xffff - 1);

/** How overlayfs knows a folder that hides what lies below it. */
export const opaqueXattr: Xattr = ["trusted.overlay.opaque", "y"];

const prefixes: readonly (readonly [prefix: string, index: number])[] = [
  ["user.", 1],
  [aclAccess, 2],
  [aclDefault, 3],
  ["trusted.", 4],
  ["security.", 6],
];

function splitName(name: string): readonly [rest: string, index: number] {
  const found = prefixes.find(([prefix]) => name.startsWith(prefix));
  if (found === undefined) throw new Error(`xattr ${name} is of no kind that EROFS has`);
  return [name.slice(found[0].length), found[1]];
}

/** Bytes that xattrs take behind their inode, where `xattrBodyMax` fit. */
export function xattrBodySize(xattrs: readonly Xattr[]): number {
  let size = headerSize;
  for (const [name, value] of xattrs) {
    size += alignUp(entryHeaderSize + splitName(name)[0].length + value.length, unit);
  }
  return size;
}

/** What the inode says of the size of its xattrs. */
export function xattrCount(bodySize: number): number {
  return bodySize === 0 ? 0 : (bodySize - headerSize) / unit + 1;
}

/** Writes xattrs behind their inode, where all is zero. */
export function writeXattrBody(image: Buffer, start: number, xattrs: readonly Xattr[]): void {
  let at = start + headerSize;
  for (const [name, value] of xattrs) {
    const [rest, index] = splitName(name);
    image[at] = rest.length;
    image[at + 1] = index;
    image.writeUInt16LE(value.length, at + 2);
    image.write(rest, at + entryHeaderSize, "latin1");
    image.write(value, at + entryHeaderSize + rest.length, "latin1");
    at += alignUp(entryHeaderSize + rest.length + value.length, unit);
  }
}
