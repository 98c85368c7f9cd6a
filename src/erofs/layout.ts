// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { byteStringToText } from "../tar/entry.ts";
import { type ChunkPlan, type DataRun, sparseChunks } from "./chunk-map.ts";
import { FolderList } from "./folder-list.ts";
import { type LayerTree, rootNode } from "./layer-tree.ts";
import { parentName } from "./name-table.ts";
import { modeTypes, nodeFields, nodeStride } from "./node-table.ts";
import { dataRuns } from "./sparse-runs.ts";
import { blockSize, headEnd, metadataStart, slotSize } from "./superblock.ts";
import { opaqueXattr, xattrBodySize } from "./xattr-body.ts";
import type { Xattr } from "./xattrs.ts";

export const inodeSize = 64;
export const chunkIndexSize = 8;
/** Bytes of a node's record. */
export const recordSize: number = nodeStride * 4;

/** A sparse file's runs and how they are shown. */
export interface SparseLayout {
  readonly runs: readonly DataRun[];
  readonly plan: ChunkPlan;
  /** The first block of its copied chunks, counted from `copiedStart`. */
  readonly block: number;
}

/**
 * Where everything of an image lies: superblock and root, then the records of all nodes as they
 * are, then inodes that need more room, blocks of folders and symlinks, and copied data.
 */
export interface Layout {
  readonly folders: FolderList;
  readonly recordsStart: number;
  /** Where inodes lie that are not in their records, in slots; 0 for all others. */
  readonly moved: Uint32Array;
  /** First block of a folder's or symlink's data, counted from `dataStart`. */
  readonly block: Uint32Array;
  readonly xattrSize: ReadonlyMap<number, number>;
  readonly sparse: ReadonlyMap<number, SparseLayout>;
  /** Where the blocks with data of folders and symlinks begin. */
  readonly dataStart: number;
  /** Where copied chunks of files begin. */
  readonly copiedStart: number;
  readonly size: number;
}

/** Where a node's inode lies, in slots. */
export function slotOf({ moved, recordsStart }: Layout, node: number): number {
  return (moved[node] as number) || (recordsStart + node * recordSize) / slotSize;
}

/** Bytes at the end of a folder's or symlink's data that lie behind the inode and its xattrs. */
export function tailSize(size: number, xattrSize: number): number {
  const tail = size % blockSize;
  // Aligned as well as it may be, the tail still must not cross a block.
  return ((inodeSize + xattrSize) % slotSize) + tail <= blockSize ? tail : 0;
}

/** The xattrs that a node shows, those of overlayfs among them. */
export function shownXattrs({ xattrs, opaque }: LayerTree, node: number): readonly Xattr[] {
  const list = xattrs.get(node) ?? [];
  return opaque.has(node) ? [...list, opaqueXattr] : list;
}

/**
 * Gives everything in a tree its place.
 *
 * @throws LadeError LIMIT_EXCEEDED for holes that are too much, LAYER_INVALID for runs that are none
 */
export function planLayout(tree: LayerTree): Layout {
  return new LayoutPlanner(tree).plan();
}

class LayoutPlanner {
  readonly #tree: LayerTree;
  readonly #folders: FolderList;
  readonly #moved: Uint32Array;
  readonly #block: Uint32Array;
  readonly #xattrSize = new Map<number, number>();
  readonly #sparse = new Map<number, SparseLayout>();
  #at: number = metadataStart;
  #blocks = 0;
  #copiedBlocks = 0;
  #sparseSize = 0;

  constructor(tree: LayerTree) {
    this.#tree = tree;
    const { count } = tree.nodes;
    this.#folders = new FolderList(tree);
    this.#moved = new Uint32Array(count);
    this.#block = new Uint32Array(count);
  }

