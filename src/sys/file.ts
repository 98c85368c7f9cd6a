// SPDX-License-Identifier: Apache-2.0

/**
 * File calls that start from an open folder and never follow a symlink at the end of a name.
 *
 * Names are bytes: a Buffer, or a string of one character a byte (`ByteString` of the tar room).
 * All throw {@link SystemError}. All descriptors close on exec.
 */

import * as fs from "node:fs";
import * as os from "node:os";
import { isSystemError } from "../base/errors.ts";
import {
  callNumbers,
  encodeName,
  encodeText,
  libcCalls,
  noFollow,
  rawCall,
  signed,
  workingFolder,
} from "./calls.ts";
import { checkCall, systemError } from "./errno.ts";
import { temporaryFileFlag } from "./libc.ts";

/** A name in bytes; a string has one character a byte. */
export type ByteName = string | Buffer;

/** O_CLOEXEC and O_PATH of <fcntl.h>, which `fs.constants` lacks. */
export const closeOnExec = 0o2000000;
/** Opens a place in the tree without opening what lies there: no permission, no side effect. */
export const pathOnly = 0o10000000;

/** Opens a name in a folder; never follows a symlink at its end. */
export function openAt(dirFd: number, name: ByteName, flags: number, mode = 0): number {
  const path = encodeName(name);
  const wanted = flags | closeOnExec | fs.constants.O_NOFOLLOW;
  const fd = libcCalls().openat(dirFd, path, wanted, mode);
  return checkCall(fd, { syscall: "openat", path });
}

// RESOLVE_* of <linux/openat2.h>.
const noMagicLinks = 0x02;
const noSymlinks = 0x04;
const beneath = 0x08;
const inRoot = 0x10;

/**
 * Opens a path as a process whose root is the folder would: `..` stops there, absolute links start
 * there. Follows symlinks, at the end too unless `O_NOFOLLOW` is given.
 *
 * @throws SystemError ELOOP for links of /proc that lead elsewhere
 */
export function openInRoot(rootFd: number, path: ByteName, flags: number, mode = 0): number {
  return openat2(rootFd, path, { flags, mode, resolve: inRoot | noMagicLinks });
}

/**
 * Opens a path that has to stay below the folder and goes through no symlink at all.
 *
 * @throws SystemError EXDEV where it leaves the folder, ELOOP for a symlink
 */
export function openBeneath(rootFd: number, path: ByteName, flags: number, mode = 0): number {
  return openat2(rootFd, path, { flags, mode, resolve: beneath | noMagicLinks | noSymlinks });
}

interface OpenHow {
  readonly flags: number;
  readonly mode: number;
  readonly resolve: number;
}

function openat2(rootFd: number, path: ByteName, how: OpenHow): number {
  const name = encodeName(path);
  // struct open_how: flags, mode, resolve; the kernel refuses a mode that nothing uses.
  const struct = Buffer.alloc(24);
  struct.writeBigUInt64LE(BigInt(how.flags | closeOnExec), 0);
  struct.writeBigUInt64LE(BigInt(how.mode), 8);
  struct.writeBigUInt64LE(BigInt(how.resolve), 16);
  for (let tries = 0; ; tries++) {
    const fd = rawCall(callNumbers.openat2, signed(rootFd), name, struct, 24n);
    try {
      return checkCall(fd, { syscall: "openat2", path: name });
    } catch (error) {
      // The kernel gives up where `..` meets a rename somewhere else: openat2(2) says try again.
      if (!isSystemError(error, "EAGAIN") || tries === 128) throw error;
    }
  }
}

export function makeFolderAt(dirFd: number, name: ByteName, mode: number): void {
  const path = encodeName(name);
  checkCall(libcCalls().mkdirat(dirFd, path, mode), { syscall: "mkdirat", path });
}

export interface NodeKind {
  readonly type: "fifo" | "character" | "block" | "socket" | "file";
  /** Permission bits; the umask takes some away. */
  readonly mode: number;
  readonly major?: number;
  readonly minor?: number;
}

const typeBits = {
  fifo: fs.constants.S_IFIFO,
  character: fs.constants.S_IFCHR,
  block: fs.constants.S_IFBLK,
  socket: fs.constants.S_IFSOCK,
  file: fs.constants.S_IFREG,
};

/** Makes a fifo, a device, a socket's name or an empty file. */
export function makeNodeAt(dirFd: number, name: ByteName, kind: NodeKind): void {
  const path = encodeName(name);
  const device = deviceNumber(kind.major ?? 0, kind.minor ?? 0);
  const mode = BigInt(typeBits[kind.type] + kind.mode);
  const result = rawCall(callNumbers.mknodat, signed(dirFd), path, mode, device);
  checkCall(result, { syscall: "mknodat", path });
}

/** The kernel's form: 12 bits major and 20 bits minor, the upper bits of the minor at the top. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)];
  return (low & 0xffn) | ((high & 0xfffn) << 8n) | ((low & 0xfff00n) << 12n);
}

export function symlinkAt(target: ByteName, dirFd: number, name: ByteName): void {
  const [from, path] = [encodeName(target), encodeName(name)];
  checkCall(libcCalls().symlinkat(from, dirFd, path), {
    syscall: "symlinkat",
    path: from,
    dest: path,
  });
}

/** Gives a file another name; a symlink gets one itself and is not followed. */
export function linkAt(oldFd: number, oldName: ByteName, newFd: number, newName: ByteName): void {
  const [path, dest] = [encodeName(oldName), encodeName(newName)];
  const result = libcCalls().linkat(oldFd, path, newFd, dest, 0);
  checkCall(result, { syscall: "linkat", path, dest });
}

