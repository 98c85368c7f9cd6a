// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { mappedChunks, plainChunkBits } from "./chunk-map.ts";
import type { LayerTree } from "./layer-tree.ts";
import { chunkIndexSize, inodeSize, type Layout, type SparseLayout } from "./layout.ts";
import { modeTypes, nodeFields, nodeStride, two32 } from "./node-table.ts";
import { blockSize, slotSize } from "./superblock.ts";
import { storeWords, wordsOf } from "./words.ts";
import { opaqueXattr, writeXattrBody, xattrCount } from "./xattr-body.ts";

/** How an inode's data lies, and that it has the long form, of 64 bytes. */
const formats = { plain: 0 * 2 + 1, inline: 2 * 2 + 1, chunks: 4 * 2 + 1 } as const;
/** In the format of chunks: their indexes name a device. */
const withDevices = 32;
/** The tar; the image itself is 0. */
const tarDevice = 1;
const hole = 0xffffffff;

export interface InodeSource {
  readonly tree: LayerTree;
  readonly layout: Layout;
  readonly tarOffset: number;
  readonly tarSize: number;
}

/** Writes the inodes of a tree with their xattrs and chunk indexes into an image of zeros. */
export class InodeWriter {
  readonly #image: Buffer;
  readonly #words: Uint32Array;
  readonly #source: InodeSource;
  #inode = 0;

  constructor(image: Buffer, source: InodeSource) {
    this.#image = image;
    this.#words = wordsOf(image);
    this.#source = source;
  }

  /** Writes folders; their entries are the caller's. */
  writeFolders(): void {
    const { folders } = this.#source.layout;
    for (let folder = 0; folder < folders.count; folder++) {
      this.#writeWithTail(folders.node[folder] as number, folders.size[folder] as number);
    }
  }

  /**
   * Writes all but folders.
   *
   * @throws LadeError LAYER_INVALID for data outside the tar
   */
  writeFiles(): void {
    const { tree, layout } = this.#source;
    for (let node = 0; node < tree.nodes.count; node++) {
      if (layout.slot[node] !== 0) this.#write(node);
    }
  }

