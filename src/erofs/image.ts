// SPDX-License-Identifier: Apache-2.0

import { LadeError } from "../base/errors.ts";
import { copiedPieces, type ErofsPiece } from "./copied-chunks.ts";
import { writeEntries } from "./folder-writer.ts";
import { InodeWriter } from "./inode-writer.ts";
import { type LayerTree, rootNode } from "./layer-tree.ts";
import { planLayout } from "./layout.ts";
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
  const layout = planLayout(tree);
  const image = Buffer.alloc(layout.copiedStart);
  const { tarOffset, tarSize } = source;
  const inodes = new InodeWriter(image, { tree, layout, tarOffset, tarSize });
  inodes.writeFiles();
  inodes.writeFolders();
  writeEntries(image, tree, layout);
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
