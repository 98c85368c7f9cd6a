// SPDX-License-Identifier: Apache-2.0

import { direntSize } from "./folder-list.ts";
import { type ImageRegion, isSwapped } from "./image-region.ts";
import type { LayerTree } from "./layer-tree.ts";
import { inodeSize, type Layout, recordSize, tailSize } from "./layout.ts";
import { parentName, selfName } from "./name-table.ts";
import { modeTypes, nodeFields, nodeStride, typeOfMode } from "./node-table.ts";
import { blockSize, slotSize } from "./superblock.ts";

/** Types of entries in folders, by the upper bits of a mode. @see FT_* in linux, include/linux/fs_types.h */
const entryTypes: Uint32Array = new Uint32Array(16);
entryTypes[modeTypes.file / 0o10000] = 1 * 0x10000;
entryTypes[modeTypes.directory / 0o10000] = 2 * 0x10000;
entryTypes[modeTypes.character / 0o10000] = 3 * 0x10000;
entryTypes[modeTypes.block / 0o10000] = 4 * 0x10000;
entryTypes[modeTypes.fifo / 0o10000] = 5 * 0x10000;
entryTypes[modeTypes.symlink / 0o10000] = 7 * 0x10000;
const folderType = 2 * 0x10000;

/** Writes the entries of folders: whole blocks, and what lies behind their inodes. */
export class FolderWriter {
  readonly #tree: LayerTree;
  readonly #layout: Layout;

  constructor(tree: LayerTree, layout: Layout) {
    this.#tree = tree;
    this.#layout = layout;
  }

  /** @returns how many links the folder has: its name, its own `.` and the `..` of folders in it */
  write(
    folder: number,
    regions: { readonly blocks: ImageRegion; readonly tail: ImageRegion },
  ): number {
    const { folders, block, dataStart, moved, xattrSize } = this.#layout;
    const node = folders.node[folder] as number;
    const xattrs = xattrSize.get(node) ?? 0;
    const hasTail = tailSize(folders.size[folder] as number, xattrs) > 0;
    const last = (folders.firstBlock[folder + 1] as number) - 1;
    let at = dataStart + (block[node] as number) * blockSize;
    let links = 0;
    for (let index = folders.firstBlock[folder] as number; index <= last; index++) {
      const isTail = hasTail && index === last;
      if (isTail) at = (moved[node] as number) * slotSize + inodeSize + xattrs;
      const region = isTail ? regions.tail : regions.blocks;
      links += this.#writeBlock(region, at, { node, index });
      at += blockSize;
    }
    return links;
  }

  /** Writes the entries of a block, first their heads and then their names; counts folders. */
  #writeBlock(
    region: ImageRegion,
    start: number,
    { node: folder, index }: { readonly node: number; readonly index: number },
  ): number {
    const { nodes, names } = this.#tree;
    const { folders, moved, recordsStart } = this.#layout;
    const list = folders.names;
    const first = folders.blocks[index] as number;
    const end = folders.blocks[index + 1] as number;
    const { words } = region;
    const firstRecord = recordsStart / slotSize;
    const byteStart = start - region.start;
    let at = byteStart / 4;
    let nameOffset = (end - first) * direntSize;
    let found = 0;
    // Names that lie behind each other are copied at once.
    let from = 0;
    let until = -1;
    let to = 0;
    for (let entry = first; entry < end; entry++) {
      const name = list[entry] as number;
      let node = names.node(name);
      if (name === selfName) node = folder;
      else if (name === parentName)
        node = folder === 0 ? 0 : nodes.field(folder, nodeFields.parent);
      const mode = nodes.words[node * nodeStride + nodeFields.mode] as number;
      const type = entryTypes[typeOfMode(mode) / 0o10000] as number;
      if (type === folderType) found++;
      words[at] = (moved[node] as number) || firstRecord + (node * recordSize) / slotSize;
      words[at + 2] = nameOffset + type;
      at += direntSize / 4;
      const offset = names.offset(name);
      if (offset !== until) {
        if (until > from) names.bytes.copy(region.bytes, to, from, until);
        from = offset;
        to = byteStart + nameOffset;
      }
      const length = names.length(name);
      until = offset + length;
      nameOffset += length;
    }
    names.bytes.copy(region.bytes, to, from, until);
    if (isSwapped) region.bytes.subarray(byteStart, at * 4).swap32();
    return found;
  }
}
