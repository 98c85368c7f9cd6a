// SPDX-License-Identifier: Apache-2.0

/**
 * What every container has besides its image: places to mount things on, and files by which
 * programs know where they run.
 *
 * As in Docker they make a layer between the image and the container's changes, so that they are in
 * the container and in its export, but are no change of it.
 *
 * Source: `Setup` of moby (daemon/initlayer).
 */

import * as fs from "node:fs";
import { join } from "node:path";
import { isSystemError } from "../base/errors.ts";
import { openAt, setTimesAt } from "../sys/file.ts";
import { removeAll } from "../sys/remove-all.ts";
import { type FileStatus, statusAtIfThere } from "../sys/status.ts";
import { getXattr } from "../sys/xattr.ts";
import { pathIn, portableXattrs, setMetadata } from "./metadata.ts";
import {
  type FolderNode,
  isFolder,
  nodeAt,
  plainFolder,
  plainNode,
  type TreeNode,
} from "./tree.ts";

interface InitFile {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
}

const linkTarget = "/proc/mounts";

const initFiles: readonly InitFile[] = [
  { path: ".dockerenv", type: "file" },
  { path: "dev/console", type: "file" },
  { path: "dev/pts", type: "directory" },
  { path: "dev/shm", type: "directory" },
  { path: "etc/hostname", type: "file" },
  { path: "etc/hosts", type: "file" },
  { path: "etc/mtab", type: "symlink" },
  { path: "etc/resolv.conf", type: "file" },
  { path: "proc", type: "directory" },
  { path: "sys", type: "directory" },
];

const initMode = 0o755;
const linkMode = 0o777;

/** A folder that the image has stays what it is; a file is replaced. */
function isKept(file: InitFile, typeInImage: string | undefined): boolean {
  return typeInImage === "directory" && file.type !== "symlink";
}

/**
 * The layer as a tree, to be laid over the image's.
 *
 * @param image the image's own tree
 * @param madeMs when the container was made, in milliseconds since 1970
 */
export function initTree(image: FolderNode, madeMs: number): FolderNode {
  const times = {
    mtimeSeconds: Math.floor(madeMs / 1000),
    mtimeNanoseconds: (madeMs % 1000) * 1_000_000,
  };
  const root: FolderNode = { ...image, ...times, isOpaque: false, children: new Map() };
  for (const file of initFiles) {
    if (isKept(file, nodeAt(image, file.path)?.type)) continue;
    const [folderName, name = folderName] = file.path.split("/") as [string, string?];
    const folder = folderName === name ? root : folderOf(root, image, folderName, times);
    folder.children.set(name, initNode(file, times));
  }
  return root;
}

function folderOf(
  root: FolderNode,
  image: FolderNode,
  name: string,
  times: Pick<TreeNode, "mtimeSeconds" | "mtimeNanoseconds">,
): FolderNode {
  const made = root.children.get(name);
  if (isFolder(made)) return made;
  const below = image.children.get(name);
  const like = isFolder(below) ? below : plainFolder();
  const folder: FolderNode = { ...like, ...times, isOpaque: false, children: new Map() };
  root.children.set(name, folder);
  return folder;
}

function initNode(
  file: InitFile,
  times: Pick<TreeNode, "mtimeSeconds" | "mtimeNanoseconds">,
): TreeNode {
  if (file.type === "directory") return { ...plainFolder(), ...times };
  if (file.type === "file") return { ...plainNode, ...times, type: "file", mode: initMode };
  return { ...plainNode, ...times, type: "symlink", mode: linkMode, linkPath: linkTarget };
}

/**
 * Makes the layer as a folder, to be mounted between the layers and the container's upper folder.
 *
 * @param folder does not exist yet, or is what a killed process left half made
 * @param lowers folders of the mounted layers, lowest first
 */
