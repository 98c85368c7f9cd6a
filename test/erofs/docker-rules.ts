// SPDX-License-Identifier: Apache-2.0

/**
 * What Docker does with a layer's entries, with real files: what is in the way goes, unless both
 * are folders; parents that are missing are made; symlinks on the way are followed.
 *
 * @see moby/go-archive, `Unpack` and `createTarFile`
 */

import * as fs from "node:fs";
import * as file from "../../src/sys/file.ts";
import { setXattr } from "../../src/sys/xattr.ts";
import type { TarEntry } from "../../src/tar/entry.ts";

/**
 * @returns which of the entries Docker would refuse the layer for, or that need a root of their own;
 *   undefined for none
 */
export function simulateDocker(root: string, entries: Iterable<TarEntry>): number | undefined {
  const at = (path: string) =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
  let index = 0;
  for (const entry of entries) {
    // Only `chroot` keeps such a symlink inside.
    if (entry.type === "symlink" && entry.linkPath.startsWith("/")) return index;
    try {
      unpackEntry(at, entry);
    } catch (error) {
      if (error instanceof Error && "code" in error) return index;
      throw error;
    }
    index++;
  }
  return undefined;
}

type At = (path: string) => Buffer;

function unpackEntry(at: At, entry: TarEntry): void {
  const path = at(entry.path);
  const slash = entry.path.lastIndexOf("/");
  if (slash > 0) makeParents(at, entry.path.slice(0, slash));
  const old = fs.lstatSync(path, { throwIfNoEntry: false });
  const isMerged = old?.isDirectory() === true && entry.type === "directory";
  if (old !== undefined && !isMerged) fs.rmSync(path, { recursive: true });
  make(at, entry, { path, isMerged });
  const folder = fs.openSync(path.subarray(0, path.lastIndexOf("/")), "r");
  try {
    const name = path.subarray(path.lastIndexOf("/") + 1);
    const isSymlink = fs.lstatSync(path).isSymbolicLink();
    if (entry.type === "hardlink" && isSymlink) return;
    file.changeOwnerAt(folder, name, entry.uid, entry.gid);
    for (const [key, value] of entry.xattrs) setXattr(path, key, Buffer.from(value, "latin1"));
    if (!isSymlink) file.changeModeAt(folder, name, entry.mode);
  } finally {
    fs.closeSync(folder);
  }
}

function makeParents(at: At, parent: string): void {
  // Docker looks at the parent itself: a symlink counts as there.
  if (fs.lstatSync(at(parent), { throwIfNoEntry: false }) !== undefined) return;
  const parts = parent.split("/");
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = at(parts.slice(0, depth).join("/"));
    if (fs.statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    fs.mkdirSync(path);
    // In a folder with setgid the kernel passes that on; lade does not.
    fs.chownSync(path, 0, 0);
    fs.chmodSync(path, 0o755);
  }
}

function make(
  at: At,
  entry: TarEntry,
  { path, isMerged }: { readonly path: Buffer; readonly isMerged: boolean },
): void {
  const { type, deviceMajor: major, deviceMinor: minor } = entry;
  const slash = path.lastIndexOf("/");
  if (type === "directory") {
    if (!isMerged) fs.mkdirSync(path, { mode: 0o700 });
  } else if (type === "file") {
    fs.writeFileSync(path, Buffer.alloc(entry.size, entry.path, "latin1"), { flag: "wx" });
  } else if (type === "symlink") {
    fs.symlinkSync(Buffer.from(entry.linkPath, "latin1"), path);
  } else if (type === "hardlink") {
    fs.linkSync(at(entry.linkPath), path);
  } else {
    const folder = fs.openSync(path.subarray(0, slash), "r");
    file.makeNodeAt(folder, path.subarray(slash + 1), { type, mode: 0, major, minor });
    fs.closeSync(folder);
  }
}
