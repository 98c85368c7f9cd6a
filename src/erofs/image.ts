// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { copiedPieces, type ErofsPiece } from "./copied-chunks.ts";
import { FolderWriter } from "./folder-writer.ts";
import { ImageRegion } from "./image-region.ts";
import { InodeWriter } from "./inode-writer.ts";
import { type LayerTree, rootNode } from "./layer-tree.ts";
import { type Layout, planLayout, recordSize } from "./layout.ts";
import { encodeRecords } from "./records.ts";
import { blockSize, writeSuperblock } from "./superblock.ts";

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
  const { tarOffset } = source;
  const layout = planLayout(tree);
  const { recordsStart } = layout;
  const recordsEnd = recordsStart + tree.nodes.count * recordSize;
  const head = new ImageRegion(0, recordsStart);
  const rest = new ImageRegion(recordsEnd, layout.copiedStart - recordsEnd);
  const tarBlock = tarOffset / blockSize;
  const records = encodeRecords(tree.nodes, tarBlock);
  const inodes = new InodeWriter({ tree, layout, tarBlock });
  writeFolders(tree, { layout, inodes, head, rest });
  for (const node of tree.large) {
    if (layout.moved[node] !== 0) inodes.writeLarge(rest, node);
  }
  writeSuperblock(head.bytes, {
    rootSlot: layout.moved[rootNode] as number,
    inodes: tree.nodes.count,
    blocks: layout.size / blockSize,
    deviceBlocks: Math.ceil((tarOffset + source.tarSize) / blockSize),
    digest: source.digest,
  });
  const pieces = [head.bytes, records, rest.bytes, ...copiedPieces(tree, layout)];
  return { pieces, size: layout.size };
}

interface FolderParts {
  readonly layout: Layout;
  readonly inodes: InodeWriter;
  readonly head: ImageRegion;
  readonly rest: ImageRegion;
}

function writeFolders(tree: LayerTree, { layout, inodes, head, rest }: FolderParts): void {
  const { folders } = layout;
  const entries = new FolderWriter(tree, layout);
  for (let folder = 0; folder < folders.count; folder++) {
    const node = folders.node[folder] as number;
    const region = node === rootNode ? head : rest;
    const size = folders.size[folder] as number;
    const links = entries.write(folder, { tail: region, blocks: rest });
    inodes.writeFolder(region, node, { size, links });
  }
}

function checkSource(tree: LayerTree, { tarOffset, tarSize }: ErofsSource): void {
  if (tree.dataEnd > tarSize) {
    throw new LadeError(
      "LAYER_INVALID",
      `${tree.name}: data ends at byte ${tree.dataEnd} of a tar of ${tarSize} bytes`,
    );
  }
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
