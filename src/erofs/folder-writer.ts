// SPDX-License-Identifier: Apache-2.0

import { direntSize } from "./folder-list.ts";
import type { LayerTree } from "./layer-tree.ts";
import { inodeSize, type Layout } from "./layout.ts";
import { parentName, selfName } from "./name-table.ts";
import { modeTypes } from "./node-table.ts";
import { blockSize, slotSize } from "./superblock.ts";
import { storeWords, wordsOf } from "./words.ts";

/** Types of entries in folders. @see FT_* in linux, include/linux/fs_types.h */
const entryTypes: Readonly<Record<number, number>> = {
  [modeTypes.file]: 1,
  [modeTypes.directory]: 2,
  [modeTypes.character]: 3,
  [modeTypes.block]: 4,
  [modeTypes.fifo]: 5,
  [modeTypes.symlink]: 7,
};

/** Writes the entries of all folders: whole blocks first, then what lies behind the inodes. */
export function writeEntries(image: Buffer, tree: LayerTree, layout: Layout): void {
  const writer = new EntryWriter(image, tree, layout);
  for (let folder = 0; folder < layout.folders.count; folder++) writer.writeFolder(folder);
}

class EntryWriter {
  readonly #image: Buffer;
  readonly #words: Uint32Array;
  readonly #tree: LayerTree;
  readonly #layout: Layout;

  constructor(image: Buffer, tree: LayerTree, layout: Layout) {
    this.#image = image;
    this.#words = wordsOf(image);
    this.#tree = tree;
    this.#layout = layout;
  }

  writeFolder(folder: number): void {
    const { folders, block, dataStart, isInline, slot, xattrSize } = this.#layout;
    const node = folders.node[folder] as number;
    const end = folders.start[folder + 1] as number;
    let index = folders.start[folder] as number;
    let left = folders.size[folder] as number;
    for (let at = dataStart + (block[node] as number) * blockSize; left > 0; at += blockSize) {
      const isTail = left < blockSize && isInline[node] === 1;
      const tail = (slot[node] as number) * slotSize + inodeSize + (xattrSize[node] as number);
      index = this.#writeBlock(folder, isTail ? tail : at, { index, end });
      left -= blockSize;
    }
  }

  /** Writes as many entries as fit a block, first their heads and then their names. */
  #writeBlock(
    folder: number,
    start: number,
    { index, end }: { readonly index: number; readonly end: number },
  ): number {
    const { names } = this.#tree;
    const list = this.#layout.folders.names;
    let next = index;
    for (let used = 0; next < end; next++) {
      used += direntSize + names.length(list[next] as number);
      if (used > blockSize) break;
    }
    const words = this.#words;
    const image = this.#image;
    const source = names.bytes;
    const first = start / 4;
    let at = first;
    let to = start + (next - index) * direntSize;
    for (let entry = index; entry < next; entry++) {
      const name = list[entry] as number;
      const node = this.#nodeOf(name, folder);
      words[at] = this.#layout.slot[node] as number;
      words[at + 2] = to - start + (entryTypes[this.#tree.nodes.type(node)] as number) * 0x10000;
      at += direntSize / 4;
      let from = names.offset(name);
      for (const last = to + names.length(name); to < last; to++)
        image[to] = source[from++] as number;
    }
    storeWords(words, first, at - first);
    return next;
  }

  #nodeOf(name: number, folder: number): number {
    const { folders } = this.#layout;
    if (name === selfName) return folders.node[folder] as number;
    if (name === parentName) return folders.parent[folder] as number;
    return this.#tree.names.node(name);
  }
}