// AT_SYMLINK_FOLLOW of <fcntl.h>.
const followSymlink = 0x400;

/**
 * Makes a file without a name in a folder, which vanishes unless {@link nameFileAt} gives it one.
 *
 * @returns undefined where the file system has none
 */
export function openUnnamedAt(dirFd: number, mode: number): number | undefined {
  try {
    return openAt(
      dirFd,
      ".",
      fs.constants.O_WRONLY | fs.constants.O_DIRECTORY | temporaryFileFlag,
      mode,
    );
  } catch (error) {
    if (isSystemError(error, "EOPNOTSUPP") || isSystemError(error, "ENOTSUP")) return undefined;
    // Kernels before 3.11 know of none.
    if (isSystemError(error, "EISDIR")) return undefined;
    throw error;
  }
}

/** Gives an open file without a name one, which must be free. */
export function nameFileAt(fd: number, dirFd: number, name: ByteName): void {
  const [path, dest] = [encodeText(`/proc/self/fd/${fd}`), encodeName(name)];
  const result = libcCalls().linkat(workingFolder, path, dirFd, dest, followSymlink);
  checkCall(result, { syscall: "linkat", path, dest });
}

// AT_REMOVEDIR of <fcntl.h>.
const removeFolder = 0x200;

export function unlinkAt(dirFd: number, name: ByteName): void {
  const path = encodeName(name);
  checkCall(libcCalls().unlinkat(dirFd, path, 0), { syscall: "unlinkat", path });
}

export function removeFolderAt(dirFd: number, name: ByteName): void {
  const path = encodeName(name);
  checkCall(libcCalls().unlinkat(dirFd, path, removeFolder), { syscall: "unlinkat", path });
}

// RENAME_* of <linux/fs.h>.
const renameFlags = { replace: 0, "no-replace": 1, exchange: 2 };

export interface RenameNames {
  readonly oldFd: number;
  readonly oldName: ByteName;
  readonly newFd: number;
  readonly newName: ByteName;
  /** What to do where the new name is there; `replace` where undefined. */
  readonly existing?: keyof typeof renameFlags;
}

export function renameAt(names: RenameNames): void {
  const [path, dest] = [encodeName(names.oldName), encodeName(names.newName)];
  const flags = renameFlags[names.existing ?? "replace"];
  const result = libcCalls().renameat2(names.oldFd, path, names.newFd, dest, flags);
  checkCall(result, { syscall: "renameat2", path, dest });
}

/** Changes the owner of what has the name, be it a symlink. This takes setuid bits away. */
export function changeOwnerAt(dirFd: number, name: ByteName, uid: number, gid: number): void {
  const path = encodeName(name);
  const result = libcCalls().fchownat(dirFd, path, uid, gid, noFollow);
  checkCall(result, { syscall: "fchownat", path });
}

/**
 * Changes permission bits with setuid, setgid and sticky.
 *
 * @throws SystemError ELOOP for a symlink, which has no permissions of its own
 */
export function changeModeAt(dirFd: number, name: ByteName, mode: number): void {
  // fchmodat(2) always follows, so the way is through a descriptor of the path itself.
  const fd = openAt(dirFd, name, pathOnly);
  try {
    if (fs.fstatSync(fd).isSymbolicLink()) {
      throw systemError(os.constants.errno.ELOOP, { syscall: "fchmodat", path: encodeName(name) });
    }
    fs.chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    fs.closeSync(fd);
  }
}

/** A time since the epoch; seconds are rounded down and may be negative. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

export interface FileTimes {
  readonly accessed: FileTime;
  readonly modified: FileTime;
}

/** Sets the times of what has the name, be it a symlink. */
export function setTimesAt(dirFd: number, name: ByteName, times: FileTimes): void {
  const path = encodeName(name);
  const result = libcCalls().utimensat(dirFd, path, encodeTimes(times), noFollow);
  checkCall(result, { syscall: "utimensat", path });
}

/** Sets the times of an open file or folder, which was not opened as a path only. */
export function setTimes(fd: number, times: FileTimes): void {
  checkCall(libcCalls().futimens(fd, encodeTimes(times)), { syscall: "futimens" });
}

/** Two of struct timespec. */
function encodeTimes({ accessed, modified }: FileTimes): Buffer {
  const struct = Buffer.alloc(32);
  struct.writeBigInt64LE(BigInt(accessed.seconds), 0);
  struct.writeBigInt64LE(BigInt(accessed.nanoseconds), 8);
  struct.writeBigInt64LE(BigInt(modified.seconds), 16);
  struct.writeBigInt64LE(BigInt(modified.nanoseconds), 24);
  return struct;
}

const pathMax = 4096;

/** The target of a symlink, as bytes. */
export function readLinkAt(dirFd: number, name: ByteName): Buffer {
  const path = encodeName(name);
  const target = Buffer.alloc(pathMax);
  const size = Number(libcCalls().readlinkat(dirFd, path, target, BigInt(pathMax)));
  checkCall(size, { syscall: "readlinkat", path });
  return target.subarray(0, size);
}

/** The names in an open folder, as strings of one character a byte, in no order. */
export function listFolder(dirFd: number): string[] {
  return fs.readdirSync(`/proc/self/fd/${dirFd}`, { encoding: "latin1" });
}

/** Writes all of the file system of a descriptor to the disk. */
export function syncFileSystem(fd: number): void {
  checkCall(libcCalls().syncfs(fd), { syscall: "syncfs" });
}
