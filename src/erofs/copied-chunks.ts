// SPDX-License-Identifier: Apache-2.0

import { alignUp } from "../base/bytes.ts";
import type { DataRun } from "./chunk-map.ts";
import type { LayerTree } from "./layer-tree.ts";
import type { Layout, SparseLayout } from "./layout.ts";
import { blockSize } from "./superblock.ts";

/** A part of an image: bytes, bytes of the tar, or zeros. */
export type ErofsPiece =
  | Buffer
  | { readonly copyFrom: number; readonly size: number }
  | { readonly zeros: number };

/** What the image holds of sparse files, in the order of its blocks. */
export function copiedPieces(tree: LayerTree, layout: Layout): ErofsPiece[] {
  const pieces: ErofsPiece[] = [];
  for (const [node, sparse] of layout.sparse) {
    addPieces(pieces, sparse, tree.nodes.size(node));
  }
  return pieces;
}

/** A chunk from the runs that reach into it and the zeros between them. */
function addPieces(pieces: ErofsPiece[], { runs, plan }: SparseLayout, fileSize: number): void {
  let next = 0;
  for (const chunk of plan.copied) {
    const start = chunk * plan.size;
    const end = Math.min(start + plan.size, alignUp(fileSize, blockSize));
    while (endOf(runs[next]) <= start) next++;
    let at = start;
    for (let index = next; (runs[index]?.offset ?? end) < end; index++) {
      const run = runs[index] as DataRun;
      const from = Math.max(run.offset, start);
      const to = Math.min(endOf(run), end);
      addZeros(pieces, from - at);
      pieces.push({ copyFrom: run.source + from - run.offset, size: to - from });
      at = to;
    }
    addZeros(pieces, end - at);
  }
}

function endOf(run: DataRun | undefined): number {
  return run === undefined ? Number.POSITIVE_INFINITY : run.offset + run.size;
}

function addZeros(pieces: ErofsPiece[], zeros: number): void {
  if (zeros > 0) pieces.push({ zeros });
}
