// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { ioError } from "../base/io-error.ts";
import type { Digest } from "../spec/digest.ts";
import { blobPath, erofsPath, indexPath } from "./paths.ts";
import type { Store } from "./store.ts";

const isUnreferenced = `
  NOT EXISTS (SELECT 1 FROM image WHERE image.id = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM image_layer WHERE image_layer.diff_id = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM container_layer WHERE container_layer.diff_id = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM manifest WHERE manifest.digest = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM manifest_layer WHERE manifest_layer.digest = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM image_index WHERE image_index.digest = blob.digest)
  AND NOT EXISTS (SELECT 1 FROM index_document WHERE index_document.digest = blob.digest)`;

export interface SweptBlob {
  readonly digest: Digest;
  readonly size: number;
  /** True for the tar of a layer. */
  readonly isLayer: boolean;
}

/**
 * Removes blobs that no image, no manifest and no container names.
 *
 * Call it after the transaction that removed the names is durable: a file must never go before the
 * last row that relies on it. What a running command has leased lives on in the lease's folder.
 *
 * @param candidates looks only at these; all blobs where undefined
 */
export function sweepBlobs(store: Store, candidates?: readonly Digest[]): SweptBlob[] {
  const { database } = store;
  return database.transaction(() => {
    const swept = candidates === undefined ? unreferenced(store) : among(store, candidates);
    for (const { digest } of swept) {
      removeFile(blobPath(store.paths, digest));
      removeFile(indexPath(store.paths, digest));
      removeFile(erofsPath(store.paths, digest));
      database.run("DELETE FROM blob WHERE digest = ?", digest);
      database.run("DELETE FROM layer WHERE diff_id = ?", digest);
    }
    return swept;
  });
}

const columns = `digest, size,
  EXISTS (SELECT 1 FROM layer WHERE layer.diff_id = blob.digest) AS isLayer`;

function unreferenced(store: Store): SweptBlob[] {
  return store.database
    .all<SweptBlob>(`SELECT ${columns} FROM blob WHERE ${isUnreferenced}`)
    .map(withFlag);
}

function among(store: Store, candidates: readonly Digest[]): SweptBlob[] {
  const swept: SweptBlob[] = [];
  for (const digest of new Set(candidates)) {
    const row = store.database.get<SweptBlob>(
      `SELECT ${columns} FROM blob WHERE digest = ? AND ${isUnreferenced}`,
      digest,
    );
    if (row !== undefined) swept.push(withFlag(row));
  }
  return swept;
}

/** SQLite has no booleans. */
function withFlag(row: SweptBlob): SweptBlob {
  return { ...row, isLayer: Boolean(row.isLayer) };
}

function removeFile(path: string): void {
  try {
    fs.rmSync(path, { force: true });
  } catch (error) {
    throw ioError(error, `remove ${path}`);
  }
}
