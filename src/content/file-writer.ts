// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { alignUp, type ByteSource, readFully } from "../base/bytes.ts";
import { isSystemError } from "../base/errors.ts";
import { alignedBuffers, directUnit } from "./aligned-buffers.ts";
import { close, fdatasync, ftruncate, open, writeAll } from "./file-calls.ts";

export interface CopyOptions {
  /**
   * Sees every byte in order, before it is written.
   *
   * @returns when it is done with the chunk's memory; undefined where that is at once
   */
  readonly onChunk?: ((chunk: Buffer) => Promise<void> | undefined) | undefined;
  /** Told how many bytes have been taken so far. */
  readonly onProgress?: ((size: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const chunkSize = 2 * 1024 * 1024;
const buffersInFlight = 4;

/** A new file to be written from its start. */
export interface NewFile {
  /** Opens it for writing with these flags added to whatever else it needs. */
  open(flags: number): Promise<number>;
  /** Opens the same file once more, without O_DIRECT. */
  reopen(fd: number): Promise<number>;
}

export interface CopiedFile {
  readonly size: number;
  /** Still open, for the caller to name and close. */
  readonly fd: number;
}

/**
 * Writes a source into a new file and syncs it to disk.
 *
 * Each byte is read once and written once: while one chunk is read (and, in `onChunk`, hashed),
 * earlier ones are written. O_DIRECT leaves the page cache alone (buffered writes of the same bytes
 * take up to three times as long when memory is under pressure) and little for the final
 * fdatasync; file systems without it get ordinary writes.
 */
export async function copyToFile(
  source: ByteSource,
  target: NewFile,
  options: CopyOptions = {},
): Promise<CopiedFile> {
  const buffers = takeBuffers();
  try {
    const first = await readFully(source, buffers[0] as Buffer);
    // What fits one chunk gains nothing from O_DIRECT.
    const file = await openFile(target, { isDirect: first === chunkSize });
    try {
      const size = await pump(source, { file, buffers, first, options });
      await fdatasync(file.fd);
      return { size, fd: file.fd };
    } catch (error) {
      await close(file.fd);
      throw error;
    } finally {
      if (file.ordinary !== undefined) await close(await file.ordinary);
    }
  } finally {
    spareBuffers = buffers;
  }
}

let spareBuffers: Buffer[] | undefined;

/** One set of buffers serves file after file; a second writer at the same time gets its own. */
function takeBuffers(): Buffer[] {
  const buffers = spareBuffers ?? alignedBuffers(buffersInFlight, chunkSize);
  spareBuffers = undefined;
  return buffers;
}

interface OpenFile {
  readonly target: NewFile;
  readonly fd: number;
  /** Opened with O_DIRECT: writes are whole units, and what is too much is cut off at the end. */
  readonly isDirect: boolean;
  /** A second descriptor without O_DIRECT, where the file system refuses it only at write. */
  ordinary: Promise<number> | undefined;
}

async function openFile(target: NewFile, wanted: { isDirect: boolean }): Promise<OpenFile> {
  const { O_DIRECT } = fs.constants;
  if (wanted.isDirect && O_DIRECT !== undefined) {
    try {
      return { target, fd: await target.open(O_DIRECT), isDirect: true, ordinary: undefined };
    } catch (error) {
      if (!isSystemError(error, "EINVAL")) throw error;
    }
  }
  return { target, fd: await target.open(0), isDirect: false, ordinary: undefined };
}

interface PumpInput {
  readonly file: OpenFile;
  readonly buffers: readonly Buffer[];
  /** Bytes that already lie in the first buffer. */
  readonly first: number;
  readonly options: CopyOptions;
}

/** Moves the source into the file through a ring of buffers; a buffer waits for who still uses it. */
async function pump(source: ByteSource, input: PumpInput): Promise<number> {
  const { file, buffers, options } = input;
  const uses: Promise<unknown>[] = [];
  let size = 0;
  let next = Promise.resolve(input.first);
  try {
    for (let turn = 0, isLast = false; !isLast; turn++) {
      const slot = turn % buffers.length;
      const count = await next;
      options.signal?.throwIfAborted();
      isLast = count < chunkSize;
      if (!isLast) next = readNext(source, { buffers, uses, slot: (turn + 1) % buffers.length });
      const seen = options.onChunk?.((buffers[slot] as Buffer).subarray(0, count));
      const written = writeChunk(file, buffers[slot] as Buffer, { count, offset: size });
      uses[slot] = observed(allDone([seen, written]));
      size += count;
      options.onProgress?.(size);
    }
    await allDone(uses);
  } finally {
    // No buffer may be handed on while the kernel or another thread still reads or writes it.
    await Promise.allSettled([...uses, next]);
  }
  if (file.isDirect && size % directUnit !== 0) await ftruncate(file.fd, size);
  return size;
}

interface Ring {
  readonly buffers: readonly Buffer[];
  readonly uses: readonly Promise<unknown>[];
  readonly slot: number;
}

function readNext(source: ByteSource, ring: Ring): Promise<number> {
  const target = ring.buffers[ring.slot] as Buffer;
  const pending = ring.uses[ring.slot];
  const reading =
    pending === undefined
      ? readFully(source, target)
      : pending.then(() => readFully(source, target));
  return observed(reading);
}

/** Waits for all, also where one of them fails. */
async function allDone(work: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  for (const one of await Promise.allSettled(work)) {
    if (one.status === "rejected") throw one.reason;
  }
}

/** Marks a promise that is awaited later as handled, so that an early failure is not "unhandled". */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

async function writeChunk(
  file: OpenFile,
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
    file.ordinary ??= observed(file.target.reopen(file.fd));
    await writeAll(await file.ordinary, bytes, offset);
  }
}

/** A file with a name that must not exist yet. */
export function namedFile(path: string, mode: number): NewFile {
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  return {
    async open(flags) {
      try {
        return await open(path, O_WRONLY + O_CREAT + O_EXCL + flags, mode);
      } catch (error) {
        // Some file systems make the file before they refuse a flag.
        if (isSystemError(error, "EINVAL")) fs.rmSync(path, { force: true });
        throw error;
      }
    },
    reopen: () => open(path, O_WRONLY),
  };
}

/** Writes a source to a pipe or socket, in order. */
export async function copyToStream(
  source: ByteSource,
  fd: number,
  options: CopyOptions = {},
): Promise<number> {
  const buffers = takeBuffers();
  let size = 0;
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for (let turn = 0; ; turn++) {
      const buffer = buffers[turn % buffers.length] as Buffer;
      const count = await readFully(source, buffer);
      await writing;
      if (count === 0) return size;
      options.signal?.throwIfAborted();
      const chunk = buffer.subarray(0, count);
      writing = observed(allDone([options.onChunk?.(chunk), writeAll(fd, chunk, null)]));
      size += count;
      options.onProgress?.(size);
    }
  } finally {
    await Promise.allSettled([writing]);
    spareBuffers = buffers;
  }
}
