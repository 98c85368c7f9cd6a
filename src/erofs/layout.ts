// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { byteStringToText } from "../tar/entry.ts";
import { type ChunkPlan, type DataRun, plainChunkCount, sparseChunks } from "./chunk-map.ts";
import { FolderList } from "./folder-list.ts";
import { type LayerTree, rootNode } from "./layer-tree.ts";
import { modeTypes } from "./node-table.ts";
import { dataRuns } from "./sparse-runs.ts";
import { blockSize, metadataStart, slotSize } from "./superblock.ts";
import { opaqueXattr, xattrBodySize } from "./xattr-body.ts";

export const inodeSize = 64;
export const chunkIndexSize = 8;

/** A sparse file's runs and how they are shown. */
export interface SparseLayout {
  readonly runs: readonly DataRun[];
  readonly plan: ChunkPlan;
  /** The first block of its copied chunks, counted as `Layout.block` is. */
  readonly block: number;
}

/** Where everything of an image lies. */
export interface Layout {
  readonly folders: FolderList;
  /** Each node's number on disk; 0 for one that no name leads to. */
  readonly slot: Uint32Array;
  /** Names that lead to each node; for folders also `.` and each `..`. */
  readonly links: Uint32Array;
  /** First block of a folder's or symlink's data, counted from `dataStart`. */
  readonly block: Uint32Array;
  /** Bytes between an inode and its inline data or chunk indexes. */
  readonly xattrSize: Uint32Array;
  /** 1 where the last block of a node's data lies behind its inode. */
  readonly isInline: Uint8Array;
  readonly sparse: ReadonlyMap<number, SparseLayout>;
  readonly inodes: number;
  /** Where the blocks with data of folders and symlinks begin. */
  readonly dataStart: number;
  /** Where copied chunks of files begin. */
  readonly copiedStart: number;
  readonly size: number;
}

/**
 * Gives everything in a tree its place.
 *
 * A folder's inode comes before those in it, and these lie together, so that what is looked at
 * together is read together.
 *
 * @throws LadeError LIMIT_EXCEEDED for xattrs and holes that are too much, LAYER_INVALID for runs
 *   that are none
 */
export function planLayout(tree: LayerTree): Layout {
  return new LayoutPlanner(tree).plan();
}

class LayoutPlanner {
  readonly #tree: LayerTree;
  readonly #folders: FolderList;
  readonly #slot: Uint32Array;
  readonly #links: Uint32Array;
  readonly #block: Uint32Array;
  readonly #xattrSize: Uint32Array;
  readonly #isInline: Uint8Array;
  readonly #sparse = new Map<number, SparseLayout>();
  readonly #hasXattrs: boolean;
  #at = metadataStart;
  #blocks = 0;
  #copiedBlocks = 0;
  #sparseSize = 0;
  #inodes = 0;

  constructor(tree: LayerTree) {
    this.#tree = tree;
    const { count } = tree.nodes;
    this.#folders = new FolderList(tree);
    this.#slot = new Uint32Array(count);
    this.#links = new Uint32Array(count);
    this.#block = new Uint32Array(count);
    this.#xattrSize = new Uint32Array(count);
    this.#isInline = new Uint8Array(count);
    this.#hasXattrs = tree.xattrs.length > 0 || tree.opaque.size > 0;
  }

  plan(): Layout {
    this.#placeFolder(rootNode, rootNode);
    for (let folder = 0; folder < this.#folders.count; folder++) this.#placeNodesOf(folder);
    const dataStart = alignUp(this.#at, blockSize);
    const copiedStart = dataStart + this.#blocks * blockSize;
    return {
      folders: this.#folders,
      slot: this.#slot,
      links: this.#links,
      block: this.#block,
      xattrSize: this.#xattrSize,
      isInline: this.#isInline,
      sparse: this.#sparse,
      inodes: this.#inodes,
      dataStart,
      copiedStart,
      size: copiedStart + this.#copiedBlocks * blockSize,
    };
  }

  #placeFolder(node: number, parent: number): void {
    const folder = this.#folders.add(node, parent);
    this.#links[node] = 2;
    this.#placeWithTail(node, this.#folders.size[folder] as number);
  }

  #placeNodesOf(folder: number): void {
    const { names, nodes } = this.#tree;
    const { names: list, start } = this.#folders;
    const parent = this.#folders.node[folder] as number;
    const end = start[folder + 1] as number;
    for (let index = start[folder] as number; index < end; index++) {
      const node = names.node(list[index] as number);
      // `.` and `..` stand for no node of their own.
      if (node < 0) continue;
      if (nodes.isDirectory(node)) {
        this.#addLink(parent);
        this.#placeFolder(node, parent);
        continue;
      }
      this.#addLink(node);
      if (this.#slot[node] === 0) this.#placeOther(node, () => this.#pathOf(folder, index));
    }
  }

  #addLink(node: number): void {
    this.#links[node] = (this.#links[node] as number) + 1;
  }

