// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { skippableStream, walkTar } from "../archive/walk-tar.ts";
import type { ByteSource } from "../base/bytes.ts";
import { isSystemError, LadeError } from "../base/errors.ts";
import { goQuote } from "../spec/go-quote.ts";
import {
  linkAt,
  makeFolderAt,
  makeNodeAt,
  nameFileAt,
  openAt,
  openUnnamedAt,
  setTimesAt,
  symlinkAt,
} from "../sys/file.ts";
import { type FileStatus, statusAtIfThere } from "../sys/status.ts";
import { type ByteString, byteStringToText, type TarEntry } from "../tar/entry.ts";
import { writeWhole } from "./copy-up.ts";
import { setMetadata } from "./metadata.ts";
import { removeTreeAt } from "./remove-tree.ts";
import { type FoundPath, findPath, type RootView } from "./resolve.ts";
import { isPortableXattr } from "./tree.ts";

export interface ExtractOptions {
  /** Refuse to put a file in place of a folder, or a folder in place of a file. */
  readonly keepsTypes: boolean;
  /** Whose everything is to be; undefined: as the tar says. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Target {
  readonly view: RootView;
  /** The folder to extract into, absolute and without symlinks. */
  readonly folder: ByteString;
}

const ownerOnly = 0o600;
const ownFolder = 0o700;
const impliedFolder = 0o755;

/** Where a member can't be made for what is, or is not, in its place: the machine is well. */
const memberFaults = [
  ["ENOENT", "what it leads to is not there"],
  // The folder above is a symlink that leads nowhere.
  ["EEXIST", "what it leads to is not there"],
  ["ENOTDIR", "what it lies in is no directory"],
  ["ELOOP", "too many levels of symbolic links"],
  ["ENAMETOOLONG", "the name is too long"],
  ["EXDEV", "a hard link to another file system"],
] as const;

/**
 * Extracts a tar into a folder of a container.
 *
 * Names are taken as `docker cp` takes them: below the folder, through symlinks as the container
 * would follow them, never out of its root. What is there is removed first, unless a folder comes to
 * a folder.
 *
 * Source: `Unpack` and `createTarFile` of moby (pkg/archive).
 *
 * @throws LadeError NAME_ESCAPES, CONTAINER_CONFLICT for types that must not change,
 *   CONTAINER_INVALID for a member that has no place there, TAR_*; SystemError
 */
export async function extractArchive(
  target: Target,
  source: ByteSource,
  options: ExtractOptions,
): Promise<void> {
  using extraction = new Extraction(target, options);
  const { signal } = options;
  await walkTar(skippableStream(source, { onRead: () => undefined, signal }), {
    place: "archive",
    onEntry: async (entry, data) => {
      signal?.throwIfAborted();
      await extraction.take(entry, data);
    },
  });
  extraction.finish();
}

interface FolderTimes {
  readonly path: ByteString;
  readonly modified: FileStatus["modified"];
}

class Extraction implements Disposable {
  readonly #target: Target;
  readonly #options: ExtractOptions;
  /** Files that come into a folder change its time, so folders get theirs last. */
  readonly #folders: FolderTimes[] = [];
  #parent: { readonly path: ByteString; readonly found: FoundPath } | undefined;

  constructor(target: Target, options: ExtractOptions) {
    this.#target = target;
    this.#options = options;
  }

  async take(entry: TarEntry, data: ByteSource): Promise<void> {
    try {
      await this.#extract(entry, data);
    } catch (error) {
      const fault = memberFaults.find(([code]) => isSystemError(error, code))?.[1];
      if (fault === undefined) throw error;
      const shown = goQuote(byteStringToText(entry.path));
      throw new LadeError("CONTAINER_INVALID", `${shown}: ${fault}`, { cause: error });
    }
  }