  plan(): Layout {
    const { folders, large, nodes } = this.#tree;
    this.#placeFolder(rootNode);
    const recordsStart = Math.max(headEnd, alignUp(this.#at, slotSize));
    this.#at = recordsStart + nodes.count * recordSize;
    for (const node of folders) {
      const isThere = nodes.field(node, nodeFields.links) > 0;
      if (node !== rootNode && isThere) this.#placeFolder(node);
    }
    for (const node of large) {
      const isThere = nodes.field(node, nodeFields.links) > 0;
      if (isThere && this.#moved[node] === 0) this.#placeLarge(node);
    }
    const dataStart = alignUp(this.#at, blockSize);
    const copiedStart = dataStart + this.#blocks * blockSize;
    return {
      folders: this.#folders,
      recordsStart,
      moved: this.#moved,
      block: this.#block,
      xattrSize: this.#xattrSize,
      sparse: this.#sparse,
      dataStart,
      copiedStart,
      size: copiedStart + this.#copiedBlocks * blockSize,
    };
  }

  #placeFolder(node: number): void {
    const folder = this.#folders.add(node);
    this.#placeWithTail(node, this.#folders.size[folder] as number);
  }

  #placeLarge(node: number): void {
    const { nodes, sparse } = this.#tree;
    const type = nodes.type(node);
    if (type === modeTypes.symlink) this.#placeWithTail(node, nodes.size(node));
    else if (sparse.has(node)) this.#placeSparse(node);
    else this.#placeWithIndexes(node, type === modeTypes.file && nodes.size(node) > 0 ? 1 : 0);
  }

  /** A node whose data is in the image: whole blocks elsewhere, the rest behind the inode. */
  #placeWithTail(node: number, size: number): void {
    const xattrSize = this.#xattrSizeOf(node);
    const header = inodeSize + xattrSize;
    const tail = tailSize(size, xattrSize);
    let at = alignUp(this.#at, slotSize);
    // The tail must not cross a block, so the inode goes up to where the next one starts.
    const tailStart = (at + header) % blockSize;
    if (tailStart + tail > blockSize) at += blockSize - tailStart + (header % slotSize);
    this.#setPlace(node, at, header + tail);
    this.#block[node] = this.#blocks;
    this.#blocks += Math.ceil((size - tail) / blockSize);
  }

  #placeWithIndexes(node: number, chunks: number): void {
    const header = inodeSize + this.#xattrSizeOf(node);
    const at = alignUp(this.#at, slotSize);
    this.#setPlace(node, at, alignUp(header, chunkIndexSize) + chunks * chunkIndexSize);
  }

  #placeSparse(node: number): void {
    const { name, nodes, sparse } = this.#tree;
    const size = nodes.size(node);
    const place = () => `${name}: ${JSON.stringify(this.#pathOf(node))}`;
    const source = nodes.field(node, nodeFields.block) * blockSize;
    const runs = dataRuns(sparse.get(node) ?? [], size, source);
    const last = runs?.at(-1);
    const isInside = last === undefined || last.source + last.size <= this.#tree.dataEnd;
    if (runs === undefined || !isInside) {
      throw new LadeError("LAYER_INVALID", `${place()}: invalid sparse map`);
    }
    const plan = sparseChunks(size, runs, limits.sparseMapSize - this.#sparseSize);
    if (plan === undefined) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${place()}: a sparse file of ${size} bytes in ${runs.length} runs, more than can be mapped in ${limits.sparseMapSize} bytes`,
      );
    }
    this.#sparse.set(node, { runs, plan, block: this.#copiedBlocks });
    this.#copiedBlocks += plan.copiedSize / blockSize;
    this.#sparseSize += plan.count * chunkIndexSize + plan.copiedSize;
    this.#placeWithIndexes(node, plan.count);
  }

  #xattrSizeOf(node: number): number {
    const xattrs = shownXattrs(this.#tree, node);
    if (xattrs.length === 0) return 0;
    const size = xattrBodySize(xattrs);
    this.#xattrSize.set(node, size);
    return size;
  }

  #setPlace(node: number, at: number, size: number): void {
    this.#moved[node] = at / slotSize;
    this.#at = at + size;
  }

  /** For messages: a path that leads to a node. */
  #pathOf(node: number): string {
    const { names, nodes } = this.#tree;
    const parts: string[] = [];
    for (let child = node; child !== rootNode; ) {
      let name = parentName + 1;
      while (name < names.count && names.node(name) !== child) name++;
      if (name === names.count) break;
      parts.unshift(byteStringToText(names.text(name)));
      child = names.folder(name);
      if (parts.length > nodes.count) break;
    }
    return parts.join("/");
  }
}
