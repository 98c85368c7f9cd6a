// SPDX-License-Identifier: Apache-2.0

import { modeTypes } from "../erofs/node-table.ts";
import { keptXattrs } from "../erofs/xattrs.ts";
import type { ByteString, TarEntry } from "../tar/entry.ts";
import { layerPath } from "../tar/layer-path.ts";
import { compareNames, type FolderNode, isFolder, plainFolder, type TreeNode } from "./tree.ts";

/** NAME_MAX of <linux/limits.h>. */
const nameMax = 255;
const symlinkMode = 0o777;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * The tree of a layer that has nothing unusual: each path once and behind its folder, no whiteouts,
 * hard links that say what their files say. That is what the large layers of images are like, and
 * half of the work.
 *
 * @param layer the layer's number, for its nodes
 * @returns undefined for any other layer, of which `buildLayerTree` knows what it means
 */
export function plainLayerTree(entries: Iterable<TarEntry>, layer: number): FolderNode | undefined {
  const builder = new PlainBuilder(layer);
  for (const entry of entries) if (!builder.add(entry)) return undefined;
  return builder.root;
}

class PlainBuilder {
  root: FolderNode = plainFolder();
  readonly #layer: number;
  readonly #folders = new Map<ByteString, FolderNode>();
  #isEmpty = true;
  /** Most entries lie in the folder of the one before. */
  #lastPath: ByteString = "";
  #lastFolder: FolderNode = this.root;

  constructor(layer: number) {
    this.#layer = layer;
  }

  /** @returns false for what is unusual */
  add(entry: TarEntry): boolean {
    const { path, type } = entry;
    if (path === "") return this.#addRoot(entry);
    this.#isEmpty = false;
    const slash = path.lastIndexOf("/");
    const folder = this.#folderOf(slash < 0 ? "" : path.slice(0, slash));
    const name = slash < 0 ? path : path.slice(slash + 1);
    if (folder === undefined || folder.children.has(name)) return false;
    if (name.length > nameMax || name.startsWith(".wh.")) return false;
    const node = type === "hardlink" ? this.#linked(entry) : this.#make(entry);
    if (node === undefined) return false;
    folder.children.set(name, node);
    if (isFolder(node)) this.#folders.set(path, node);
    return true;
  }

  #addRoot(entry: TarEntry): boolean {
    const node = entry.type === "directory" && this.#isEmpty ? this.#make(entry) : undefined;
    if (!isFolder(node)) return false;
    this.#isEmpty = false;
    this.root = node;
    this.#lastFolder = node;
    return true;
  }

  #folderOf(path: ByteString): FolderNode | undefined {
    if (path === this.#lastPath) return this.#lastFolder;
    const folder = path === "" ? this.root : this.#folders.get(path);
    if (folder === undefined) return undefined;
    this.#lastPath = path;
    this.#lastFolder = folder;
    return folder;
  }

  #make(entry: TarEntry): TreeNode | undefined {
    const { type, size } = entry;
    const isDevice = type === "character" || type === "block";
    if (type === "hardlink" || (type === "character" && isWhiteout(entry))) return undefined;
    const xattrs = xattrsOf(entry);
    if (xattrs === undefined) return undefined;
    return {
      type,
      mode: type === "symlink" ? symlinkMode : entry.mode % 0o10000,
      uid: entry.uid,
      gid: entry.gid,
      mtimeSeconds: entry.mtimeSeconds,
      mtimeNanoseconds: entry.mtimeNanoseconds,
      size: type === "file" ? size : 0,
      linkPath: type === "symlink" ? entry.linkPath : "",
      deviceMajor: isDevice ? entry.deviceMajor : 0,
      deviceMinor: isDevice ? entry.deviceMinor : 0,
      xattrs,
      content: type === "file" ? this.#content(entry) : undefined,
      isShared: false,
      isOpaque: false,
      children: type === "directory" ? new Map() : undefined,
    };
  }

  #content({ dataOffset, storedSize, sparse }: TarEntry): TreeNode["content"] {
    return { type: "tar", layer: this.#layer, offset: dataOffset, storedSize, sparse };
  }

  /** The node of an earlier entry, where the link says nothing else of it. */
  #linked(entry: TarEntry): TreeNode | undefined {
    const target = layerPath(entry.linkPath, () => "layer");
    const slash = target.lastIndexOf("/");
    const folder = this.#folderOf(slash < 0 ? "" : target.slice(0, slash));
    const node = folder?.children.get(target.slice(slash + 1));
    if (node === undefined || isFolder(node)) return undefined;
    if (node.type !== "symlink" && !saysTheSame(entry, node)) return undefined;
    (node as Mutable<TreeNode>).isShared = true;
    return node;
  }
}

function isWhiteout({ deviceMajor, deviceMinor }: TarEntry): boolean {
  return deviceMajor === 0 && deviceMinor === 0;
}

function saysTheSame(entry: TarEntry, node: TreeNode): boolean {
  return (
    entry.xattrs.length === 0 &&
    entry.mode % 0o10000 === node.mode &&
    entry.uid === node.uid &&
    entry.gid === node.gid &&
    entry.mtimeSeconds === node.mtimeSeconds &&
    entry.mtimeNanoseconds === node.mtimeNanoseconds
  );
}

/** @returns undefined for some that can't be */
function xattrsOf({ xattrs, type, mode }: TarEntry): TreeNode["xattrs"] | undefined {
  if (xattrs.length === 0) return xattrs;
  if (type === "hardlink") return undefined;
  const permissions = type === "symlink" ? symlinkMode : mode % 0o10000;
  const kept = keptXattrs([...new Map(xattrs)], modeTypes[type] + permissions);
  return Array.isArray(kept) ? kept.toSorted(([a], [b]) => compareNames(a, b)) : undefined;
}
