// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { buildLayerTree, type LayerTree } from "../erofs/layer-tree.ts";
import type { Digest } from "../spec/digest.ts";
import type { TarEntry } from "../tar/entry.ts";
import { openBlob } from "./blobs.ts";
import { type ErofsTarget, isSoundErofs, writeErofs } from "./erofs-files.ts";
import { buildIndex, readIndexedEntries } from "./layer-indexes.ts";
import { openLease } from "./lease.ts";
import { blobPath, erofsPath } from "./paths.ts";
import type { Store } from "./store.ts";

export { erofsPath } from "./paths.ts";

/**
 * The EROFS image that shows a layer of the store; made again where it is missing or not what was
 * written.
 *
 * Mount it with the layer's tar, `blobPath`, as its device.
 *
 * @returns its path
 * @throws LadeError BLOB_NOT_FOUND, TAR_* for a tar that is damaged, DISK_FULL, IO_FAILED
 */
export function ensureErofsImage(store: Store, diffId: Digest): string {
  const path = erofsPath(store.paths, diffId);
  try {
    if (!isSoundErofs(path)) makeImage(store, diffId);
  } catch (error) {
    throw ioError(error, `make the metadata image of layer ${diffId}`);
  }
  return path;
}

function makeImage(store: Store, diffId: Digest): void {
  const { fd, size } = openBlob(store, diffId);
  fs.closeSync(fd);
  const tree = treeFromIndex(store, diffId);
  if (tree === undefined) {
    // Makes the image, too.
    buildIndex(store, diffId);
    return;
  }
  // What a killed command leaves there is swept.
  using lease = openLease(store);
  writeErofs(tree, {
    beside: lease.stagingPath(),
    tarPath: blobPath(store.paths, diffId),
    tarOffset: 0,
    tarSize: size,
    target: erofsPath(store.paths, diffId),
    digest: diffId,
  });
}

/** Undefined where the layer's index is of another version. */
function treeFromIndex(store: Store, diffId: Digest): LayerTree | undefined {
  try {
    return buildLayerTree(readIndexedEntries(store, diffId), { name: `layer ${diffId}` });
  } catch (error) {
    if (isLadeError(error, "STORE_DAMAGED")) return undefined;
    throw error;
  }
}

/**
 * Makes the EROFS image of a layer that lies anywhere, such as inside an archive.
 *
 * @param entries of the tar, paths below the root, as a layer's index has them
 * @throws LadeError UNSUPPORTED for a tar that does not start on a block, LAYER_INVALID,
 *   LIMIT_EXCEEDED, DISK_FULL, IO_FAILED
 */
export function writeErofsFor(entries: Iterable<TarEntry>, target: ErofsTarget): void {
  const name = target.digest === undefined ? target.tarPath : `layer ${target.digest}`;
  const tree = buildLayerTree(entries, { name });
  try {
    writeErofs(tree, target);
  } catch (error) {
    throw ioError(error, `make the metadata image ${target.target}`);
  }
}