  #placeOther(node: number, pathOf: () => string): void {
    const { nodes, sparse } = this.#tree;
    const type = nodes.type(node);
    const size = nodes.size(node);
    if (type === modeTypes.symlink) this.#placeWithTail(node, size);
    else if (type !== modeTypes.file) this.#placeInode(node, 0);
    else if (sparse.has(node)) this.#placeSparse(node, pathOf());
    else this.#placeInode(node, plainChunkCount(size));
  }

  /** A node whose data is in the image: whole blocks elsewhere, the rest behind the inode. */
  #placeWithTail(node: number, size: number): void {
    const header = inodeSize + this.#xattrSizeOf(node);
    const tail = size % blockSize;
    let at = alignUp(this.#at, slotSize);
    const isInline = tail > 0 && (header % slotSize) + tail <= blockSize;
    // The rest must not cross a block, so the inode goes up to where the next one starts.
    const tailStart = (at + header) % blockSize;
    if (isInline && tailStart + tail > blockSize) {
      at += blockSize - tailStart + (header % slotSize);
    }
    this.#setPlace(node, at, header + (isInline ? tail : 0));
    this.#isInline[node] = isInline ? 1 : 0;
    this.#block[node] = this.#blocks;
    this.#blocks += isInline ? Math.floor(size / blockSize) : Math.ceil(size / blockSize);
  }

  #placeInode(node: number, chunks: number): void {
    const header = inodeSize + this.#xattrSizeOf(node);
    const at = alignUp(this.#at, slotSize);
    const indexes = chunks * chunkIndexSize;
    this.#setPlace(node, at, (chunks === 0 ? header : alignUp(header, chunkIndexSize)) + indexes);
  }

  #placeSparse(node: number, path: string): void {
    const { name, nodes, sparse } = this.#tree;
    const size = nodes.size(node);
    const runs = dataRuns(sparse.get(node) ?? [], size, nodes.place(node) * blockSize);
    if (runs === undefined) {
      throw new LadeError("LAYER_INVALID", `${name}: ${path}: invalid sparse map`);
    }
    const plan = sparseChunks(size, runs, limits.sparseMapSize - this.#sparseSize);
    if (plan === undefined) {
      throw new LadeError(
        "LIMIT_EXCEEDED",
        `${name}: ${path}: a sparse file of ${size} bytes in ${runs.length} runs, more than can be mapped in ${limits.sparseMapSize} bytes`,
      );
    }
    this.#sparse.set(node, { runs, plan, block: this.#copiedBlocks });
    this.#copiedBlocks += plan.copiedSize / blockSize;
    this.#sparseSize += plan.count * chunkIndexSize + plan.copiedSize;
    this.#placeInode(node, plan.count);
  }

  /** For messages: the path of a name in a folder. */
  #pathOf(folder: number, index: number): string {
    const { names } = this.#tree;
    const { names: list, start, node, parent } = this.#folders;
    const textOf = (name: number) =>
      byteStringToText(names.text(names.offset(name), names.length(name)));
    const parts = [textOf(list[index] as number)];
    for (let child = node[folder] as number; child !== rootNode; ) {
      const above = node.indexOf(parent[node.indexOf(child)] as number);
      const range = list.subarray(start[above] as number, start[above + 1] as number);
      parts.unshift(textOf(range.find((name) => names.node(name) === child) ?? 0));
      child = node[above] as number;
    }
    return JSON.stringify(parts.join("/"));
  }

  #setPlace(node: number, at: number, size: number): void {
    this.#slot[node] = at / slotSize;
    this.#at = at + size;
    this.#inodes++;
  }

  #xattrSizeOf(node: number): number {
    if (!this.#hasXattrs) return 0;
    const { nodes, xattrs, opaque } = this.#tree;
    const list = xattrs[nodes.xattrs(node) - 1];
    const isOpaque = opaque.size > 0 && opaque.has(node);
    if (list === undefined && !isOpaque) return 0;
    const size = xattrBodySize(isOpaque ? [...(list ?? []), opaqueXattr] : (list ?? []));
    this.#xattrSize[node] = size;
    return size;
  }
}
