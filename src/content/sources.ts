// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import { bytesWaiting, readAhead } from "../sys/libc.ts";
import { read } from "./file-calls.ts";

/**
 * Bytes of an open regular file from `offset` on, at most `size` of them.
 *
 * Reads synchronously: a read from the page cache takes 0.2 ms a MiB, which handing it to another
 * thread and waking up again doubles. Long work runs in worker threads, which have nothing else to do.
 */
export function rangeSource(
  fd: number,
  range: { readonly offset: number; readonly size: number },
): ByteSource {
  const askFor = readAheadOf(fd, range);
  let done = 0;
  return {
    read(target: Uint8Array): Promise<number> {
      const size = Math.min(target.length, range.size - done);
      askFor(range.offset + done);
      const count = size <= 0 ? 0 : readSync(fd, target, 0, size, range.offset + done);
      done += count;
      return Promise.resolve(count);
    },
  };
}

const aheadSize = 8 * 1024 * 1024;
const aheadStep = 2 * 1024 * 1024;

/**
 * Keeps the kernel reading some way ahead of a reader.
 *
 * By itself it reads 128 KiB ahead, and each such read waits behind the large writes that are under
 * way at the same time: a file that is not in memory was read and written at two thirds of the speed.
 *
 * @returns to be called with the offset of each read
 */
export function readAheadOf(
  fd: number,
  range: { readonly offset: number; readonly size: number },
): (offset: number) => void {
  const end = range.offset + range.size;
  let asked = range.offset;
  return (offset) => {
    for (; asked < Math.min(end, offset + aheadSize); asked += aheadStep) {
      readAhead(fd, asked, Math.min(aheadStep, end - asked));
    }
  };
}

/**
 * Bytes of a pipe, a socket or a terminal, from wherever it is.
 *
 * What is there already is read at once, which is quicker than by way of another thread; where a
 * read would wait, it waits elsewhere, so that signals and other work are not held up.
 *
 * @param signal ends a read that waits; the kernel's own read goes on until something comes, and
 *   keeps the process
 */
export function streamSource(fd: number, signal?: AbortSignal): ByteSource {
  return {
    read(target: Uint8Array): Promise<number> {
      const size = Math.min(bytesWaiting(fd), target.length);
      return size > 0
        ? Promise.resolve(readSync(fd, target, 0, size, null))
        : waitAndRead(fd, target, signal);
    },
  };
}

/** What a pipe of Linux holds by default; more than the first bytes seldom come at once. */
const waitingReadSize = 64 * 1024;

/** Reads into memory of its own, since nobody may use what a read that was given up still fills. */
async function waitAndRead(
  fd: number,
  target: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<number> {
  const own = Buffer.allocUnsafe(Math.min(waitingReadSize, target.length));
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    const count = await Promise.race([read(fd, own, null, signal), aborted.promise]);
    return own.copy(target, 0, 0, count);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** A source that can be looked ahead into. */
export interface PeekableSource extends ByteSource {
  /** The next bytes, up to `size` of them, without taking them; fewer only at the end. */
  peek(size: number): Promise<Buffer>;
}

export function peekable(source: ByteSource): PeekableSource {
  let held: Buffer = Buffer.alloc(0);
  return {
    async peek(size: number): Promise<Buffer> {
      while (held.length < size) {
        const more = Buffer.allocUnsafe(size - held.length);
        const count = await source.read(more);
        if (count === 0) break;
        held = Buffer.concat([held, more.subarray(0, count)]);
      }
      return held.subarray(0, size);
    },
    read(target: Uint8Array): Promise<number> {
      if (held.length === 0) return source.read(target);
      const count = held.copy(target);
      held = held.subarray(count);
      return Promise.resolve(count);
    },
  };
}
