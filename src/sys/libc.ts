// SPDX-License-Identifier: Apache-2.0

/**
 * The system calls that Node lacks, through `node:ffi`.
 *
 * The few that every command needs; `calls.ts` has the rest. Each function says what it answers on
 * failure.
 */

import { dlopen } from "node:ffi";
import { checkCall, prepareErrno } from "./errno.ts";

interface Libc {
  flock(fd: number, operation: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  lseek(fd: number, offset: bigint, whence: number): bigint;
  ioctl(fd: number, request: bigint, argument: Uint8Array): number;
  posix_fadvise(fd: number, offset: bigint, size: bigint, advice: number): number;
  linkat(oldFd: number, oldPath: string, newFd: number, newPath: string, flags: number): number;
}

let loaded: Libc | undefined;

function libc(): Libc {
  loaded ??= dlopen(null, {
    flock: { return: "i32", arguments: ["i32", "i32"] },
    fcntl: { return: "i32", arguments: ["i32", "i32", "i32"] },
    lseek: { return: "i64", arguments: ["i32", "i64", "i32"] },
    ioctl: { return: "i32", arguments: ["i32", "u64", "buffer"] },
    posix_fadvise: { return: "i32", arguments: ["i32", "i64", "i64", "i32"] },
    linkat: { return: "i32", arguments: ["i32", "string", "i32", "string", "i32"] },
  }).functions as unknown as Libc;
  return loaded;
}

// LOCK_EX and LOCK_NB of <sys/file.h>, added since they share no bit.
const lockExclusiveNoWait = 2 + 4;

/**
 * Takes an exclusive lock on an open file, without waiting.
 *
 * The kernel drops it when the last descriptor closes, so also after `kill -9`.
 *
 * @returns false when someone else holds it
 */
export function tryLock(fd: number): boolean {
  return libc().flock(fd, lockExclusiveNoWait) === 0;
}

// F_SETPIPE_SZ of <linux/fcntl.h>.
const setPipeSize = 1031;

/**
 * Asks for a larger buffer of a pipe, so that one read moves more than 64 KiB.
 *
 * @param size bytes; unprivileged processes get at most /proc/sys/fs/pipe-max-size
 * @returns false for what is no pipe or where the limit forbids it; the pipe works all the same
 */
export function growPipe(fd: number, size: number): boolean {
  return process.platform === "linux" && libc().fcntl(fd, setPipeSize, size) >= 0;
}

const seekCurrent = 1;
const seekSet = 0;

/** The position that plain reads and writes of this descriptor use; undefined for a pipe. */
export function filePosition(fd: number): number | undefined {
  const position = libc().lseek(fd, 0n, seekCurrent);
  return position < 0n ? undefined : Number(position);
}

/** Moves that position, so that the next program that shares the descriptor goes on from there. */
export function setFilePosition(fd: number, offset: number): void {
  libc().lseek(fd, BigInt(offset), seekSet);
}

// AT_FDCWD and AT_SYMLINK_FOLLOW of <fcntl.h>.
const atWorkingFolder = -100;
const followSymlink = 0x400;

/**
 * Gives a file that was opened with O_TMPFILE its first name.
 *
 * @param path must not exist
 * @returns false when that failed
 */
export function linkOpenFile(fd: number, path: string): boolean {
  const self = `/proc/self/fd/${fd}`;
  return libc().linkat(atWorkingFolder, self, atWorkingFolder, path, followSymlink) === 0;
}

/**
 * As {@link linkOpenFile}, where the name must be free.
 *
 * @throws SystemError
 */
export function nameOpenFile(fd: number, path: string): void {
  prepareErrno();
  checkCall(linkOpenFile(fd, path) ? 0 : -1, { syscall: "linkat", path });
}

/** O_TMPFILE of <fcntl.h> without the O_DIRECTORY that belongs to it. */
export const temporaryFileFlag = 0o20000000;

// FIONREAD of <asm-generic/ioctls.h>, the same on x86-64 and arm64.
const bytesToRead = 0x541bn;
const answer: Buffer = Buffer.alloc(4);

/** How many bytes a read of this pipe or socket would give at once; 0 where it would wait. */
export function bytesWaiting(fd: number): number {
  return libc().ioctl(fd, bytesToRead, answer) === 0 ? answer.readInt32LE(0) : 0;
}

// POSIX_FADV_WILLNEED of <fcntl.h>.
const willNeed = 3;

/** Has the kernel start reading a part of a file that is wanted soon; it does not wait. */
export function readAhead(fd: number, offset: number, size: number): void {
  if (process.platform !== "linux") return;
  libc().posix_fadvise(fd, BigInt(offset), BigInt(size), willNeed);
}
