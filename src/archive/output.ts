// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { type ByteSource, type ByteWriter, readFully } from "../base/bytes.ts";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { close, fdatasync, open, syncFolder } from "../content/file-calls.ts";
import {
  type CopyOptions,
  copyToFile,
  copyToStream,
  type NewFile,
  namedFile,
} from "../content/file-writer.ts";
import { removeIfPossible } from "../content/remove-if-possible.ts";
import {
  filePosition,
  growPipe,
  linkOpenFile,
  nameOpenFile,
  setFilePosition,
  temporaryFileFlag,
} from "../sys/libc.ts";

const ownerOnly = 0o600;
/** Characters of the final name in the one beside it. */
const shownNameSize = 50;
const pipeSize = 1024 * 1024;
const standardOutput = 1;

/**
 * Refuses a path that no archive can be written to, with Docker's words.
 *
 * @throws LadeError OUTPUT_INVALID
 */
export function checkOutputPath(path: string): void {
  const folder = dirname(path);
  if (!fs.existsSync(folder)) {
    throw invalid(`invalid output path: stat ${folder}: no such file or directory`);
  }
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return;
  if (stat.isDirectory()) throw invalid("cannot write to a directory");
  if (stat.isFIFO()) throw invalid("cannot write to a named pipe (FIFO)");
  if (stat.isSymbolicLink()) throw invalid("cannot write to a symbolic link directly");
  if (stat.isSocket()) throw invalid("cannot write to a socket");
  if (stat.isBlockDevice()) throw invalid("cannot write to a block device file");
  throw invalid("cannot write to a character device file");
}

function invalid(message: string): LadeError {
  return new LadeError("OUTPUT_INVALID", message, {
    hint: "Give the name of a file in a folder that exists.",
  });
}

/**
 * Writes a file so that its name shows all of it or nothing.
 *
 * The bytes go into a file without a name (O_TMPFILE), which vanishes with this process if that is
 * killed; once synced, it gets a name beside the final one and is renamed over it.
 */
export async function writeOutputFile(
  source: ByteSource,
  path: string,
  options: CopyOptions,
): Promise<void> {
  checkOutputPath(path);
  const folder = dirname(path);
  // A name may be as long as names can be.
  const stem = basename(path).slice(0, shownNameSize);
  const beside = join(folder, `.tmp-${stem}-${randomUUID().slice(0, 8)}`);
  const target = unnamedFile(folder, beside);
  try {
    const copied = await copyToFile(source, target, options);
    try {
      // Where nothing is to be replaced, no other name is ever there to be left behind.
      const isThere = target.isUnnamed() && linkOpenFile(copied.fd, path);
      if (!isThere) putInPlace(copied.fd, { beside, path, isUnnamed: target.isUnnamed() });
    } finally {
      await close(copied.fd);
    }
    await syncFolder(folder);
  } catch (error) {
    removeIfPossible(beside);
    throw ioError(error, `write ${path}`);
  }
}

function putInPlace(
  fd: number,
  { beside, path, isUnnamed }: { beside: string; path: string; isUnnamed: boolean },
): void {
  if (isUnnamed) nameOpenFile(fd, beside);
  fs.renameSync(beside, path);
}

interface OutputFile extends NewFile {
  isUnnamed(): boolean;
}

function unnamedFile(folder: string, beside: string): OutputFile {
  const { O_WRONLY, O_DIRECTORY } = fs.constants;
  const named = namedFile(beside, ownerOnly);
  let isUnnamed = true;
  return {
    isUnnamed: () => isUnnamed,
    async open(flags) {
      if (isUnnamed) {
        try {
          return await open(folder, O_WRONLY + O_DIRECTORY + temporaryFileFlag + flags, ownerOnly);
        } catch (error) {
          // It may be O_DIRECT that is refused; then this is asked again without.
          if (isSystemError(error, "EINVAL") && flags !== 0) throw error;
          // FAT, NFS and others know no files without a name.
          if (!isUnsupported(error)) throw error;
          isUnnamed = false;
        }
      }
      return named.open(flags);
    },
    reopen: (fd) => open(`/proc/self/fd/${fd}`, O_WRONLY),
  };
}

function isUnsupported(error: unknown): boolean {
  return ["EOPNOTSUPP", "EISDIR", "ENOENT", "EINVAL"].some((code) => isSystemError(error, code));
}

/**
 * Writes to standard output: a pipe, or a file that the shell opened.
 *
 * @throws LadeError PIPE_CLOSED, DISK_FULL, IO_FAILED
 */
export async function writeStandardOutput(source: ByteSource, options: CopyOptions): Promise<void> {
  const fd = standardOutput;
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isFile() && stat.size === 0 && filePosition(fd) === 0 && canReopen(fd)) {
      const copied = await copyToFile(source, redirectedFile(fd), options);
      await close(copied.fd);
      // What runs next in the same redirection goes on behind the archive.
      setFilePosition(fd, copied.size);
      return;
    }
    if (stat.isFIFO()) growPipe(fd, pipeSize);
    await copyToStream(source, fd, options);
    if (stat.isFile()) await fdatasync(fd);
  } catch (error) {
    throw ioError(error, "write standard output");
  }
}

const chunkSize = 1024 * 1024;

/** Hands an archive to whoever takes it, in large pieces: one is written while the next is read. */
export async function writeToWriter(
  source: ByteSource,
  write: ByteWriter,
  options: CopyOptions,
): Promise<void> {
  const buffers = [Buffer.allocUnsafe(chunkSize), Buffer.allocUnsafe(chunkSize)] as const;
  let written = Promise.resolve();
  let size = 0;
  try {
    for (let turn = 0; ; turn++) {
      const buffer = turn % 2 === 0 ? buffers[0] : buffers[1];
      const count = await readFully(source, buffer);
      await written;
      options.signal?.throwIfAborted();
      if (count === 0) return;
      written = write(buffer.subarray(0, count));
      // Its failure is met at the next turn.
      written.catch(() => {});
      size += count;
      options.onProgress?.(size);
    }
  } finally {
    await Promise.allSettled([written]);
  }
}

/** Where an archive goes: to a path, to a writer, or to standard output. */
export interface OutputTarget {
  readonly path?: string | undefined;
  readonly write?: ByteWriter | undefined;
}

/** Writes an archive to where it is wanted. */
export async function writeOutput(
  source: ByteSource,
  { path, write }: OutputTarget,
  options: CopyOptions,
): Promise<void> {
  if (write !== undefined) await writeToWriter(source, write, options);
  else if (path === undefined) await writeStandardOutput(source, options);
  else await writeOutputFile(source, path, options);
}

/** The shell may have opened it as another user, who can and may do more. */
function canReopen(fd: number): boolean {
  try {
    fs.closeSync(fs.openSync(`/proc/self/fd/${fd}`, fs.constants.O_WRONLY));
    return true;
  } catch {
    return false;
  }
}

function redirectedFile(fd: number): NewFile {
  const path = `/proc/self/fd/${fd}`;
  return {
    open: (flags) => open(path, fs.constants.O_WRONLY + flags),
    reopen: () => open(path, fs.constants.O_WRONLY),
  };
}
