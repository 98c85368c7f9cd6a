// SPDX-License-Identifier: Apache-2.0

import { isSystemError } from "../base/errors.ts";
import { changeModeAt, changeOwnerAt, type FileTime, setTimesAt } from "../sys/file.ts";
import { getXattr, listXattrs, setXattr } from "../sys/xattr.ts";
import { type ByteString, toByteString } from "../tar/entry.ts";
import { isPortableXattr } from "./tree.ts";

/** What a file has besides its name, type and bytes. */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly modified: FileTime;
  readonly xattrs: readonly (readonly [name: ByteString, value: ByteString])[];
}

/** A name in an open folder, as a path at whose end nothing is followed. */
export function pathIn(dirFd: number, name: ByteString): Buffer {
  return Buffer.from(`/proc/self/fd/${dirFd}/${name}`, "latin1");
}

/** The attributes of a file that belong to it and not to the machine. */
export function portableXattrs(target: Buffer | number): Metadata["xattrs"] {
  const xattrs: [ByteString, ByteString][] = [];
  for (const bytes of listXattrs(target)) {
    const name = toByteString(bytes);
    const value = isPortableXattr(name) ? getXattr(target, name) : undefined;
    if (value !== undefined) xattrs.push([name, toByteString(value)]);
  }
  return xattrs;
}

/**
 * Sets everything on what has the name, be it a symlink, in the order in which nothing undoes what
 * was set before: a new owner takes setuid bits and capabilities away, a new mode changes ACLs.
 *
 * Attributes that the file system does not know are left out, as Docker does.
 */
export function setMetadata(
  dirFd: number,
  name: ByteString,
  metadata: Metadata & { readonly isSymlink: boolean },
): void {
  changeOwnerAt(dirFd, name, metadata.uid, metadata.gid);
  for (const [key, value] of metadata.xattrs) {
    try {
      setXattr(pathIn(dirFd, name), key, Buffer.from(value, "latin1"));
    } catch (error) {
      if (!isSystemError(error, "ENOTSUP") && !isSystemError(error, "EPERM")) throw error;
    }
  }
  if (!metadata.isSymlink) changeModeAt(dirFd, name, metadata.mode);
  setTimesAt(dirFd, name, { accessed: metadata.modified, modified: metadata.modified });
}
