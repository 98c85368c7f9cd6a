// SPDX-License-Identifier: Apache-2.0

import type { LayerTree } from "./layer-tree.ts";
import { noNode, parentName, selfName } from "./name-table.ts";
import { nodeFields } from "./node-table.ts";
import { blockSize } from "./superblock.ts";

/** Bytes of an entry of a folder, without its name. */
export const direntSize = 12;

/** The folders of a tree, each with its names in the order of their bytes, cut into blocks. */
export class FolderList {
  readonly #tree: LayerTree;
  count = 0;
  /** The node of a folder. */
  readonly node: Int32Array;
  /** Bytes of the folder's entries. */
  readonly size: Float64Array;
  /** Where its blocks begin in `blocks`; the next folder's begin where they end. */
  readonly firstBlock: Int32Array;
  /** Where each block's names begin in `names`; the next block's begin where they end. */
  readonly blocks: number[] = [0];
  /** `.` and `..` among them. */
  readonly names: Int32Array;
  #used = 0;

  constructor(tree: LayerTree) {
    this.#tree = tree;
    const folders = tree.folders.length;
    this.node = new Int32Array(folders);
    this.size = new Float64Array(folders);
    this.firstBlock = new Int32Array(folders + 1);
    this.names = new Int32Array(tree.names.count + 2 * folders);
  }

  /** Adds a folder, whose names come to lie behind those of the one before. */
  add(node: number): number {
    const folder = this.count++;
    this.node[folder] = node;
    const start = this.#used;
    this.#used = this.#gatherNames(node, start);
    this.size[folder] = this.#cut(start, this.#used);
    this.firstBlock[folder + 1] = this.blocks.length - 1;
    return folder;
  }

  #gatherNames(node: number, start: number): number {
    const { nodes, names } = this.#tree;
    const list = this.names;
    let end = start + 2;
    for (
      let next = nodes.field(node, nodeFields.detail);
      next > 0;
      next = names.previous(next - 1)
    ) {
      if (names.node(next - 1) !== noNode) list[end++] = next - 1;
    }
    list[start] = selfName;
    list[start + 1] = parentName;
    // They are linked newest first.
    list.subarray(start + 2, end).reverse();
    const isBehind = end === start + 2 || names.compare(parentName, list[start + 2] as number) < 0;
    const isOrdered = isBehind && nodes.field(node, nodeFields.sizeLow) === 0;
    if (!isOrdered) list.subarray(start, end).sort((a, b) => names.compare(a, b));
    return end;
  }

  /** Cuts names into blocks, none of which an entry crosses. */
  #cut(start: number, end: number): number {
    const { names } = this.#tree;
    const list = this.names;
    const first = this.blocks.length - 1;
    let used = 0;
    for (let index = start; index < end; index++) {
      const needed = direntSize + names.length(list[index] as number);
      if (used + needed > blockSize) {
        this.blocks.push(index);
        used = 0;
      }
      used += needed;
    }
    const full = this.blocks.length - 1 - first;
    this.blocks.push(end);
    return full * blockSize + used;
  }
}