  #write(node: number): void {
    const { nodes } = this.#source.tree;
    const type = nodes.type(node);
    if (type === modeTypes.file) this.#writeFile(node, nodes.size(node));
    else if (type === modeTypes.symlink) this.#writeSymlink(node, nodes.size(node));
    else if (type !== modeTypes.directory)
      this.#writeHead(node, formats.plain, 0, nodes.place(node));
  }

  #writeSymlink(node: number, size: number): void {
    const { tree, layout } = this.#source;
    const at = this.#writeWithTail(node, size);
    const { bytes } = tree.names;
    const start = tree.nodes.place(node);
    const tail = layout.isInline[node] === 1 ? size % blockSize : 0;
    bytes.copy(this.#image, at, start + size - tail, start + size);
    if (tail === size) return;
    const block = layout.dataStart + (layout.block[node] as number) * blockSize;
    bytes.copy(this.#image, block, start, start + size - tail);
  }

  /** @returns where the data behind the inode starts */
  #writeWithTail(node: number, size: number): number {
    const { layout } = this.#source;
    const format = layout.isInline[node] === 1 ? formats.inline : formats.plain;
    const block = layout.dataStart / blockSize + (layout.block[node] as number);
    return this.#writeHead(node, format, size, block);
  }

  #writeFile(node: number, size: number): void {
    const { tree, layout, tarOffset, tarSize } = this.#source;
    if (layout.sparse.size > 0) {
      const sparse = layout.sparse.get(node);
      if (sparse !== undefined) {
        this.#writeSparse(node, size, sparse);
        return;
      }
    }
    if (size === 0) {
      this.#writeHead(node, formats.plain, 0, 0);
      return;
    }
    const place = tree.nodes.place(node);
    if (place * blockSize + size > tarSize) throw this.#outside(place * blockSize + size);
    const bits = plainChunkBits(size);
    const end = this.#writeHead(node, formats.chunks, size, bits + withDevices);
    const count = Math.ceil(size / (blockSize * 2 ** bits));
    const start = alignUp(end, chunkIndexSize) / 4;
    const first = tarOffset / blockSize + place;
    for (let chunk = 0; chunk < count; chunk++) {
      this.#setChunk(start, chunk, tarDevice, first + chunk * 2 ** bits);
    }
    storeWords(this.#words, start, count * 2);
  }

  /** A chunk index: two words, of which the first has the device in its upper half. */
  #setChunk(start: number, chunk: number, device: number, block: number): void {
    this.#words[start + chunk * 2] = device * 0x10000;
    this.#words[start + chunk * 2 + 1] = block;
  }

  #writeSparse(node: number, size: number, sparse: SparseLayout): void {
    const { layout, tarOffset, tarSize } = this.#source;
    const { plan, runs } = sparse;
    const end = this.#writeHead(node, formats.chunks, size, plan.bits + withDevices);
    const start = alignUp(end, chunkIndexSize) / 4;
    for (let chunk = 0; chunk < plan.count; chunk++) this.#setChunk(start, chunk, 0, hole);
    for (const run of runs) {
      if (run.source + run.size > tarSize) throw this.#outside(run.source + run.size);
      const { first, count } = mappedChunks(run, size, plan.size);
      for (let chunk = first; chunk < first + count; chunk++) {
        const from = tarOffset + run.source + chunk * plan.size - run.offset;
        this.#setChunk(start, chunk, tarDevice, from / blockSize);
      }
    }
    let block = layout.copiedStart / blockSize + sparse.block;
    for (const chunk of plan.copied) {
      this.#setChunk(start, chunk, 0, block);
      block += plan.size / blockSize;
    }
    storeWords(this.#words, start, plan.count * 2);
  }

  /**
   * @param detail first block, device number or format of chunks
   * @returns where what belongs behind the inode and its xattrs starts
   */
  #writeHead(node: number, format: number, size: number, detail: number): number {
    const { tree, layout } = this.#source;
    const from = tree.nodes.words;
    const record = node * nodeStride;
    const words = this.#words;
    const at = (layout.slot[node] as number) * (slotSize / 4);
    const xattrSize = layout.xattrSize[node] as number;
    words[at] = format + xattrCount(xattrSize) * 0x10000;
    words[at + 1] = from[record + nodeFields.mode] as number;
    words[at + 2] = size;
    words[at + 3] = Math.floor(size / two32);
    words[at + 4] = detail;
    words[at + 5] = ++this.#inode;
    words[at + 6] = from[record + nodeFields.uid] as number;
    words[at + 7] = from[record + nodeFields.gid] as number;
    words[at + 8] = from[record + nodeFields.mtimeLow] as number;
    words[at + 9] = from[record + nodeFields.mtimeHigh] as number;
    words[at + 10] = from[record + nodeFields.mtimeNanoseconds] as number;
    words[at + 11] = layout.links[node] as number;
    storeWords(words, at, inodeSize / 4);
    if (xattrSize > 0) this.#writeXattrs(node, at * 4 + inodeSize);
    return at * 4 + inodeSize + xattrSize;
  }

  #writeXattrs(node: number, at: number): void {
    const { nodes, xattrs, opaque } = this.#source.tree;
    const list = xattrs[nodes.xattrs(node) - 1] ?? [];
    writeXattrBody(this.#image, at, opaque.has(node) ? [...list, opaqueXattr] : list);
  }

  #outside(end: number): LadeError {
    const { tree, tarSize } = this.#source;
    return new LadeError(
      "LAYER_INVALID",
      `${tree.name}: a file's data ends at byte ${end} of a tar of ${tarSize} bytes`,
    );
  }
}
