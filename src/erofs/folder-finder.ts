// SPDX-License-Identifier: Apache-2.0

import type { ByteString } from "../tar/entry.ts";
import { type NameTable, noNode } from "./name-table.ts";
import { type NodeTable, nodeFields } from "./node-table.ts";
import type { TargetList } from "./target-list.ts";

/** The path leads through a file, a device, or symlinks without end. */
export const notFolder = -1;
/** The path leads into a folder of aufs's own, which every reader passes over. */
export const passedOver = -2;
/** A part of the path is longer than any file system takes. */
export const tooLong = -3;

/** NAME_MAX of <linux/limits.h>. */
export const nameMax = 255;
/** MAXSYMLINKS of the kernel. */
const maxLinks = 40;
/** Most paths lie in a folder that was seen a moment ago. */
const cacheSize = 4096;
const aufsPrefix = ".wh..wh.";

export interface FolderFinderOptions {
  readonly root: number;
  /** The node of whiteouts, which are no files of this layer. */
  readonly whiteout: number;
  readonly targets: TargetList;
  /** Makes a folder under a name that another folder has. */
  readonly makeFolder: (name: number, parent: number) => number;
}

/**
 * Finds the folders that paths lead to, through symlinks of the same layer, as the kernel does for
 * whoever unpacks the layer with its root as `/`: nothing leads out.
 */
export class FolderFinder {
  readonly #nodes: NodeTable;
  readonly #names: NameTable;
  readonly #options: FolderFinderOptions;
  readonly #cache = new Map<ByteString, number>();
  #lastPath: ByteString = "";
  #lastFolder = 0;

  constructor(nodes: NodeTable, names: NameTable, options: FolderFinderOptions) {
    this.#nodes = nodes;
    this.#names = names;
    this.#options = options;
  }

  /** The folder `path.slice(0, end)`; makes those that are not there. */
  find(path: ByteString, end: number): number {
    if (end === this.#lastPath.length && path.startsWith(this.#lastPath)) return this.#lastFolder;
    const folderPath = path.slice(0, end);
    let folder = this.#cache.get(folderPath);
    if (folder === undefined) {
      folder = this.#walk(folderPath, { makes: true });
      this.#remember(folderPath, folder);
    }
    this.#lastPath = folderPath;
    this.#lastFolder = folder;
    return folder;
  }

  /** Says that a path leads to this folder, where the next entries will mostly lie. */
  expect(path: ByteString, folder: number): void {
    this.#remember(path, folder);
    this.#lastPath = path;
    this.#lastFolder = folder;
  }

  #remember(path: ByteString, folder: number): void {
    if (this.#cache.size >= cacheSize) this.#cache.clear();
    this.#cache.set(path, folder);
  }

  /** The folder `path.slice(0, end)`; `notFolder` where it is not there. */
  findExisting(path: ByteString, end: number): number {
    return this.#cache.get(path.slice(0, end)) ?? this.#walk(path.slice(0, end), { makes: false });
  }

  /** To be called when a path may lead elsewhere from now on. */
  forget(): void {
    this.#cache.clear();
    this.#lastPath = "";
    this.#lastFolder = this.#options.root;
  }

  #walk(path: ByteString, { makes }: { readonly makes: boolean }): number {
    const trail: number[] = [];
    let folder = this.#options.root;
    let rest = path;
    let links = 0;
    for (let start = 0; start < rest.length; ) {
      const slash = rest.indexOf("/", start);
      const end = slash < 0 ? rest.length : slash;
      const size = end - start;
      if (size === 2 && rest.startsWith("..", start)) {
        folder = trail.pop() ?? this.#options.root;
      } else if (size > 1 || (size === 1 && rest[start] !== ".")) {
        const node = this.#step(folder, rest, { start, end, makes });
        if (node < 0) return node;
        if (this.#nodes.isSymlink(node)) {
          if (++links > maxLinks) return notFolder;
          const target = this.#targetOf(node);
          rest = `${target}/${rest.slice(end + 1)}`;
          start = 0;
          if (!target.startsWith("/")) continue;
          trail.length = 0;
          folder = this.#options.root;
          continue;
        }
        if (!this.#nodes.isDirectory(node)) return notFolder;
        trail.push(folder);
        folder = node;
      }
      start = end + 1;
    }
    return folder;
  }

  #targetOf(symlink: number): ByteString {
    const { detail, sizeLow } = nodeFields;
    const size = this.#nodes.field(symlink, sizeLow);
    return this.#options.targets.text(this.#nodes.field(symlink, detail), size);
  }

  /** What a name in a folder stands for. */
  #step(
    folder: number,
    path: ByteString,
    part: { readonly start: number; readonly end: number; readonly makes: boolean },
  ): number {
    const { start, end, makes } = part;
    if (path.startsWith(aufsPrefix, start)) return passedOver;
    if (end - start > nameMax) return tooLong;
    const found = this.#names.find(folder, path, start, end);
    const node = found < 0 ? noNode : this.#names.node(found);
    const isMissing = node === noNode || node === this.#options.whiteout;
    if (!isMissing) return node;
    if (!makes) return notFolder;
    const name = found < 0 ? this.#names.add(folder, path, { start, end, found }) : found;
    return this.#options.makeFolder(name, folder);
  }
}
