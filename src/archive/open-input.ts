// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import type { ByteSource } from "../base/bytes.ts";
import { ioError } from "../base/io-error.ts";
import {
  type Compression,
  compressionMagicSize,
  decompress,
  sniffCompression,
} from "../content/compression.ts";
import { peekable, rangeSource, streamSource } from "../content/sources.ts";
import { filePosition, growPipe } from "../sys/libc.ts";
import { openPath } from "./open-path.ts";

/** An archive as it was given. */
export type OpenInput = Disposable & {
  /** What errors call it. */
  readonly place: string;
  readonly compression: Compression;
} & (
    | { readonly type: "folder"; readonly path: string }
    /** A file that is not compressed and can be read at any place. */
    | { readonly type: "file"; readonly fd: number; readonly offset: number; readonly size: number }
    /** Bytes that come once, decompressed. */
    | {
        readonly type: "stream";
        readonly source: ByteSource;
        /** Bytes of the compressed file, where known. */
        readonly size: number | undefined;
        /** Bytes that were taken from it so far, before they were decompressed. */
        taken(): number;
      }
  );

const standardInput = 0;
const pipeSize = 1024 * 1024;

/**
 * Takes an archive that comes once, from wherever the source has it.
 *
 * @param place what errors call it
 */
export async function openStream(given: ByteSource, place: string): Promise<OpenInput> {
  return await sniffed(given, { place, size: undefined });
}

/**
 * Opens an archive.
 *
 * @param path a file or a folder; undefined for standard input, which is read like a file where it
 *   is one (`lade load < FILE`)
 * @param signal ends a read that waits for a pipe
 * @throws LadeError ARCHIVE_NOT_FOUND, IO_FAILED, STORE_DENIED
 */
export async function openInput(
  path: string | undefined,
  signal?: AbortSignal,
): Promise<OpenInput> {
  if (path === undefined) {
    const place = "standard input";
    return openDescriptor(standardInput, { place, position: filePosition(0), signal });
  }
  const opened = openPath(path);
  const close = () => opened[Symbol.dispose]();
  if (opened.isFolder) {
    close();
    return {
      type: "folder",
      path,
      place: path,
      compression: "none",
      [Symbol.dispose]: () => undefined,
    };
  }
  const input = await openDescriptor(opened.fd, { place: path, position: 0, signal });
  return { ...input, [Symbol.dispose]: close };
}

async function openDescriptor(
  fd: number,
  about: {
    readonly place: string;
    readonly position: number | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Extract<OpenInput, { type: "file" | "stream" }>> {
  const { place, position } = about;
  const stat = fs.fstatSync(fd);
  const isFile = stat.isFile() && position !== undefined;
  if (!isFile) growPipe(fd, pipeSize);
  const offset = position ?? 0;
  const size = Math.max(0, stat.size - offset);
  const given = isFile ? rangeSource(fd, { offset, size }) : named(fd, about);
  const input = await sniffed(given, { place, size: isFile ? size : undefined });
  if (!isFile || input.compression !== "none") return input;
  const { compression } = input;
  return { type: "file", place, compression, fd, offset, size, [Symbol.dispose]: () => undefined };
}

async function sniffed(
  given: ByteSource,
  { place, size }: { readonly place: string; readonly size: number | undefined },
): Promise<Extract<OpenInput, { type: "stream" }>> {
  const counted = countReads(given);
  const source = peekable(counted);
  const compression = sniffCompression(await source.peek(compressionMagicSize));
  return {
    type: "stream",
    place,
    compression,
    source: decompress(source, compression, place),
    size,
    taken: () => counted.count(),
    [Symbol.dispose]: () => undefined,
  };
}

function countReads(source: ByteSource): ByteSource & { count(): number } {
  let done = 0;
  return {
    count: () => done,
    async read(target) {
      const count = await source.read(target);
      done += count;
      return count;
    },
  };
}

function named(
  fd: number,
  { place, signal }: { readonly place: string; readonly signal: AbortSignal | undefined },
): ByteSource {
  const source = streamSource(fd, signal);
  return {
    async read(target) {
      try {
        return await source.read(target);
      } catch (error) {
        throw ioError(error, `read ${place}`);
      }
    },
  };
}
