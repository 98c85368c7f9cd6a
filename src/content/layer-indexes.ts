// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { ioError } from "../base/io-error.ts";
import { LayerTreeBuilder } from "../erofs/layer-tree.ts";
import type { Digest } from "../spec/digest.ts";
import type { TarEntry } from "../tar/entry.ts";
import { type LayerIndex, LayerIndexer, readLayerIndex } from "../tar/layer-index.ts";
import { missingBlob } from "./blobs.ts";
import { writeErofs } from "./erofs-files.ts";
import { openLease } from "./lease.ts";
import { blobPath, erofsPath, indexPath } from "./paths.ts";
import type { Store } from "./store.ts";

const sealSize = 32;

/** An index with its SHA-256 behind it, as it lies in the store. */
export function sealIndex(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, createHash("sha256").update(bytes).digest()]);
}

/** Writes an index with its seal to a new file. */
export function writeIndex(path: string, bytes: Buffer): void {
  const fd = fs.openSync(path, "wx");
  try {
    // Not joined first: the index of a layer of a million files has 30 MB.
    const seal = createHash("sha256").update(bytes).digest();
    for (const part of [bytes, seal]) {
      for (let done = 0; done < part.length; ) done += fs.writeSync(fd, part, done);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** The index in a sealed file; undefined when the seal does not match. */
export function unsealIndex(file: Buffer): Buffer | undefined {
  if (file.length < sealSize) return undefined;
  const bytes = file.subarray(0, file.length - sealSize);
  const seal = createHash("sha256").update(bytes).digest();
  return seal.equals(file.subarray(file.length - sealSize)) ? bytes : undefined;
}

const readSize = 1024 * 1024;

/**
 * Makes a layer's index from its tar, its EROFS image and its row.
 *
 * @throws LadeError TAR_* for a tar that is damaged, LAYER_INVALID
 */
export function buildIndex(store: Store, diffId: Digest): LayerIndex {
  const name = `layer ${diffId}`;
  const tree = new LayerTreeBuilder(name);
  const indexer = new LayerIndexer(name, (path, entry) => tree.add(entry, path));
  const tarPath = blobPath(store.paths, diffId);
  const fd = fs.openSync(tarPath, "r");
  let tarSize = 0;
  try {
    const buffer = Buffer.allocUnsafe(readSize);
    for (let count = fs.readSync(fd, buffer); count > 0; count = fs.readSync(fd, buffer)) {
      indexer.push(buffer.subarray(0, count));
      tarSize += count;
    }
  } finally {
    fs.closeSync(fd);
  }
  const index = indexer.finish();
  // What a killed command leaves there is swept.
  using lease = openLease(store);
  const path = indexPath(store.paths, diffId);
  try {
    writeErofs(tree.finish(), {
      tarPath,
      tarOffset: 0,
      tarSize,
      target: erofsPath(store.paths, diffId),
      beside: lease.stagingPath(),
      digest: diffId,
    });
    const beside = lease.stagingPath();
    writeIndex(beside, index.bytes);
    fs.renameSync(beside, path);
  } catch (error) {
    throw ioError(error, `write index ${path}`);
  }
  store.database.run(
    "INSERT OR REPLACE INTO layer (diff_id, content_size, entries) VALUES (?, ?, ?)",
    diffId,
    index.contentSize,
    index.entries,
  );
  return index;
}

/**
 * The entries of a layer's tar by its index, which is made again where it is missing or damaged.
 *
 * @throws LadeError TAR_* for a tar that is damaged too, BLOB_NOT_FOUND
 */
export function readIndexedEntries(store: Store, diffId: Digest): Iterable<TarEntry> {
  const path = indexPath(store.paths, diffId);
  const known = fs.existsSync(path) ? unsealIndex(fs.readFileSync(path)) : undefined;
  if (known !== undefined) return readLayerIndex(known);
  if (!fs.existsSync(blobPath(store.paths, diffId))) throw missingBlob(store, diffId);
  return readLayerIndex(buildIndex(store, diffId).bytes);
}
