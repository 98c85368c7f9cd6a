// SPDX-License-Identifier: Apache-2.0

/**
 * The calls on plain file descriptors that the store lives on, as promises.
 *
 * Plain descriptors rather than Node's FileHandle, since worker threads share them.
 */

import * as fs from "node:fs";
import { isSystemError } from "../base/errors.ts";

type Callback<T> = (error: NodeJS.ErrnoException | null, value: T) => void;

function settle<T>(call: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value) : reject(error)));
  });
}

export function open(path: string, flags: number, mode?: number): Promise<number> {
  return settle((done) => fs.open(path, flags, mode, done));
}

export function close(fd: number): Promise<void> {
  return settle((done) => fs.close(fd, (error) => done(error ?? null, undefined)));
}

/**
 * @param position offset in the file, or null to go on from the descriptor's own position
 * @param signal ends the waiting for a pipe that does not block
 */
export function read(
  fd: number,
  target: Uint8Array,
  position: number | null,
  signal?: AbortSignal,
): Promise<number> {
  const call = () =>
    settle<number>((done) => fs.read(fd, target, 0, target.length, position, done));
  return patiently(call, signal);
}

/**
 * Writes all of `bytes`, in as many calls as the kernel wants.
 *
 * @param position offset in the file, or null to go on from the descriptor's own position
 */
export async function writeAll(
  fd: number,
  bytes: Uint8Array,
  position: number | null,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const part = done === 0 ? bytes : bytes.subarray(done);
    const at = position === null ? null : position + done;
    done += await patiently(() =>
      settle<number>((callback) => fs.write(fd, part, 0, part.length, at, callback)),
    );
  }
}

const retryMs = 1;

/** A pipe that another program has set to not block answers EAGAIN where it should wait. */
async function patiently<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (!isSystemError(error, "EAGAIN")) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

export function fdatasync(fd: number): Promise<void> {
  return settle((done) => fs.fdatasync(fd, (error) => done(error, undefined)));
}

export function ftruncate(fd: number, size: number): Promise<void> {
  return settle((done) => fs.ftruncate(fd, size, (error) => done(error, undefined)));
}

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const { O_RDONLY, O_DIRECTORY } = fs.constants;
  const fd = await open(path, O_RDONLY + O_DIRECTORY);
  try {
    await settle<void>((done) => fs.fsync(fd, (error) => done(error, undefined)));
  } finally {
    await close(fd);
  }
}
