// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { LadeError } from "../base/errors.ts";
import { mappedChunks, plainChunks } from "./chunk-map.ts";
import type { LayerTree } from "./layer-tree.ts";
import { chunkIndexSize, inodeSize, type Layout, type SparseLayout } from "./layout.ts";
import { modeTypes, typeOfMode } from "./node-table.ts";
import { blockSize, slotSize } from "./superblock.ts";
import { opaqueXattr, writeXattrBody, xattrCount } from "./xattr-body.ts";

/** How an inode's data lies, and that it has the long form, of 64 bytes. */
const formats = { plain: 0 * 2 + 1, inline: 2 * 2 + 1, chunks: 4 * 2 + 1 } as const;
/** In the format of chunks: their indexes name a device. */
const withDevices = 32;
/** The tar; the image itself is 0. */
const tarDevice = 1;
const hole = 0xffffffff;
const two32 = 2 ** 32;

export interface InodeSource {
  readonly tree: LayerTree;
  readonly layout: Layout;
  readonly tarOffset: number;
  readonly tarSize: number;
}

/** What an inode says beside owner, mode and time. */
interface InodeHead {
  readonly format: number;
  readonly size: number;
  /** First block, device number or format of chunks. */
  readonly detail: number;
}

/** Writes the inodes of a tree with their xattrs and chunk indexes into an image of zeros. */
export class InodeWriter {
  readonly #image: Buffer;
  readonly #view: DataView;
  readonly #source: InodeSource;
  #inode = 0;

  constructor(image: Buffer, source: InodeSource) {
    this.#image = image;
    this.#view = new DataView(image.buffer, image.byteOffset, image.length);
    this.#source = source;
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
    const type = typeOfMode(nodes.mode[node] as number);
    if (type === modeTypes.directory) return;
    const size = nodes.size[node] as number;
    if (type === modeTypes.symlink) this.#writeSymlink(node, size);
    else if (type === modeTypes.file) this.#writeFile(node, size);
    else
      this.#writeHead(node, {
        format: formats.plain,
        size: 0,
        detail: nodes.detail[node] as number,
      });
  }

  /** @param size bytes of its entries, which are the caller's to write */
  writeFolder(node: number, size: number): void {
    this.#writeWithTail(node, size);
  }

  #writeSymlink(node: number, size: number): void {
    const { tree, layout } = this.#source;
    const at = this.#writeWithTail(node, size);
    const { bytes } = tree.names;
    const start = tree.nodes.offset[node] as number;
    const tail = layout.isInline[node] === 1 ? size % blockSize : 0;
    const block = layout.dataStart + (layout.block[node] as number) * blockSize;
    bytes.copy(this.#image, block, start, start + size - tail);
    bytes.copy(this.#image, at, start + size - tail, start + size);
  }

  /** @returns where the data behind the inode starts */
  #writeWithTail(node: number, size: number): number {
    const { layout } = this.#source;
    const format = layout.isInline[node] === 1 ? formats.inline : formats.plain;
    const detail = layout.dataStart / blockSize + (layout.block[node] as number);
    return this.#writeHead(node, { format, size, detail });
  }

  #writeFile(node: number, size: number): void {
    const { tree, layout, tarOffset, tarSize } = this.#source;
    const sparse = layout.sparse.get(node);
    if (sparse !== undefined) {
      this.#writeSparse(node, size, sparse);
      return;
    }
    const start = tree.nodes.offset[node] as number;
    if (size === 0) {
      this.#writeHead(node, { format: formats.plain, size, detail: 0 });
      return;
    }
    if (start + size > tarSize) throw this.#outside(start + size);
    const { bits, count } = plainChunks(size);
    const end = this.#writeHead(node, { format: formats.chunks, size, detail: bits + withDevices });
    const first = (tarOffset + start) / blockSize;
    const view = this.#view;
    let at = alignUp(end, chunkIndexSize);
    for (let chunk = 0; chunk < count; chunk++) {
      view.setUint16(at + 2, tarDevice, true);
      view.setUint32(at + 4, first + chunk * 2 ** bits, true);
      at += chunkIndexSize;
    }
  }

  #writeSparse(node: number, size: number, sparse: SparseLayout): void {
    const { layout, tarOffset, tarSize } = this.#source;
    const { plan, runs } = sparse;
    const end = this.#writeHead(node, {
      format: formats.chunks,
      size,
      detail: plan.bits + withDevices,
    });
    const start = alignUp(end, chunkIndexSize);
    const view = this.#view;
    for (let chunk = 0; chunk < plan.count; chunk++) {
      view.setUint32(start + chunk * chunkIndexSize + 4, hole, true);
    }
    const chunkBlocks = plan.size / blockSize;
    for (const run of runs) {
      if (run.source + run.size > tarSize) throw this.#outside(run.source + run.size);
      const { first, count } = mappedChunks(run, size, plan.size);
      for (let chunk = first; chunk < first + count; chunk++) {
        const from = tarOffset + run.source + chunk * plan.size - run.offset;
        view.setUint16(start + chunk * chunkIndexSize + 2, tarDevice, true);
        view.setUint32(start + chunk * chunkIndexSize + 4, from / blockSize, true);
      }
    }
    let block = layout.copiedStart / blockSize + sparse.block;
    for (const chunk of plan.copied) {
      view.setUint32(start + chunk * chunkIndexSize + 4, block, true);
      block += chunkBlocks;
    }
  }

  /** @returns where what belongs behind the inode and its xattrs starts */
  #writeHead(node: number, head: InodeHead): number {
    const { tree, layout } = this.#source;
    const { nodes } = tree;
    const view = this.#view;
    const at = (layout.slot[node] as number) * slotSize;
    const xattrSize = layout.xattrSize[node] as number;
    const seconds = nodes.mtimeSeconds[node] as number;
    const secondsHigh = Math.floor(seconds / two32);
    const sizeHigh = Math.floor(head.size / two32);
    view.setUint16(at, head.format, true);
    view.setUint16(at + 2, xattrCount(xattrSize), true);
    view.setUint16(at + 4, nodes.mode[node] as number, true);
    view.setUint32(at + 8, head.size - sizeHigh * two32, true);
    view.setUint32(at + 12, sizeHigh, true);
    view.setUint32(at + 16, head.detail, true);
    view.setUint32(at + 20, ++this.#inode, true);
    view.setUint32(at + 24, nodes.uid[node] as number, true);
    view.setUint32(at + 28, nodes.gid[node] as number, true);
    view.setUint32(at + 32, seconds - secondsHigh * two32, true);
    view.setInt32(at + 36, secondsHigh, true);
    view.setUint32(at + 40, nodes.mtimeNanoseconds[node] as number, true);
    view.setUint32(at + 44, layout.links[node] as number, true);
    if (xattrSize > 0) this.#writeXattrs(node, at + inodeSize);
    return at + inodeSize + xattrSize;
  }

  #writeXattrs(node: number, at: number): void {
    const { nodes, xattrs, opaque } = this.#source.tree;
    const list = xattrs[(nodes.xattrs[node] as number) - 1] ?? [];
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
