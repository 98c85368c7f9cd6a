// SPDX-License-Identifier: Apache-2.0

import { isLadeError, isSystemError, LadeError, messageOf } from "../base/errors.ts";

const needed = "Run the command as root: only root may mount, and containers are made of mounts.";

/** @throws LadeError ROOT_NEEDED where this user can't mount anything */
export function checkMayMount(work: string): void {
  if (process.geteuid?.() === 0) return;
  throw new LadeError("ROOT_NEEDED", `${work}: needs root to mount its file system`, {
    hint: needed,
  });
}

/** A mount that the kernel refused, told as an error of lade's. */
export function mountError(error: unknown, work: string): LadeError {
  if (isLadeError(error)) return error;
  if (isSystemError(error, "EPERM") || isSystemError(error, "EACCES")) {
    const reason = "needs the right to mount (CAP_SYS_ADMIN), which this process does not have";
    return new LadeError("ROOT_NEEDED", `${work}: ${reason}`, { hint: needed, cause: error });
  }
  // What a file system says of a metadata image in which bits have flipped.
  if (isSystemError(error, "EUCLEAN") || isSystemError(error, "EBADMSG")) {
    return new LadeError("STORE_DAMAGED", `${work}: ${messageOf(error)}`, {
      hint: "Run `lade system check --repair`.",
      cause: error,
    });
  }
  const hint = hintFor(error);
  return new LadeError("MOUNT_FAILED", `${work}: ${messageOf(error)}`, { hint, cause: error });
}

function hintFor(error: unknown): string | undefined {
  if (isSystemError(error, "ENOSPC") && /\bmount\b/.test(messageOf(error))) {
    return "Raise /proc/sys/fs/mount-max, or stop some containers.";
  }
  if (messageOf(error).includes("not supported as upperdir")) {
    return "Choose a folder on a file system such as ext4, XFS or btrfs with --root.";
  }
  return undefined;
}
