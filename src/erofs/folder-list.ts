// SPDX-License-Identifier: Apache-2.0

import type { LayerTree } from "./layer-tree.ts";
import { type NameTable, noNode, parentName, selfName } from "./name-table.ts";
import { blockSize } from "./superblock.ts";

/** Bytes of an entry of a folder, without its name. */
export const direntSize = 12;

/**
 * The folders of a tree in the order in which they are found, each with its names in the order of
 * their bytes.
 */
export class FolderList {
  count = 0;
  readonly #tree: LayerTree;
  /** The node of a folder. */
  readonly node: Int32Array;
  /** The node of the folder that it lies in. */
  readonly parent: Int32Array;
  /** Bytes of the folder's entries. */
  readonly size: Float64Array;
  /** Where its names begin in `names`; the next folder's begin where they end. */
  readonly start: Int32Array;
  /** `.` and `..` among them. */
  readonly names: Int32Array;
  readonly #scratch: Int32Array;

  constructor(tree: LayerTree) {
    this.#tree = tree;
    const { nodes, names } = tree;
    let folders = 0;
    for (let node = 0; node < nodes.count; node++) if (nodes.isDirectory(node)) folders++;
    this.node = new Int32Array(folders);
    this.parent = new Int32Array(folders);
    this.size = new Float64Array(folders);
    this.start = new Int32Array(folders + 1);
    this.names = new Int32Array(names.count + 2 * folders);
    this.#scratch = new Int32Array(names.count + 2);
  }

  /** Adds a folder and sorts its names. */
  add(node: number, parent: number): number {
    const folder = this.count++;
    const start = this.start[folder] as number;
    const sorted = this.#sortedNames(node);
    this.names.set(sorted, start);
    this.node[folder] = node;
    this.parent[folder] = parent;
    this.size[folder] = entriesSize(this.#tree.names, sorted);
    this.start[folder + 1] = start + sorted.length;
    return folder;
  }

  #sortedNames(node: number): Int32Array {
    const { nodes, names } = this.#tree;
    const scratch = this.#scratch;
    // Names are linked newest first; filled in from the end they are in the tar's order.
    let first = scratch.length;
    for (let next = nodes.place(node); next > 0; next = names.previous(next - 1)) {
      if (names.node(next - 1) !== noNode) scratch[--first] = next - 1;
    }
    const lowest = scratch[first];
    // `..` comes before most names.
    const isBehind = lowest === undefined || names.compare(parentName, lowest) < 0;
    scratch[--first] = parentName;
    scratch[--first] = selfName;
    const sorted = scratch.subarray(first);
    if (!isBehind || !nodes.isOrdered(node)) sorted.sort((a, b) => names.compare(a, b));
    return sorted;
  }
}

/** A folder is cut into blocks, none of which an entry crosses. */
function entriesSize(names: NameTable, list: Int32Array): number {
  let blocks = 0;
  let used = 0;
  for (let index = 0; index < list.length; index++) {
    const needed = direntSize + names.length(list[index] as number);
    if (used + needed > blockSize) {
      blocks++;
      used = 0;
    }
    used += needed;
  }
  return blocks * blockSize + used;
}
