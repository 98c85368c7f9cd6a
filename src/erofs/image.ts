// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { copiedPieces, type ErofsPiece } from "./copied-chunks.ts";
import { direntSize } from "./folder-list.ts";
import { InodeWriter } from "./inode-writer.ts";
import { type LayerTree, rootNode } from "./layer-tree.ts";
import { inodeSize, type Layout, planLayout } from "./layout.ts";
import { parentName, selfName } from "./name-table.ts";
import { modeTypes, typeOfMode } from "./node-table.ts";
import { blockSize, slotSize, writeSuperblock } from "./superblock.ts";

/** Where the layer's tar lies. */
export interface ErofsSource {
  /** Where the tar starts in the file that is to be the image's device; whole blocks of 512 bytes. */
  readonly tarOffset: number;
  readonly tarSize: number;
  /** 64 hexadecimal digits that name the layer. */
  readonly digest?: string | undefined;
}

export interface ErofsImage {
  /** In order; `copyFrom` counts from the start of the tar. */
  readonly pieces: readonly ErofsPiece[];
  readonly size: number;
}

/** 2^32 blocks: what an address of EROFS reaches. */
const deviceMax = 2 ** 32 * blockSize;

/**
 * Makes the EROFS image of a layer: metadata that shows the data where it lies in the tar.
 *
 * The same tree and source give the same bytes. What the kernel needs beside it is the file with the
 * tar, as the mount option `device=`.
 *
 * @throws LadeError UNSUPPORTED for a tar that does not lie on whole blocks or too far into its file,
 *   LAYER_INVALID for data outside the tar, LIMIT_EXCEEDED
 */
export function encodeErofs(tree: LayerTree, source: ErofsSource): ErofsImage {
  checkSource(tree, source);
  const layout = planLayout(tree);
  const image = Buffer.alloc(layout.copiedStart);
  const { tarOffset, tarSize } = source;
  const inodes = new InodeWriter(image, { tree, layout, tarOffset, tarSize });
  inodes.writeFiles();
  writeFolders(image, tree, { layout, inodes });
  writeSuperblock(image, {
    rootSlot: layout.slot[rootNode] as number,
    inodes: layout.inodes,
    blocks: layout.size / blockSize,
    deviceBlocks: Math.ceil((tarOffset + tarSize) / blockSize),
    digest: source.digest,
  });
  return { pieces: [image, ...copiedPieces(tree, layout)], size: layout.size };
}

function checkSource(tree: LayerTree, { tarOffset, tarSize }: ErofsSource): void {
  if (tarOffset % blockSize !== 0) {
    throw new LadeError(
      "UNSUPPORTED",
      `${tree.name}: starts at byte ${tarOffset} of its file, expected a multiple of ${blockSize}`,
      { hint: "Load the archive with `lade load`, which stores the layers by themselves." },
    );
  }
  if (tarOffset + tarSize <= deviceMax) return;
  throw new LadeError(
    "UNSUPPORTED",
    `${tree.name}: ends at byte ${tarOffset + tarSize} of its file, expected at most ${deviceMax}`,
  );
}

/** Types of entries in folders. @see FT_* in linux, include/linux/fs_types.h */
const direntTypes: Readonly<Record<number, number>> = {
  [modeTypes.file]: 1,
  [modeTypes.directory]: 2,
  [modeTypes.character]: 3,
  [modeTypes.block]: 4,
  [modeTypes.fifo]: 5,
  [modeTypes.symlink]: 7,
};

function writeFolders(
  image: Buffer,
  tree: LayerTree,
  { layout, inodes }: { readonly layout: Layout; readonly inodes: InodeWriter },
): void {
  const { folders } = layout;
  for (let folder = 0; folder < folders.count; folder++) {
    const node = folders.node[folder] as number;
    const size = folders.size[folder] as number;
    inodes.writeFolder(node, size);
    const tailAt = tailOffset(layout, node);
    let at = layout.dataStart + (layout.block[node] as number) * blockSize;
    let index = folders.start[folder] as number;
    const end = folders.start[folder + 1] as number;
    for (let left = size; left > 0; left -= blockSize) {
      const isTail = left < blockSize && layout.isInline[node] === 1;
      index = writeFolderBlock(image, isTail ? tailAt : at, { tree, layout, folder, index, end });
      at += blockSize;
    }
  }
}

function tailOffset(layout: Layout, node: number): number {
  return (layout.slot[node] as number) * slotSize + inodeSize + (layout.xattrSize[node] as number);
}

interface FolderBlock {
  readonly tree: LayerTree;
  readonly layout: Layout;
  readonly folder: number;
  readonly index: number;
  readonly end: number;
}

/** Writes as many entries as fit a block, first their heads and then their names. */
function writeFolderBlock(image: Buffer, start: number, block: FolderBlock): number {
  const { tree, layout, folder, index, end } = block;
  const { nodes, names } = tree;
  const { folders, slot } = layout;
  let next = index;
  for (let used = 0; next < end; next++) {
    used += direntSize + (names.length[folders.names[next] as number] as number);
    if (used > blockSize) break;
  }
  const source = names.bytes;
  let at = start;
  let nameOffset = (next - index) * direntSize;
  for (let entry = index; entry < next; entry++) {
    const name = folders.names[entry] as number;
    let node = names.node[name] as number;
    if (name === selfName) node = folders.node[folder] as number;
    else if (name === parentName) node = folders.parent[folder] as number;
    image.writeUInt32LE(slot[node] as number, at);
    image.writeUInt16LE(nameOffset, at + 8);
    image[at + 10] = direntTypes[typeOfMode(nodes.mode[node] as number)] as number;
    at += direntSize;
    const length = names.length[name] as number;
    let from = names.offset[name] as number;
    let to = start + nameOffset;
    for (const last = to + length; to < last; to++) image[to] = source[from++] as number;
    nameOffset += length;
  }
  return next;
}
