// SPDX-License-Identifier: Apache-2.0

/**
 * Failed system calls as the errors that Node throws for its own.
 *
 * `errno` is read from the thread's own variable in memory, without a call in between that could
 * change it: V8 runs nothing of ours between the call's return and that read.
 */

import { dlopen, toArrayBuffer } from "node:ffi";
import { getSystemErrorMap } from "node:util";

/** What Node's own file calls throw; `ioError` and `isSystemError` understand it. */
export interface SystemError extends Error {
  /** Such as `ENOENT`. */
  readonly code: string;
  /** The negative error number, as Node has it. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
  readonly dest?: string;
}

export interface FailedCall {
  readonly syscall: string;
  readonly path?: string | Buffer | undefined;
  readonly dest?: string | Buffer | undefined;
  /** What the kernel said beside the number. */
  readonly detail?: string | undefined;
}

/** What mounts and file systems say and Node has no name for. @see <asm-generic/errno.h> */
const otherErrors: Readonly<Record<number, readonly [code: string, text: string]>> = {
  15: ["ENOTBLK", "block device required"],
  74: ["EBADMSG", "bad message"],
  116: ["ESTALE", "stale file handle"],
  117: ["EUCLEAN", "structure needs cleaning"],
};

let variable: Int32Array | undefined;

function errnoVariable(): Int32Array {
  if (variable === undefined) {
    const { functions } = dlopen(null, {
      // One for each thread: modules are loaded once a thread, so each has its own here.
      __errno_location: { return: "pointer", arguments: [] },
    });
    const locate = functions.__errno_location as unknown as () => bigint;
    variable = new Int32Array(toArrayBuffer(locate(), 4, false));
  }
  return variable;
}

/** Has the next failing call find `errno` at once; to be called before the first call. */
export function prepareErrno(): void {
  errnoVariable();
}

/** The error number of the call that has just failed on this thread. */
export function lastErrno(): number {
  return errnoVariable()[0] ?? 0;
}

/**
 * The error for an error number.
 *
 * @param errno positive, as <errno.h> has it
 */
export function systemError(errno: number, call: FailedCall): SystemError {
  const [code, text] = getSystemErrorMap().get(-errno) ??
    otherErrors[errno] ?? [`E${errno}`, "unknown error"];
  const path = textOf(call.path);
  const dest = textOf(call.dest);
  let message = `${code}: ${text}, ${call.syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  if (call.detail) message += ` (${call.detail})`;
  return Object.assign(new Error(message), {
    code,
    errno: -errno,
    syscall: call.syscall,
    ...(path === undefined ? {} : { path }),
    ...(dest === undefined ? {} : { dest }),
  });
}

/**
 * Passes on what a call returned, unless that is negative.
 *
 * @throws SystemError
 */
export function checkCall(result: number, call: FailedCall): number {
  if (result >= 0) return result;
  throw systemError(lastErrno(), call);
}

function textOf(path: string | Buffer | undefined): string | undefined {
  return Buffer.isBuffer(path) ? path.toString("utf8").replace(/\0$/, "") : path;
}
