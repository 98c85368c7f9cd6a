// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { makeRunFolders } from "../rootfs/run-paths.ts";
import { tryLock } from "../sys/libc.ts";
import { acquireLock } from "../sys/lock.ts";
import type { Engine } from "./engine.ts";

/**
 * Does work while nobody else changes the container's state. The kernel frees the lock of a process
 * that is killed, so whoever comes next finds the state half changed and puts it right.
 */
export async function withContainerLock<T>(
  engine: Engine,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  makeRunFolders(engine.run);
  using _lock = await acquireLock(lockPath(engine, id));
  try {
    return await work();
  } finally {
    forgetIfGone(engine, id);
  }
}

/** As {@link withContainerLock}, but undefined at once where somebody else has the lock. */
export async function withFreeContainerLock<T>(
  engine: Engine,
  id: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const path = lockPath(engine, id);
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants;
  makeRunFolders(engine.run);
  const fd = fs.openSync(path, O_RDWR + O_CREAT + O_NOFOLLOW, 0o600);
  try {
    if (!tryLock(fd) || !isAt(fd, path)) return undefined;
    try {
      return await work();
    } finally {
      forgetIfGone(engine, id);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** Whether somebody holds the container's lock: a command is changing its state right now. */
export function isContainerLocked(engine: Engine, id: string): boolean {
  let fd: number;
  try {
    fd = fs.openSync(lockPath(engine, id), "r");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
  try {
    return !tryLock(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The lock of a container that is gone goes, too: by who holds it. */
function forgetIfGone(engine: Engine, id: string): void {
  const row = engine.store.database.get("SELECT 1 FROM container WHERE id = ?", id);
  if (row === undefined) fs.rmSync(lockPath(engine, id), { force: true });
}

function lockPath(engine: Engine, id: string): string {
  return join(engine.run.locks, id);
}

function isAt(fd: number, path: string): boolean {
  const atPath = fs.statSync(path, { throwIfNoEntry: false });
  return atPath !== undefined && atPath.ino === fs.fstatSync(fd).ino;
}
