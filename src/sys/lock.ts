// SPDX-License-Identifier: Apache-2.0

/** Locks between processes: flock(2) on files that stay. The kernel frees them on `kill -9`. */

import * as fs from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isSystemError } from "../base/errors.ts";
import { libcCalls } from "./calls.ts";
import { checkCall } from "./errno.ts";
import { closeOnExec } from "./file.ts";

// LOCK_* of <sys/file.h>.
const shared = 1;
const exclusive = 2;
const noWait = 4;

function openLockFile(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  return fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW | closeOnExec, 0o600);
}

/**
 * Does synchronous work while this process alone holds the lock at a path, whose file is made where
 * it is missing and stays. Waits with the thread standing still: for work of milliseconds.
 */
export function withLock<T>(path: string, work: () => T): T {
  const fd = openLockFile(path);
  try {
    waitForLock(fd, exclusive);
    return work();
  } finally {
    fs.closeSync(fd);
  }
}

function waitForLock(fd: number, operation: number): void {
  for (;;) {
    try {
      checkCall(libcCalls().flock(fd, operation), { syscall: "flock" });
      return;
    } catch (error) {
      if (!isSystemError(error, "EINTR")) throw error;
    }
  }
}

/** A lock that is held until it is disposed of. */
export interface FileLock extends Disposable {
  readonly fd: number;
}

const firstDelayMs = 1;
const lastDelayMs = 50;

export interface LockOptions {
  /** Whether others may hold it too, if they ask for the same. */
  readonly shared?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Waits for the lock at a path while other work of this thread goes on. */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<FileLock> {
  const fd = openLockFile(path);
  try {
    let pauseMs = firstDelayMs;
    while (!tryFlock(fd, options.shared === true ? shared : exclusive)) {
      await delay(pauseMs, undefined, { signal: options.signal });
      pauseMs = Math.min(pauseMs * 2, lastDelayMs);
    }
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    fd,
    [Symbol.dispose](): void {
      if (held) fs.closeSync(fd);
      held = false;
    },
  };
}

function tryFlock(fd: number, operation: number): boolean {
  try {
    checkCall(libcCalls().flock(fd, operation | noWait), { syscall: "flock" });
    return true;
  } catch (error) {
    if (isSystemError(error, "EAGAIN") || isSystemError(error, "EINTR")) return false;
    throw error;
  }
}
