// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import { mappedChunks } from "./chunk-map.ts";
import type { ImageRegion } from "./image-region.ts";
import type { LayerTree } from "./layer-tree.ts";
import {
  chunkIndexSize,
  inodeSize,
  type Layout,
  type SparseLayout,
  shownXattrs,
  slotOf,
  tailSize,
} from "./layout.ts";
import { modeTypes, nodeFields, nodeFormats, nodeStride, two32 } from "./node-table.ts";
import { blockSize, slotSize } from "./superblock.ts";
import { xattrCount } from "./xattr-body.ts";

/** In the format of chunks: their indexes name a device. */
const withDevices = 32;
/** In a chunk's first word: the second device is the tar, the first the image itself. */
const tarDevice = 0x10000;
const hole = 0xffffffff;

export interface InodeSource {
  readonly tree: LayerTree;
  readonly layout: Layout;
  /** The block of the device where the tar starts. */
  readonly tarBlock: number;
}

/** What an inode says otherwise than its node's record. */
interface InodeHead {
  readonly format: number;
  readonly size: number;
  /** First block, device number or format of chunks. */
  readonly detail: number;
  readonly links: number;
}

/** Writes the inodes that are not in their nodes' records. */
export class InodeWriter {
  readonly #source: InodeSource;

  constructor(source: InodeSource) {
    this.#source = source;
  }

  /** A folder; its entries are the caller's. */
  writeFolder(
    region: ImageRegion,
    node: number,
    { size, links }: { readonly size: number; readonly links: number },
  ): void {
    this.#writeWithTail(region, node, { size, links });
  }

  writeLarge(region: ImageRegion, node: number): void {
    const { nodes } = this.#source.tree;
    const links = nodes.field(node, nodeFields.links);
    const size = nodes.size(node);
    const type = nodes.type(node);
    const sparse = this.#source.layout.sparse.get(node);
    if (type === modeTypes.symlink) this.#writeSymlink(region, node, { size, links });
    else if (sparse !== undefined) this.#writeSparse(region, node, { size, links, sparse });
    else this.#writeOther(region, node, { size, links });
  }

  #writeSymlink(
    region: ImageRegion,
    node: number,
    { size, links }: { readonly size: number; readonly links: number },
  ): void {
    const { tree, layout } = this.#source;
    const at = this.#writeWithTail(region, node, { size, links });
    const tail = tailSize(size, layout.xattrSize.get(node) ?? 0);
    const { bytes } = tree.targets;
    const start = tree.nodes.field(node, nodeFields.detail);
    region.copy(at, bytes.subarray(start + size - tail, start + size));
    const block = layout.dataStart + (layout.block[node] as number) * blockSize;
    region.copy(block, bytes.subarray(start, start + size - tail));
  }

  /** @returns where the tail of the data starts */
  #writeWithTail(
    region: ImageRegion,
    node: number,
    { size, links }: { readonly size: number; readonly links: number },
  ): number {
    const { layout } = this.#source;
    const isInline = tailSize(size, layout.xattrSize.get(node) ?? 0) > 0;
    const format = isInline ? nodeFormats.inline : nodeFormats.plain;
    const detail = layout.dataStart / blockSize + (layout.block[node] as number);
    return this.#writeHead(region, node, { format, size, detail, links });
  }

  /** A file or device with xattrs. */
  #writeOther(
    region: ImageRegion,
    node: number,
    { size, links }: { readonly size: number; readonly links: number },
  ): void {
    const { nodes } = this.#source.tree;
    const format = nodes.field(node, nodeFields.format);
    const detail = nodes.field(node, nodeFields.detail);
    const end = this.#writeHead(region, node, { format, size, detail, links });
    if (format !== nodeFormats.chunks) return;
    const block = nodes.field(node, nodeFields.block);
    region.setWords(alignUp(end, chunkIndexSize), [tarDevice, this.#source.tarBlock + block]);
  }

  #writeSparse(
    region: ImageRegion,
    node: number,
    {
      size,
      links,
      sparse,
    }: { readonly size: number; readonly links: number; readonly sparse: SparseLayout },
  ): void {
    const { layout, tarBlock } = this.#source;
    const { plan, runs } = sparse;
    const detail = plan.bits + withDevices;
    const end = this.#writeHead(region, node, { format: nodeFormats.chunks, size, detail, links });
    const start = alignUp(end, chunkIndexSize);
    const setChunk = (chunk: number, device: number, block: number) =>
      region.setWords(start + chunk * chunkIndexSize, [device, block]);
    for (let chunk = 0; chunk < plan.count; chunk++) setChunk(chunk, 0, hole);
    for (const run of runs) {
      const { first, count } = mappedChunks(run, size, plan.size);
      for (let chunk = first; chunk < first + count; chunk++) {
        const from = run.source + chunk * plan.size - run.offset;
        setChunk(chunk, tarDevice, tarBlock + from / blockSize);
      }
    }
    let block = layout.copiedStart / blockSize + sparse.block;
    for (const chunk of plan.copied) {
      setChunk(chunk, 0, block);
      block += plan.size / blockSize;
    }
  }

  /** @returns where what belongs behind the inode and its xattrs starts */
  #writeHead(region: ImageRegion, node: number, head: InodeHead): number {
    const { tree, layout } = this.#source;
    const at = slotOf(layout, node) * slotSize;
    const xattrSize = layout.xattrSize.get(node) ?? 0;
    const record = node * nodeStride;
    const words = tree.nodes.words.slice(record, record + inodeSize / 4);
    words[nodeFields.format] = head.format + xattrCount(xattrSize) * 0x10000;
    words[nodeFields.sizeLow] = head.size;
    words[nodeFields.sizeHigh] = Math.floor(head.size / two32);
    words[nodeFields.detail] = head.detail;
    words[nodeFields.number] = node + 1;
    words[nodeFields.links] = head.links;
    region.setWords(at, words);
    if (xattrSize > 0) region.setXattrs(at + inodeSize, shownXattrs(tree, node));
    return at + inodeSize + xattrSize;
  }
}
