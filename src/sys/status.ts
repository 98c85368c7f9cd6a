// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";
import { emptyPath, encodeName, encodeText, libcCalls, noFollow, workingFolder } from "./calls.ts";
import { checkCall } from "./errno.ts";
import type { ByteName, FileTime } from "./file.ts";

export type FileType = "file" | "directory" | "symlink" | "character" | "block" | "fifo" | "socket";

/** What statx(2) says on a file. */
export interface FileStatus {
  readonly type: FileType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: bigint;
  readonly size: number;
  /** Bytes that the file takes on the disk. */
  readonly stored: number;
  readonly modified: FileTime;
  readonly changed: FileTime;
  /** The device that the file lies on, as `major:minor`. */
  readonly device: string;
  /** What a device node stands for; 0 for all else. */
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Whether something is mounted here; undefined where the kernel (before 5.8) does not tell. */
  readonly mountRoot: boolean | undefined;
}

const types: Readonly<Record<number, FileType>> = {
  [fs.constants.S_IFREG]: "file",
  [fs.constants.S_IFDIR]: "directory",
  [fs.constants.S_IFLNK]: "symlink",
  [fs.constants.S_IFCHR]: "character",
  [fs.constants.S_IFBLK]: "block",
  [fs.constants.S_IFIFO]: "fifo",
  [fs.constants.S_IFSOCK]: "socket",
};

// STATX_BASIC_STATS and STATX_ATTR_MOUNT_ROOT of <linux/stat.h>, AT_NO_AUTOMOUNT of <fcntl.h>.
const basicStats = 0x7ff;
const mountRootAttribute = 0x2000n;
const noAutomount = 0x800;
const structSize = 256;

/** The status of a name in a folder; of a symlink, its own. */
export function statusAt(dirFd: number, name: ByteName): FileStatus {
  return status(dirFd, encodeName(name), noFollow | noAutomount);
}

/** As {@link statusAt}, undefined for what is not there. */
export function statusAtIfThere(dirFd: number, name: ByteName): FileStatus | undefined {
  try {
    return statusAt(dirFd, name);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The status of an open file, also of one that was opened as a path only. */
export function statusOf(fd: number): FileStatus {
  return status(fd, encodeText(""), emptyPath);
}

/** The status of a path of lade's own; of a symlink, its own. */
export function statusOfPath(path: string): FileStatus {
  return status(workingFolder, encodeText(path), noFollow | noAutomount);
}

function status(dirFd: number, path: Buffer, flags: number): FileStatus {
  const struct = Buffer.alloc(structSize);
  const result = libcCalls().statx(dirFd, path, flags, basicStats, struct);
  checkCall(result, { syscall: "statx", path });
  return decodeStatus(struct);
}

/** struct statx of <linux/stat.h>. */
function decodeStatus(struct: Buffer): FileStatus {
  const mode = struct.readUInt16LE(28);
  const attributes = struct.readBigUInt64LE(8);
  const known = struct.readBigUInt64LE(56);
  const type = types[mode & fs.constants.S_IFMT];
  if (type === undefined) throw new Error(`statx: unknown file type in mode ${mode}`);
  return {
    type,
    mode: mode & 0o7777,
    links: struct.readUInt32LE(16),
    uid: struct.readUInt32LE(20),
    gid: struct.readUInt32LE(24),
    inode: struct.readBigUInt64LE(32),
    size: Number(struct.readBigUInt64LE(40)),
    stored: Number(struct.readBigUInt64LE(48)) * 512,
    changed: decodeTime(struct, 96),
    modified: decodeTime(struct, 112),
    deviceMajor: struct.readUInt32LE(128),
    deviceMinor: struct.readUInt32LE(132),
    device: `${struct.readUInt32LE(136)}:${struct.readUInt32LE(140)}`,
    mountRoot:
      (known & mountRootAttribute) === 0n ? undefined : (attributes & mountRootAttribute) !== 0n,
  };
}

function decodeTime(struct: Buffer, offset: number): FileTime {
  return {
    seconds: Number(struct.readBigInt64LE(offset)),
    nanoseconds: struct.readUInt32LE(offset + 8),
  };
}
