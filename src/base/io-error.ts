// SPDX-License-Identifier: Apache-2.0

import { type ErrorCode, isLadeError, LadeError, messageOf } from "./errors.ts";

const codes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ["DISK_FULL", "Free some space or use another disk, then run the command again."],
  EDQUOT: ["DISK_FULL", "Your disk quota is used up: free some space, then run the command again."],
  EFBIG: ["DISK_FULL", "The file is larger than this file system or `ulimit -f` allows."],
  EACCES: ["STORE_DENIED", "Run as the user who owns it, or choose another folder with --root."],
  EPERM: ["STORE_DENIED", "Run as the user who owns it, or choose another folder with --root."],
  EROFS: ["STORE_DENIED", "The file system is read-only: choose another folder."],
  EPIPE: ["PIPE_CLOSED", "The program that reads the output stopped before its end."],
  EMFILE: ["IO_FAILED", "Raise the limit on open files (`ulimit -n`)."],
  ENFILE: ["IO_FAILED", "The machine has no open files left: close some programs."],
};

/**
 * The error of a system call, told as one of lade's: which work failed, why, and what to do.
 *
 * Everything else passes through as it is: errors of lade's, and plain ones, which are bugs and
 * would look like a broken disk.
 *
 * @param work what was being done, such as `write blob sha256:…`
 */
export function ioError(error: unknown, work: string): Error {
  const systemCode = systemCodeOf(error);
  if (systemCode === undefined) return error instanceof Error ? error : new Error(String(error));
  const [code, hint] = codes[systemCode] ?? ["IO_FAILED", undefined];
  return new LadeError(code, `${work}: ${explain(error, systemCode)}`, { hint, cause: error });
}

/** `ENOENT`, where Node's own codes begin with `ERR_`; undefined for what is no system call's. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || isLadeError(error) || !("code" in error)) return undefined;
  const code = String(error.code);
  if (/^E[A-Z0-9]+$/.test(code)) return code;
  // What Node's `rm` has no name for, such as EIO and EBUSY, comes without a code.
  return code === "" && "syscall" in error ? "EUNKNOWN" : undefined;
}

/**
 * What the machine may do to any call, whatever it was about: then nobody made a mistake.
 *
 * @returns undefined for any other error
 */
export function machineError(error: unknown): LadeError | undefined {
  const systemCode = systemCodeOf(error);
  if (systemCode === undefined || !machineCodes.has(systemCode)) return undefined;
  const { syscall, path } = error as NodeJS.ErrnoException;
  const told = ioError(
    error,
    path === undefined ? (syscall ?? "input/output") : `${syscall} ${path}`,
  );
  return isLadeError(told) ? told : undefined;
}

const machineCodes: ReadonlySet<string> = new Set([
  "EUNKNOWN",
  "EIO",
  "ENOSPC",
  "EDQUOT",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "EAGAIN",
  "EROFS",
]);

const texts: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on device",
  EDQUOT: "disk quota exceeded",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "read-only file system",
  EPIPE: "broken pipe",
  ENOENT: "no such file or directory",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EIO: "input/output error",
  EMFILE: "too many open files",
  ENFILE: "too many open files in system",
};

function explain(error: unknown, systemCode: string): string {
  const unnamed = /, Unknown error: (.*) '/.exec(messageOf(error))?.[1];
  if (unnamed !== undefined) return unnamed.toLowerCase();
  return texts[systemCode] ?? messageOf(error);
}