  async #extract(entry: TarEntry, data: ByteSource): Promise<void> {
    const path = cleanName(entry.path, this.#target.folder);
    // The folder to extract into stays what it is: `cp src/. box:/tmp` takes no mode to `/tmp`.
    if (path === "") return;
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    const folder = this.#parentOf(path.slice(0, Math.max(0, slash)));
    const room = this.#makeRoom(folder, name, entry);
    if (room === "file") await replaceFile(folder, name, { entry, data });
    else if (room === "free") await this.#make(folder, { name, entry, data });
    if (entry.type === "hardlink") return;
    this.#describe(folder, name, entry);
    if (entry.type === "directory") this.#folders.push({ path, modified: timeOf(entry) });
  }

  finish(): void {
    for (const { path, modified } of this.#folders.reverse()) {
      const slash = path.lastIndexOf("/");
      const folder = this.#parentOf(path.slice(0, Math.max(0, slash)));
      const name = path.slice(slash + 1);
      try {
        setTimesAt(folder, name, { accessed: modified, modified });
      } catch (error) {
        // A later member or the container itself has taken it away.
        if (!isSystemError(error, "ENOENT")) throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#parent?.found[Symbol.dispose]();
  }

  /** The open folder that a path below the target lies in; it is made where it is missing. */
  #parentOf(path: ByteString): number {
    if (this.#parent?.path === path) return this.#parent.found.fd;
    const found = this.#openFolder(path);
    this.#parent?.found[Symbol.dispose]();
    this.#parent = { path, found };
    return found.fd;
  }

  #openFolder(path: ByteString): FoundPath {
    const { view, folder } = this.#target;
    const whole = `${folder}/${path}/.`;
    try {
      return findPath(view, whole, { followLast: true });
    } catch (error) {
      if (path === "" || !isSystemError(error, "ENOENT")) throw error;
    }
    const slash = path.lastIndexOf("/");
    using parent = this.#openFolder(path.slice(0, Math.max(0, slash)));
    const name = path.slice(slash + 1);
    makeFolderAt(parent.fd, name, impliedFolder);
    const { uid = 0, gid = 0 } = this.#options.owner ?? {};
    const modified = { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 };
    const metadata = { mode: impliedFolder, uid, gid, modified, xattrs: [], isSymlink: false };
    setMetadata(parent.fd, name, metadata);
    return findPath(view, whole, { followLast: true });
  }

  /**
   * @returns `file`: there is a file yet, for another to take its place; `taken`: a folder that
   *   stays where a folder comes
   */
  #makeRoom(folder: number, name: ByteString, entry: TarEntry): "free" | "file" | "taken" {
    const there = statusAtIfThere(folder, name);
    if (there === undefined) return "free";
    const isFolder = there.type === "directory";
    const comesAsFolder = entry.type === "directory";
    if (isFolder && comesAsFolder) return "taken";
    if (this.#options.keepsTypes && isFolder !== comesAsFolder) {
      throw typeConflict(cleanName(entry.path, ""), this.#target.folder, isFolder);
    }
    if (there.type === "file" && entry.type === "file") return "file";
    removeTreeAt(folder, name);
    return "free";
  }

  async #make(
    folder: number,
    member: { readonly name: ByteString; readonly entry: TarEntry; readonly data: ByteSource },
  ): Promise<void> {
    const { name, entry, data } = member;
    switch (entry.type) {
      case "file":
        await writeFile(folder, name, { entry, data });
        return;
      case "directory":
        makeFolderAt(folder, name, ownFolder);
        return;
      case "symlink":
        symlinkAt(entry.linkPath, folder, name);
        return;
      case "hardlink":
        this.#link(folder, name, entry);
        return;
      default: {
        const { type, deviceMajor: major, deviceMinor: minor } = entry;
        if (type === "character" && major === 0 && minor === 0) {
          const shown = goQuote(byteStringToText(entry.path));
          const why = "a device 0:0 stands for a removed file, which no archive can say";
          throw new LadeError("CONTAINER_INVALID", `${shown}: ${why}`);
        }
        makeNodeAt(folder, name, { type, mode: ownerOnly, major, minor });
      }
    }
  }

