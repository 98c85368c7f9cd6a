// SPDX-License-Identifier: Apache-2.0

/** Owner, mode, xattrs and times of an unpacked file, in the order in which none undoes another. */

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import type { NodeFacts } from "../erofs/node-facts.ts";
import * as file from "../sys/file.ts";
import { setXattr, type XattrTarget } from "../sys/xattr.ts";
import type { ByteString } from "../tar/entry.ts";

/** A file or folder that is open; a folder when it is full, since what is made in it changes its time. */
export function describeOpen(facts: NodeFacts, fd: number): void {
  // A new owner takes setuid bits and capabilities away, so both come after it.
  fs.fchownSync(fd, facts.uid, facts.gid);
  setXattrs(facts, fd);
  fs.fchmodSync(fd, facts.mode);
  file.setTimes(fd, times(facts));
}

/** What can't be opened without effects: symlinks, devices, fifos. */
export function describeName(facts: NodeFacts, dirFd: number, name: ByteString): void {
  file.changeOwnerAt(dirFd, name, facts.uid, facts.gid);
  const prefix = Buffer.from(`/proc/self/fd/${dirFd}/`);
  setXattrs(facts, Buffer.concat([prefix, Buffer.from(name, "latin1")]));
  if (facts.type !== "symlink") file.changeModeAt(dirFd, name, facts.mode);
  file.setTimesAt(dirFd, name, times(facts));
}

function setXattrs({ xattrs }: NodeFacts, target: XattrTarget): void {
  for (const [name, value] of xattrs) {
    try {
      setXattr(target, name, Buffer.from(value, "latin1"));
    } catch (error) {
      // As Docker: a file system without attributes still holds the files.
      if (!isSystemError(error, "ENOTSUP")) throw error;
    }
  }
}

function times({ mtimeSeconds, mtimeNanoseconds }: NodeFacts): file.FileTimes {
  const modified = { seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds };
  return { accessed: modified, modified };
}