export function makeInitFolder(
  folder: string,
  options: { readonly lowers: readonly string[]; readonly madeMs: number },
): void {
  removeAll(folder);
  fs.mkdirSync(folder, { mode: initMode });
  fs.chmodSync(folder, initMode);
  using image = openLayers(options.lowers);
  const folders = new Set<string>();
  const made: string[] = [];
  for (const file of initFiles) {
    const [folderName, name] = file.path.split("/") as [string, string?];
    if (isKept(file, image.find(file.path)?.type)) continue;
    if (name !== undefined && !folders.has(folderName)) {
      fs.mkdirSync(join(folder, folderName), { mode: initMode });
      fs.chmodSync(join(folder, folderName), initMode);
      folders.add(folderName);
    }
    makeFile(join(folder, file.path), file);
    made.push(file.path);
  }
  const nanoseconds = (options.madeMs % 1000) * 1_000_000;
  const modified = { seconds: Math.floor(options.madeMs / 1000), nanoseconds };
  const fd = fs.openSync(folder, fs.constants.O_DIRECTORY);
  try {
    for (const name of folders) image.describe(fd, name);
    for (const path of [...made, ...folders])
      setTimesAt(fd, path, { accessed: modified, modified });
  } finally {
    fs.closeSync(fd);
  }
}

function makeFile(path: string, file: InitFile): void {
  if (file.type === "symlink") {
    fs.symlinkSync(linkTarget, path);
    return;
  }
  if (file.type === "directory") fs.mkdirSync(path);
  else fs.writeFileSync(path, "", { flag: "wx" });
  // The umask may have taken bits away.
  fs.chmodSync(path, initMode);
}

interface OpenLayers extends Disposable {
  /** What the layers together have at a path of one or two names. */
  find(path: string): FileStatus | undefined;
  /** Gives a folder of the init layer what the image's folder of the name has. */
  describe(initFd: number, name: string): void;
}

const folderFlags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;

/** Looks into layers as overlayfs does: from the top, through folders, until something hides the rest. */
function openLayers(lowers: readonly string[]): OpenLayers {
  const opened: number[] = [];
  const open = (call: () => number) => {
    const fd = call();
    opened.push(fd);
    return fd;
  };
  const tops = lowers.map((path) => open(() => fs.openSync(path, folderFlags))).reverse();
  const folders = new Map<string, number[]>();
  const foldersOf = (name: string): number[] => {
    let found = folders.get(name);
    if (found === undefined) {
      found = [];
      for (const fd of tops) {
        const status = statusAtIfThere(fd, name);
        if (status === undefined) continue;
        if (status.type !== "directory") break;
        found.push(open(() => openAt(fd, name, folderFlags)));
        if (isOpaque(fd, name)) break;
      }
      folders.set(name, found);
    }
    return found;
  };
  return {
    find(path) {
      const [first, second] = path.split("/") as [string, string?];
      return second === undefined ? topmost(tops, first) : topmost(foldersOf(first), second);
    },
    describe(initFd, name) {
      const [top] = foldersOf(name);
      if (top === undefined) return;
      const status = statusAtIfThere(top, ".");
      if (status === undefined) return;
      const xattrs = portableXattrs(top);
      setMetadata(initFd, name, { ...status, xattrs, isSymlink: false });
    },
    [Symbol.dispose]() {
      for (const fd of opened) fs.closeSync(fd);
    },
  };
}

function topmost(folders: readonly number[], name: string): FileStatus | undefined {
  for (const fd of folders) {
    const status = statusAtIfThere(fd, name);
    if (status === undefined) continue;
    const { type, deviceMajor, deviceMinor } = status;
    const isWhiteout = type === "character" && deviceMajor === 0 && deviceMinor === 0;
    return isWhiteout ? undefined : status;
  }
  return undefined;
}

function isOpaque(fd: number, name: string): boolean {
  try {
    return getXattr(pathIn(fd, name), "trusted.overlay.opaque")?.toString() === "y";
  } catch (error) {
    if (isSystemError(error, "EPERM")) return false;
    throw error;
  }
}
