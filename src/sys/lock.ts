// SPDX-License-Identifier: Apache-2.0

/**
 * Locks between processes: flock(2) on files. The kernel frees them on `kill -9`.
 *
 * Who holds a lock may remove its file: who waited for it then takes a new one.
 */

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

/** False where the file was removed, or replaced, before we had the lock: then it locks nothing. */
function isStillAt(fd: number, path: string): boolean {
  const atPath = fs.statSync(path, { throwIfNoEntry: false });
  return atPath !== undefined && atPath.ino === fs.fstatSync(fd).ino;
}

/**
 * Does synchronous work while this process alone holds the lock at a path, whose file is made where
 * it is missing. Waits with the thread standing still: for work of milliseconds.
 */
export function withLock<T>(path: string, work: () => T): T {
  for (;;) {
    const fd = openLockFile(path);
    try {
      waitForLock(fd, exclusive);
      if (isStillAt(fd, path)) return work();
    } finally {
      fs.closeSync(fd);
    }
  }
}

/**
 * Does synchronous work while this process alone holds the lock at a path, unless someone else does.
 *
 * @returns false where someone else does, and nothing was done
 */
export function ifLockFree(path: string, work: () => void): boolean {
  const fd = openLockFile(path);
  try {
    if (!tryFlock(fd, exclusive) || !isStillAt(fd, path)) return false;
    work();
    return true;
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
  for (;;) {
    const fd = openLockFile(path);
    try {
      await waitAsync(fd, options);
      if (isStillAt(fd, path)) return heldLock(fd);
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    fs.closeSync(fd);
  }
}

/** Takes the lock at a path, unless someone else holds it. */
export function tryAcquireLock(path: string): FileLock | undefined {
  const fd = openLockFile(path);
  if (tryFlock(fd, exclusive) && isStillAt(fd, path)) return heldLock(fd);
  fs.closeSync(fd);
  return undefined;
}

async function waitAsync(fd: number, options: LockOptions): Promise<void> {
  let pauseMs = firstDelayMs;
  while (!tryFlock(fd, options.shared === true ? shared : exclusive)) {
    await delay(pauseMs, undefined, { signal: options.signal });
    pauseMs = Math.min(pauseMs * 2, lastDelayMs);
  }
}

function heldLock(fd: number): FileLock {
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