  #link(folder: number, name: ByteString, entry: TarEntry): void {
    const path = cleanName(entry.linkPath, this.#target.folder);
    const slash = path.lastIndexOf("/");
    const { view, folder: root } = this.#target;
    const whole = `${root}/${path.slice(0, Math.max(0, slash))}/.`;
    using parent = findPath(view, whole, { followLast: true });
    linkAt(parent.fd, path.slice(slash + 1), folder, name);
  }

  #describe(folder: number, name: ByteString, entry: TarEntry): void {
    const { uid, gid } = this.#options.owner ?? entry;
    setMetadata(folder, name, {
      mode: entry.mode,
      uid,
      gid,
      modified: timeOf(entry),
      xattrs: entry.xattrs.filter(([key]) => isPortableXattr(key)),
      isSymlink: entry.type === "symlink",
    });
  }
}

function timeOf(entry: TarEntry): FileStatus["modified"] {
  return { seconds: entry.mtimeSeconds, nanoseconds: entry.mtimeNanoseconds };
}

/**
 * A name as Go's `filepath.Clean` makes it of one below the folder.
 *
 * @throws LadeError NAME_ESCAPES for one that leads above the folder
 */
function cleanName(name: ByteString, folder: ByteString): ByteString {
  const parts: ByteString[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") {
      parts.push(part);
      continue;
    }
    // In a name that begins at the root, `..` stops there.
    if (parts.pop() !== undefined || name.startsWith("/")) continue;
    const [shown, place] = [name, folder].map((text) => goQuote(byteStringToText(text)));
    throw new LadeError("NAME_ESCAPES", `${shown} is outside of ${place}`, {
      hint: "No sound tar has such a name: do not trust where it comes from.",
    });
  }
  return parts.join("/");
}

/** @param name below the folder */
function typeConflict(name: ByteString, folder: ByteString, isFolder: boolean): LadeError {
  const [from, to] = isFolder ? ["directory", "non-directory"] : ["non-directory", "directory"];
  const whole = folder === "/" ? `/${name}` : `${folder}/${name}`;
  const [shown, place] = [whole, folder].map((text) => goQuote(byteStringToText(text)));
  return new LadeError(
    "CONTAINER_CONFLICT",
    `cannot overwrite ${from} ${shown} with ${to} ${place}`,
  );
}

const chunkSize = 256 * 1024;

interface FileMember {
  readonly entry: TarEntry;
  readonly data: ByteSource;
}

async function writeFile(folder: number, name: ByteString, file: FileMember): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const fd = openAt(folder, name, O_WRONLY | O_CREAT | O_EXCL, ownerOnly);
  try {
    await writeContent(fd, file);
  } finally {
    fs.closeSync(fd);
  }
}

/** The file that is there goes only when the other is whole: a full disk costs nobody the old one. */
async function replaceFile(folder: number, name: ByteString, file: FileMember): Promise<void> {
  const fd = openUnnamedAt(folder, ownerOnly);
  if (fd === undefined) {
    removeTreeAt(folder, name);
    await writeFile(folder, name, file);
    return;
  }
  try {
    await writeContent(fd, file);
    removeTreeAt(folder, name);
    nameFileAt(fd, folder, name);
  } finally {
    fs.closeSync(fd);
  }
}

async function writeContent(fd: number, { entry, data }: FileMember): Promise<void> {
  const runs = entry.sparse ?? [{ offset: 0, size: entry.size }];
  const chunk = Buffer.allocUnsafe(Math.min(chunkSize, Math.max(1, entry.storedSize)));
  for (const run of runs) {
    for (let done = 0; done < run.size; ) {
      const wanted = chunk.subarray(0, Math.min(chunk.length, run.size - done));
      const count = await data.read(wanted);
      if (count === 0) throw new LadeError("TAR_TRUNCATED", "archive: unexpected EOF");
      writeWhole(fd, wanted.subarray(0, count), run.offset + done);
      done += count;
    }
  }
  if (entry.sparse !== undefined) fs.ftruncateSync(fd, entry.size);
}
