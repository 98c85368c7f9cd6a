// SPDX-License-Identifier: Apache-2.0

/** The C library's functions that `sys` calls, bound at first use. */

import { DynamicLibrary, dlopen, type WrappedFunctionsFromDefinitions } from "node:ffi";
import { prepareErrno } from "./errno.ts";

/** Text without a NUL, or bytes that end with one; null for a null pointer. */
export type CString = string | Buffer | null;

// Strings and structs both go as "buffer": it takes text, bytes and null.
const signatures = {
  mount: { return: "i32", arguments: ["buffer", "buffer", "buffer", "u64", "buffer"] },
  umount2: { return: "i32", arguments: ["buffer", "i32"] },
  unshare: { return: "i32", arguments: ["i32"] },
  setns: { return: "i32", arguments: ["i32", "i32"] },
  fchdir: { return: "i32", arguments: ["i32"] },
  socket: { return: "i32", arguments: ["i32", "i32", "i32"] },
  connect: { return: "i32", arguments: ["i32", "buffer", "u32"] },
  bind: { return: "i32", arguments: ["i32", "buffer", "u32"] },
  listen: { return: "i32", arguments: ["i32", "i32"] },
  setsockopt: { return: "i32", arguments: ["i32", "i32", "i32", "buffer", "u32"] },
  shutdown: { return: "i32", arguments: ["i32", "i32"] },
  getsockname: { return: "i32", arguments: ["i32", "buffer", "buffer"] },
  ioctl: { return: "i32", arguments: ["i32", "u64", "buffer"] },
  poll: { return: "i32", arguments: ["buffer", "u64", "i32"] },
  flock: { return: "i32", arguments: ["i32", "i32"] },
  lseek: { return: "i64", arguments: ["i32", "i64", "i32"] },
  syncfs: { return: "i32", arguments: ["i32"] },
  openat: { return: "i32", arguments: ["i32", "buffer", "i32", "u32"] },
  mkdirat: { return: "i32", arguments: ["i32", "buffer", "u32"] },
  symlinkat: { return: "i32", arguments: ["buffer", "i32", "buffer"] },
  linkat: { return: "i32", arguments: ["i32", "buffer", "i32", "buffer", "i32"] },
  unlinkat: { return: "i32", arguments: ["i32", "buffer", "i32"] },
  renameat2: { return: "i32", arguments: ["i32", "buffer", "i32", "buffer", "u32"] },
  fchownat: { return: "i32", arguments: ["i32", "buffer", "u32", "u32", "i32"] },
  futimens: { return: "i32", arguments: ["i32", "buffer"] },
  utimensat: { return: "i32", arguments: ["i32", "buffer", "buffer", "i32"] },
  readlinkat: { return: "i64", arguments: ["i32", "buffer", "buffer", "u64"] },
  statx: { return: "i32", arguments: ["i32", "buffer", "i32", "u32", "buffer"] },
  listxattr: { return: "i64", arguments: ["buffer", "buffer", "u64"] },
  llistxattr: { return: "i64", arguments: ["buffer", "buffer", "u64"] },
  getxattr: { return: "i64", arguments: ["buffer", "buffer", "buffer", "u64"] },
  lgetxattr: { return: "i64", arguments: ["buffer", "buffer", "buffer", "u64"] },
  setxattr: { return: "i32", arguments: ["buffer", "buffer", "buffer", "u64", "i32"] },
  lsetxattr: { return: "i32", arguments: ["buffer", "buffer", "buffer", "u64", "i32"] },
  removexattr: { return: "i32", arguments: ["buffer", "buffer"] },
  lremovexattr: { return: "i32", arguments: ["buffer", "buffer"] },
  tcgetattr: { return: "i32", arguments: ["i32", "buffer"] },
  tcsetattr: { return: "i32", arguments: ["i32", "i32", "buffer"] },
  cfmakeraw: { return: "void", arguments: ["buffer"] },
  localtime_r: { return: "u64", arguments: ["buffer", "buffer"] },
  strftime: { return: "u64", arguments: ["buffer", "u64", "buffer", "buffer"] },
} as const;

type Calls = WrappedFunctionsFromDefinitions<typeof signatures>;

let calls: Calls | undefined;

/** Each function is bound when it is first asked for: that takes longer than most calls. */
export function libcCalls(): Calls {
  calls ??= bindAsNeeded();
  return calls;
}

function bindAsNeeded(): Calls {
  prepareErrno();
  const library = new DynamicLibrary(null);
  const bound = {};
  for (const [name, signature] of Object.entries(signatures)) {
    Object.defineProperty(bound, name, {
      configurable: true,
      get() {
        const value = library.getFunction(name, signature);
        Object.defineProperty(bound, name, { value });
        return value;
      },
    });
  }
  return bound as Calls;
}

function bindRaw() {
  prepareErrno();
  return dlopen(null, {
    syscall: {
      return: "i64",
      arguments: ["i64", "pointer", "pointer", "pointer", "pointer", "pointer"],
    },
  }).functions.syscall;
}

let raw: ReturnType<typeof bindRaw> | undefined;

/**
 * Calls the kernel by number, for what older C libraries have no function for.
 *
 * @param parameters up to five: pointers as {@link CString}, numbers as bigints from 0 on
 * @returns negative on failure, with the error in `lastErrno`
 */
export function rawCall(number: number, ...parameters: (CString | bigint)[]): number {
  raw ??= bindRaw();
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n] = parameters;
  return Number(raw(BigInt(number), a, b, c, d, e));
}

/** A signed number, such as AT_FDCWD, as an argument of {@link rawCall}. */
export function signed(value: number): bigint {
  return BigInt.asUintN(64, BigInt(value));
}

/**
 * Numbers of system calls.
 *
 * From 424 on they are the same on all architectures (Documentation/process/adding-syscalls.rst).
 */
export const callNumbers = {
  openTree: 428,
  moveMount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  closeRange: 436,
  openat2: 437,
  mountSetattr: 442,
  // glibc exports mknodat from 2.33 on only.
  mknodat: process.arch === "arm64" ? 33 : 259,
} as const;

/** AT_FDCWD of <fcntl.h>. */
export const workingFolder = -100;
/** AT_SYMLINK_NOFOLLOW of <fcntl.h>. */
export const noFollow = 0x100;
/** AT_EMPTY_PATH of <fcntl.h>. */
export const emptyPath = 0x1000;

/**
 * Bytes for the kernel, with the NUL at their end.
 *
 * @param name text: one character a byte, as names in a tar are
 * @throws RangeError for characters that are no byte, and for a NUL in the name
 */
export function encodeName(name: string | Buffer): Buffer {
  const end = name.length;
  const bytes = Buffer.allocUnsafe(end + 1);
  if (typeof name === "string") {
    for (let at = 0; at < end; at++) {
      const code = name.charCodeAt(at);
      if (code > 0xff) throw new RangeError(`a name of bytes has the character U+${code}`);
      bytes[at] = code;
    }
  } else {
    name.copy(bytes);
  }
  bytes[end] = 0;
  if (bytes.indexOf(0) !== end) throw new RangeError("a name has a NUL in it");
  return bytes;
}

/**
 * Text of lade's own or of a user, such as a path, for the kernel.
 *
 * @throws RangeError for a NUL in it
 */
export function encodeText(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, "utf8");
  if (bytes.indexOf(0) !== bytes.length - 1) throw new RangeError("a path has a NUL in it");
  return bytes;
}
