// SPDX-License-Identifier: Apache-2.0

import { readSync } from "node:fs";
import { alignUp, type ByteSource, readFully } from "../base/bytes.ts";
import { ioError } from "../base/io-error.ts";
import type { TarEntry } from "../tar/entry.ts";
import { blockSize } from "../tar/header.ts";
import { TarScanner } from "../tar/scanner.ts";

/** Bytes in order, some of which nobody wants to see. */
export interface SkippableSource extends ByteSource {
  /** @returns how many bytes were passed over; fewer than `size` only at the end */
  skip(size: number): Promise<number>;
}

/** Large enough for the headers of a few small members at once. */
const windowSize = 32 * 1024;

/** A range of an open file; what is passed over is not read. */
export function skippableFile(
  fd: number,
  range: { readonly offset: number; readonly size: number; readonly place: string },
): SkippableSource {
  const window = Buffer.allocUnsafe(windowSize);
  let windowStart = 0;
  let windowEnd = 0;
  let position = 0;
  const fill = () => {
    const size = Math.min(windowSize, range.size - position);
    try {
      windowStart = position;
      windowEnd = position + readSync(fd, window, 0, size, range.offset + position);
    } catch (error) {
      throw ioError(error, `read ${range.place}`);
    }
  };
  return {
    read(target: Uint8Array): Promise<number> {
      if (position >= windowEnd || position < windowStart) fill();
      const part = window.subarray(position - windowStart, windowEnd - windowStart);
      const count = part.copy(target);
      position += count;
      return Promise.resolve(count);
    },
    skip(size: number): Promise<number> {
      const count = Math.min(size, range.size - position);
      position += count;
      return Promise.resolve(count);
    },
  };
}

const wasteSize = 256 * 1024;

/** Bytes that come once; what is passed over is read and forgotten. */
export function skippableStream(
  source: ByteSource,
  options: { readonly onRead: () => void; readonly signal: AbortSignal | undefined },
): SkippableSource {
  const waste = Buffer.allocUnsafe(wasteSize);
  return {
    read: (target: Uint8Array) => source.read(target),
    async skip(size: number): Promise<number> {
      let done = 0;
      while (done < size) {
        options.signal?.throwIfAborted();
        const count = await source.read(waste.subarray(0, Math.min(size - done, wasteSize)));
        if (count === 0) break;
        done += count;
        options.onRead();
      }
      return done;
    },
  };
}

export interface WalkOptions {
  /** What errors call the archive. */
  readonly place: string;
  /** Sees every member; of its data it may read as much as it likes. */
  readonly onEntry: (entry: TarEntry, data: ByteSource) => Promise<void>;
}

/**
 * Goes through the members of a tar in order.
 *
 * @throws LadeError TAR_CHECKSUM, TAR_FIELD, TAR_TRUNCATED, LIMIT_EXCEEDED
 */
export async function walkTar(source: SkippableSource, options: WalkOptions): Promise<void> {
  const entries: TarEntry[] = [];
  const scanner = new TarScanner({
    name: options.place,
    skipUnknownTypes: true,
    onEntry: (entry) => entries.push(entry),
  });
  const block = Buffer.allocUnsafe(blockSize);
  while (!scanner.isEnded) {
    const count = await readFully(source, block);
    scanner.push(block.subarray(0, count));
    if (count < blockSize) break;
    const entry = entries.pop();
    if (entry === undefined) continue;
    const data = limited(source, entry.storedSize);
    await options.onEntry(entry, data);
    const end = alignUp(entry.storedSize, blockSize);
    const passed = await source.skip(end - data.count());
    scanner.skipTo(entry.dataOffset + data.count() + passed);
  }
  scanner.end();
}

function limited(source: ByteSource, size: number): ByteSource & { count(): number } {
  let done = 0;
  return {
    count: () => done,
    async read(target: Uint8Array): Promise<number> {
      const left = size - done;
      if (left === 0) return 0;
      const count = await source.read(target.length > left ? target.subarray(0, left) : target);
      done += count;
      return count;
    },
  };
}
