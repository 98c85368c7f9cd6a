// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError, isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Digest, digestOf } from "../spec/digest.ts";
import { trustPeriod } from "./boot.ts";
import { mayBeInLog } from "./database.ts";
import { close, fdatasync, open, writeAll } from "./file-calls.ts";
import { type Lease, overwriteFailedCommit, removeUnrecorded } from "./lease.ts";
import { blobPath, erofsPath, indexPath } from "./paths.ts";
import type { Store } from "./store.ts";

/** A blob that lies synced in a lease's folder and is to be part of the store. */
export interface LeasedBlob {
  readonly digest: Digest;
  /** False for one that the store had before and the lease only holds. */
  readonly isFresh: boolean;
  /** What its tar holds, for the uncompressed tar of a layer: then its index is leased, too. */
  readonly layer?: { readonly contentSize: number; readonly entries: number } | undefined;
}

/** Writes a document into the lease's folder and syncs it. */
export async function stageDocument(lease: Lease, bytes: Uint8Array): Promise<LeasedBlob> {
  const digest = digestOf(bytes);
  const path = lease.pathOf(digest);
  try {
    const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
    const fd = await open(path, O_WRONLY + O_CREAT + O_EXCL, 0o444);
    try {
      await writeAll(fd, bytes, 0);
      await fdatasync(fd);
    } finally {
      await close(fd);
    }
  } catch (error) {
    // The same document twice in one archive.
    if (!isSystemError(error, "EEXIST")) throw ioError(error, `store document ${digest}`);
  }
  return { digest, isFresh: true };
}

/**
 * Makes staged blobs part of the store together with the rows that name them.
 *
 * The order is the promise: every file is synced already; now the names are put in place and
 * synced, and last one transaction makes images and tags visible. Before that transaction all is
 * garbage that the next command may sweep, after it all survives a power cut.
 *
 * @param describe writes the rows of images and tags; it runs inside the transaction
 */
export function commitBlobs<T>(
  store: Store,
  input: { readonly lease: Lease; readonly blobs: readonly LeasedBlob[] },
  describe: () => T,
): T {
  try {
    return store.database.transaction(() => {
      for (const blob of input.blobs) placeBlob(store, input.lease, blob);
      syncNames(store);
      for (const blob of input.blobs) recordBlob(store, blob);
      return describe();
    });
  } catch (error) {
    takeBack(store, input, error);
    throw error;
  }
}

/** Nobody would look for files that were put in place: the lease ends as if all were well. */
function takeBack(
  store: Store,
  { lease, blobs }: { readonly lease: Lease; readonly blobs: readonly LeasedBlob[] },
  failure: unknown,
): void {
  try {
    if (mayBeInLog(failure)) overwriteFailedCommit(store);
    removeUnrecorded(
      store,
      blobs.map((blob) => blob.digest),
    );
  } catch (error) {
    // Whether the commit counts is open until the disk works again: then the lease's names tell
    // what to look at.
    lease.keep();
    if (!isLadeError(error)) throw error;
  }
}

function placeBlob(store: Store, lease: Lease, blob: LeasedBlob): void {
  const path = blobPath(store.paths, blob.digest);
  const leased = lease.pathOf(blob.digest);
  try {
    linkOrReplace(leased, path, blob);
    if (blob.layer === undefined) return;
    const index = indexPath(store.paths, blob.digest);
    if (blob.isFresh) fs.renameSync(lease.indexPathOf(blob.digest), index);
    else linkUnlessThere(lease.indexPathOf(blob.digest), index);
    placeErofs(store, lease, blob);
  } catch (error) {
    throw ioError(error, `put blob ${blob.digest} in place`);
  }
}

/** The image of a layer is put in place with its index; without one it is made at first use. */
function placeErofs(store: Store, lease: Lease, blob: LeasedBlob): void {
  const leased = lease.erofsPathOf(blob.digest);
  const path = erofsPath(store.paths, blob.digest);
  try {
    if (blob.isFresh) fs.renameSync(leased, path);
    else linkUnlessThere(leased, path);
  } catch (error) {
    if (!isSystemError(error, "ENOENT")) throw error;
  }
}

/** Another command may have removed a held file since; mostly it is still there. */
function linkUnlessThere(leased: string, path: string): void {
  try {
    fs.linkSync(leased, path);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}

/** Keeps the lease's own name, by which a blob without a row is found after a crash. */
function linkOrReplace(leased: string, path: string, blob: LeasedBlob): void {
  try {
    fs.linkSync(leased, path);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
    // A fresh file was hashed just now; the one in its place may be damaged.
    if (!blob.isFresh) return;
    fs.linkSync(leased, `${leased}.new`);
    fs.renameSync(`${leased}.new`, path);
  }
}

function syncNames(store: Store): void {
  try {
    const fd = fs.openSync(store.paths.blobs, "r");
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    throw ioError(error, `sync ${store.paths.blobs}`);
  }
}

function recordBlob(store: Store, blob: LeasedBlob): void {
  const { digest, layer } = blob;
  if (blob.isFresh) {
    const stat = fs.statSync(blobPath(store.paths, digest), { bigint: true });
    store.database.run(
      `INSERT INTO blob (digest, size, verified_boot, verified_mtime_ns) VALUES (?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET size = excluded.size,
         verified_boot = excluded.verified_boot, verified_mtime_ns = excluded.verified_mtime_ns`,
      digest,
      stat.size,
      trustPeriod(),
      stat.mtimeNs,
    );
  } else {
    // Another process may have removed the row since the lease took hold of the file.
    const size = fs.statSync(blobPath(store.paths, digest)).size;
    store.database.run("INSERT OR IGNORE INTO blob (digest, size) VALUES (?, ?)", digest, size);
  }
  if (layer === undefined) return;
  store.database.run(
    "INSERT OR REPLACE INTO layer (diff_id, content_size, entries) VALUES (?, ?, ?)",
    digest,
    layer.contentSize,
    layer.entries,
  );
}
