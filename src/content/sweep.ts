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

/** True where no image, no manifest and no container names the blob. */
export function isUnused({ database }: Store, digest: Digest): boolean {
  const sql = `SELECT 1 FROM blob WHERE digest = ? AND ${isUnreferenced}`;
  return database.get(sql, digest) !== undefined;
}

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
    const isAll = candidates === undefined || sweepIsDue(store, "all");
    const swept = isAll ? unreferenced(store) : among(store, candidates);
    database.run("DELETE FROM property WHERE name = 'sweep_due'");
    for (const { digest } of swept) {
      removeFile(blobPath(store.paths, digest));
      removeFile(indexPath(store.paths, digest));
      removeFile(erofsPath(store.paths, digest));
    }
    if (swept.length > 0) syncRemoval(store);
    for (const { digest } of swept) {
      database.run("DELETE FROM blob WHERE digest = ?", digest);
      database.run("DELETE FROM layer WHERE diff_id = ?", digest);
    }
    return swept;
  });
}

/**
 * Notes, in the transaction that removes the names, that blobs are to be swept after it: should the
 * command be killed in between, the next one that looks for remains does it.
 */
export function noteSweep({ database }: Store): void {
  database.run(
    `INSERT INTO property (name, value) VALUES ('sweep_due', 'own')
     ON CONFLICT (name) DO UPDATE SET value = 'all'`,
  );
}

/**
 * @param scope `all`: somebody else's sweep is due, too, so that nobody knows all candidates
 */
export function sweepIsDue({ database }: Store, scope?: "all"): boolean {
  const sql = "SELECT value FROM property WHERE name = 'sweep_due'";
  const found = database.get<{ value: string }>(sql);
  return found !== undefined && (scope === undefined || found.value === scope);
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

/**
 * A row must not go before its file for good: after a power cut nobody would look for the file. A
 * row that stays without one is swept the next time.
 */
function syncRemoval({ paths }: Store): void {
  for (const folder of [paths.indexes, paths.blobs]) {
    try {
      const fd = fs.openSync(folder, "r");
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw ioError(error, `sync ${folder}`);
    }
  }
}

function removeFile(path: string): void {
  try {
    fs.rmSync(path, { force: true });
  } catch (error) {
    throw ioError(error, `remove ${path}`);
  }
}
