// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { alignUp, type ByteSource, readFully } from "../base/bytes.ts";
import { isSystemError } from "../base/errors.ts";
import type { Digest } from "../spec/digest.ts";
import { alignedBuffers, directUnit } from "./aligned-buffers.ts";
import { close, fdatasync, ftruncate, open, writeAll } from "./file-calls.ts";

export interface WriteBlobOptions {
  /** Sees every byte in order, before it is written. */
  readonly onChunk?: ((chunk: Buffer) => void) | undefined;
  /** Told how many bytes have been taken so far. */
  readonly onProgress?: ((size: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WrittenBlob {
  readonly digest: Digest;
  readonly size: number;
}

const chunkSize = 2 * 1024 * 1024;
const buffersInFlight = 4;

/**
 * Writes a new file from a source, hashing on the way, and syncs it to disk.
 *
 * Each byte is read once, hashed once and written once: while one chunk is hashed, the next is read
 * and earlier ones are written. O_DIRECT leaves the page cache alone (buffered writes of the same
 * bytes take up to three times as long when memory is under pressure) and little for the final
 * fdatasync; file systems without it get ordinary writes.
 *
 * @param path must not exist
 * @returns what was written, after fdatasync
 */
export async function writeBlob(
  source: ByteSource,
  path: string,
  options: WriteBlobOptions = {},
): Promise<WrittenBlob> {
  const buffers = takeBuffers();
  try {
    const first = await readFully(source, buffers[0] as Buffer);
    // A blob that fits one chunk gains nothing from O_DIRECT.
    const file = await createFile(path, { isDirect: first === chunkSize });
    try {
      const written = await pump(source, { file, buffers, first, options });
      await fdatasync(file.fd);
      return written;
    } finally {
      await close(file.fd);
      if (file.ordinary !== undefined) await close(await file.ordinary);
    }
  } finally {
    spareBuffers = buffers;
  }
}

let spareBuffers: Buffer[] | undefined;

/** One set of buffers serves blob after blob; a second writer at the same time gets its own. */
function takeBuffers(): Buffer[] {
  const buffers = spareBuffers ?? alignedBuffers(buffersInFlight, chunkSize);
  spareBuffers = undefined;
  return buffers;
}

interface BlobFile {
  readonly path: string;
  readonly fd: number;
  /** Opened with O_DIRECT: writes are whole units, and what is too much is cut off at the end. */
  readonly isDirect: boolean;
  /** A second descriptor without O_DIRECT, where the file system refuses it only at write. */
  ordinary: Promise<number> | undefined;
}

async function createFile(path: string, wanted: { isDirect: boolean }): Promise<BlobFile> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_DIRECT } = fs.constants;
  const flags = O_WRONLY + O_CREAT + O_EXCL;
  if (wanted.isDirect && O_DIRECT !== undefined) {
    try {
      return {
        path,
        fd: await open(path, flags + O_DIRECT, 0o444),
        isDirect: true,
        ordinary: undefined,
      };
    } catch (error) {
      if (!isSystemError(error, "EINVAL")) throw error;
      // The file may have been made before the flag was refused.
      await fs.promises.rm(path, { force: true });
    }
  }
  return { path, fd: await open(path, flags, 0o444), isDirect: false, ordinary: undefined };
}

interface PumpInput {
  readonly file: BlobFile;
  readonly buffers: readonly Buffer[];
  /** Bytes that already lie in the first buffer. */
  readonly first: number;
  readonly options: WriteBlobOptions;
}

/** Moves the source into the file through a ring of buffers; a buffer waits for its own write. */
async function pump(source: ByteSource, input: PumpInput): Promise<WrittenBlob> {
  const { file, buffers, options } = input;
  const hash = createHash("sha256");
  const writes: Promise<void>[] = [];
  let size = 0;
  let next = Promise.resolve(input.first);
  try {
    for (let turn = 0, isLast = false; !isLast; turn++) {
      const slot = turn % buffers.length;
      const count = await next;
      options.signal?.throwIfAborted();
      isLast = count < chunkSize;
      if (!isLast) next = readNext(source, { buffers, writes, slot: (turn + 1) % buffers.length });
      const chunk = (buffers[slot] as Buffer).subarray(0, count);
      hash.update(chunk);
      options.onChunk?.(chunk);
      writes[slot] = observed(writeChunk(file, buffers[slot] as Buffer, { count, offset: size }));
      size += count;
      options.onProgress?.(size);
    }
    await Promise.all(writes);
  } finally {
    // No buffer may be handed on while the kernel still reads from or writes into it.
    await Promise.allSettled([...writes, next]);
  }
  if (file.isDirect && size % directUnit !== 0) await ftruncate(file.fd, size);
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

interface Ring {
  readonly buffers: readonly Buffer[];
  readonly writes: readonly Promise<void>[];
  readonly slot: number;
}

function readNext(source: ByteSource, ring: Ring): Promise<number> {
  const target = ring.buffers[ring.slot] as Buffer;
  const pending = ring.writes[ring.slot];
  const reading =
    pending === undefined
      ? readFully(source, target)
      : pending.then(() => readFully(source, target));
  return observed(reading);
}

/** Marks a promise that is awaited later as handled, so that an early failure is not "unhandled". */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function writeChunk(
  file: BlobFile,
  buffer: Buffer,
  part: { readonly count: number; readonly offset: number },
): Promise<void> {
  const { count, offset } = part;
  if (count === 0) return;
  if (!file.isDirect) return writeAll(file.fd, buffer.subarray(0, count), offset);
  const padded = alignUp(count, directUnit);
  buffer.fill(0, count, padded);
  const bytes = buffer.subarray(0, padded);
  if (file.ordinary !== undefined) return writeAll(await file.ordinary, bytes, offset);
  try {
    await writeAll(file.fd, bytes, offset);
  } catch (error) {
    if (!isSystemError(error, "EINVAL")) throw error;
    file.ordinary ??= observed(open(file.path, fs.constants.O_WRONLY));
    await writeAll(await file.ordinary, bytes, offset);
  }
}
