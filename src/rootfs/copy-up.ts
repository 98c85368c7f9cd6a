// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import {
  linkAt,
  listFolder,
  makeFolderAt,
  makeNodeAt,
  openAt,
  openInRoot,
  pathOnly,
  readLinkAt,
  symlinkAt,
} from "../sys/file.ts";
import { dataRuns } from "../sys/holes.ts";
import { type FileStatus, statusAt, statusOf } from "../sys/status.ts";
import { type ByteString, textToByteString } from "../tar/entry.ts";
import { pathIn, portableXattrs, setMetadata } from "./metadata.ts";

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY } = fs.constants;
const ownerOnly = 0o600;
const ownFolder = 0o700;

/**
 * Copies what an image has at a mount's target into an empty volume, with owners, modes, times,
 * extended attributes, hard links and holes; the volume's folder becomes like the image's.
 *
 * The target is looked up as a process inside the root would: a symlink of the image leads nowhere
 * else (CVE-2022-23648). Where it is not there, or the volume holds anything, nothing happens.
 *
 * @param rootfsPath the mounted root
 * @param target absolute path inside the root
 * @throws LadeError CONTAINER_INVALID where the target is no folder; DISK_FULL, IO_FAILED
 */
export async function copyUp(
  rootfsPath: string,
  target: string,
  volumeFolder: string,
): Promise<void> {
  const opened: number[] = [];
  const keep = (fd: number) => {
    opened.push(fd);
    return fd;
  };
  try {
    const root = keep(fs.openSync(rootfsPath, pathOnly | O_DIRECTORY));
    const source = openSource(root, target);
    if (source === undefined) return;
    keep(source);
    const volume = keep(fs.openSync(volumeFolder, O_RDONLY | O_DIRECTORY));
    if (listFolder(volume).length > 0) return;
    new FolderCopy(source, volume).copy();
  } catch (error) {
    throw ioError(error, `copy ${target} of the image into its volume`);
  } finally {
    for (const fd of opened) fs.closeSync(fd);
  }
}

function openSource(root: number, target: string): number | undefined {
  try {
    return openInRoot(root, textToByteString(target), O_RDONLY | O_DIRECTORY);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    if (!isSystemError(error, "ENOTDIR")) throw error;
    throw new LadeError(
      "CONTAINER_INVALID",
      `cannot mount volume over existing file, file exists ${target}`,
    );
  }
}

class FolderCopy {
  readonly #source: number;
  readonly #volume: number;
  /** Where the first copy of a file with several names is, below the volume. */
  readonly #copied = new Map<string, ByteString>();

  constructor(source: number, volume: number) {
    this.#source = source;
    this.#volume = volume;
  }

  copy(): void {
    this.#copyFolder(this.#source, this.#volume, "");
    const status = statusOf(this.#source);
    setMetadata(this.#volume, ".", {
      ...status,
      xattrs: portableXattrs(this.#source),
      isSymlink: false,
    });
  }

  /** @param path of the folder, with a slash behind, or empty */
  #copyFolder(from: number, to: number, path: ByteString): void {
    for (const name of listFolder(from)) this.#copyName(from, to, { path, name });
  }

  #copyName(from: number, to: number, at: { path: ByteString; name: ByteString }): void {
    const { name } = at;
    const path = `${at.path}${name}`;
    const status = statusAt(from, name);
    const isShared = status.links > 1 && status.type !== "directory";
    const key = `${status.device} ${status.inode}`;
    const first = isShared ? this.#copied.get(key) : undefined;
    if (first !== undefined) {
      linkAt(this.#volume, first, to, name);
      return;
    }
    this.#make(from, to, { name, path, status });
    setMetadata(to, name, {
      ...status,
      xattrs: portableXattrs(pathIn(from, name)),
      isSymlink: status.type === "symlink",
    });
    if (isShared) this.#copied.set(key, path);
  }

  #make(
    from: number,
    to: number,
    file: { readonly name: ByteString; readonly path: ByteString; readonly status: FileStatus },
  ): void {
    const { name, status } = file;
    switch (status.type) {
      case "file":
        copyFile(from, to, name);
        return;
      case "symlink":
        symlinkAt(readLinkAt(from, name), to, name);
        return;
      case "directory":
        makeFolderAt(to, name, ownFolder);
        withFolders(from, to, name, (source, target) =>
          this.#copyFolder(source, target, `${file.path}/`),
        );
        return;
      default: {
        const { type, deviceMajor: major, deviceMinor: minor } = status;
        makeNodeAt(to, name, { type, mode: ownerOnly, major, minor });
      }
    }
  }
}

function withFolders(
  from: number,
  to: number,
  name: ByteString,
  work: (from: number, to: number) => void,
): void {
  const source = openAt(from, name, O_RDONLY | O_DIRECTORY);
  try {
    const target = openAt(to, name, O_RDONLY | O_DIRECTORY);
    try {
      work(source, target);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

const chunkSize = 1024 * 1024;
let chunk: Buffer | undefined;

function copyFile(from: number, to: number, name: ByteString): void {
  const source = openAt(from, name, O_RDONLY);
  try {
    const target = openAt(to, name, O_WRONLY | O_CREAT | O_EXCL, ownerOnly);
    try {
      copyBytes(source, target);
    } finally {
      fs.closeSync(target);
    }
  } finally {
    fs.closeSync(source);
  }
}

function copyBytes(source: number, target: number): void {
  const { size } = statusOf(source);
  chunk ??= Buffer.allocUnsafeSlow(chunkSize);
  for (const run of dataRuns(source, size)) {
    const end = run.offset + run.size;
    for (let at = run.offset; at < end; ) {
      const count = fs.readSync(source, chunk, 0, Math.min(chunkSize, end - at), at);
      if (count === 0) break;
      writeWhole(target, chunk.subarray(0, count), at);
      at += count;
    }
  }
  // The last bytes may be a hole.
  fs.ftruncateSync(target, size);
}

/** write(2) may take less than it was given. */
export function writeWhole(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
  }
}
