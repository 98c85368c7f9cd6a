// SPDX-License-Identifier: Apache-2.0

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { isLadeError, isSystemError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Digest, digestHex } from "../spec/digest.ts";
import { tryLock } from "../sys/libc.ts";
import { removeAll } from "../sys/remove-all.ts";
import { blobPath, erofsPath, indexPath, stagedErofsName, stagedIndexName } from "./paths.ts";
import { removeIfPossible } from "./remove-if-possible.ts";
import type { Store } from "./store.ts";
import { sweepBlobs, sweepIsDue } from "./sweep.ts";

/**
 * What one running command has staged or relies on: a folder of hard links, named by digest.
 *
 * A blob that the folder links to can be removed from `blobs/` by anyone and is still there for the
 * holder, who links it back when it commits. The lock file beside the folder is locked as long as
 * the holder lives; the kernel frees it after a crash, and the next writing command cleans up.
 */
export interface Lease extends Disposable {
  readonly folder: string;
  /** A path in the folder that nothing else uses. */
  stagingPath(): string;
  /**
   * Keeps a blob of the store.
   *
   * @returns false when the store has no such file
   */
  hold(digest: Digest): boolean;
  /** Keeps a layer's index, in the same way, and its EROFS image where there is one. */
  holdIndex(diffId: Digest): boolean;
  /** Where a staged or held blob lies. */
  pathOf(digest: Digest): string;
  /** Where a staged or held index lies. */
  indexPathOf(diffId: Digest): string;
  /** Where a staged or held EROFS image lies, if any: it can be made at first use. */
  erofsPathOf(diffId: Digest): string;
  /** Leaves the folder to the next command, which finds out by it what may have to go. */
  keep(): void;
}

const lockSuffix = ".lock";

/** Starts a lease, after cleaning up what crashed commands left. */
export function openLease(store: Store): Lease {
  sweepDeadLeases(store);
  const id = randomUUID();
  const folder = join(store.paths.ingest, id);
  const lockPath = `${folder}${lockSuffix}`;
  try {
    const fd = lockNewFile(lockPath);
    makeFolder(folder, { lockPath, fd });
    return makeLease(store, { folder, lockPath, fd });
  } catch (error) {
    throw ioError(error, `stage in ${store.paths.ingest}`);
  }
}

function makeFolder(folder: string, lock: { readonly lockPath: string; readonly fd: number }) {
  try {
    fs.mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    removeIfPossible(lock.lockPath);
    fs.closeSync(lock.fd);
    throw error;
  }
}

function makeLease(
  store: Store,
  parts: { readonly folder: string; readonly lockPath: string; readonly fd: number },
): Lease {
  const { folder, lockPath, fd } = parts;
  let staged = 0;
  let isKept = false;
  const pathOf = (digest: Digest) => join(folder, digestHex(digest));
  const indexPathOf = (diffId: Digest) => join(folder, stagedIndexName(diffId));
  const erofsPathOf = (diffId: Digest) => join(folder, stagedErofsName(diffId));
  return {
    folder,
    stagingPath: () => join(folder, `staged-${staged++}`),
    pathOf,
    indexPathOf,
    erofsPathOf,
    hold: (digest) => holdFile(blobPath(store.paths, digest), pathOf(digest)),
    holdIndex(diffId) {
      holdFile(erofsPath(store.paths, diffId), erofsPathOf(diffId));
      return holdFile(indexPath(store.paths, diffId), indexPathOf(diffId));
    },
    keep() {
      isKept = true;
    },
    [Symbol.dispose](): void {
      if (!isKept) removeLease(folder, lockPath);
      fs.closeSync(fd);
    },
  };
}

/**
 * What the command was to do is done or has failed by now, and a disk that does not even let go of
 * files changes nothing about that. The next command removes what is left.
 */
function removeLease(folder: string, lockPath: string): void {
  removeIfPossible(folder);
  // By its lock a folder is found.
  if (!fs.existsSync(folder)) removeIfPossible(lockPath);
}

function holdFile(path: string, leased: string): boolean {
  try {
    fs.linkSync(path, leased);
    return true;
  } catch (error) {
    if (isSystemError(error, "EEXIST")) return true;
    if (isSystemError(error, "ENOENT")) return false;
    throw ioError(error, `keep ${path}`);
  }
}

/** A sweeper may lock and remove the file between its making and our lock: then make another. */
function lockNewFile(path: string): number {
  for (;;) {
    const fd = fs.openSync(path, "w", 0o600);
    const isOurs = tryLock(fd) && isSameFile(fd, path);
    if (isOurs) return fd;
    fs.closeSync(fd);
  }
}

function isSameFile(fd: number, path: string): boolean {
  const atPath = fs.statSync(path, { throwIfNoEntry: false });
  return atPath !== undefined && atPath.ino === fs.fstatSync(fd).ino;
}

/**
 * Removes the folders of commands that are gone, and blobs that they had put in place without
 * getting as far as the database.
 */
export function sweepDeadLeases(store: Store): void {
  const names = listFolder(store.paths.ingest);
  const ids = names.map((name) => name.replace(lockSuffix, ""));
  for (const id of new Set(ids)) sweepLease(store, id);
  if (sweepIsDue(store)) sweepBlobs(store);
}

function sweepLease(store: Store, id: string): void {
  const folder = join(store.paths.ingest, id);
  const lockPath = `${folder}${lockSuffix}`;
  let fd: number | undefined;
  try {
    fd = fs.openSync(lockPath, "r");
  } catch (error) {
    // A living command has its lock before its folder: a power cut took the one and left the other.
    if (!isSystemError(error, "ENOENT")) throw ioError(error, `clean up ${lockPath}`);
  }
  try {
    if (fd !== undefined && !tryLock(fd)) return;
    const names = listFolder(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
    sweepPlaced(
      store,
      names.map((hex): Digest => `sha256:${hex}`),
    );
    removeAll(folder);
    fs.rmSync(lockPath, { force: true });
  } catch (error) {
    throw ioError(error, `clean up ${folder}`);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** As {@link removeUnrecorded}, for a command that may have been killed while it committed. */
function sweepPlaced(store: Store, digests: readonly Digest[]): void {
  try {
    if (digests.length > 0) overwriteFailedCommit(store);
  } catch (error) {
    // A full disk would stay full.
    if (!isLadeError(error, "DISK_FULL")) throw error;
  }
  removeUnrecorded(store, digests);
}

/**
 * Removes those of the blobs, with their indexes, that no row names: they belong to nobody.
 *
 * @throws LadeError where the disk does not let it; then all files are left as they are
 */
export function removeUnrecorded(store: Store, digests: readonly Digest[]): void {
  const isUnrecorded = (digest: Digest) =>
    store.database.get("SELECT 1 FROM blob WHERE digest = ?", digest) === undefined;
  if (!digests.some(isUnrecorded)) return;
  store.database.transaction(() => {
    for (const digest of digests.filter(isUnrecorded)) {
      fs.rmSync(blobPath(store.paths, digest), { force: true });
      fs.rmSync(indexPath(store.paths, digest), { force: true });
      fs.rmSync(erofsPath(store.paths, digest), { force: true });
    }
  });
}

/**
 * A commit that failed while it was synced lies in the log as a whole, and SQLite takes it for done
 * when it next recovers that log: rows would come back whose files have gone. Whatever is written
 * next takes its place in the log.
 */
export function overwriteFailedCommit({ database }: Store): void {
  database.transaction(() => {
    const sql = "INSERT OR REPLACE INTO property (name, value) VALUES ('cleaned_up', ?)";
    database.run(sql, randomUUID());
  });
}

function listFolder(path: string): string[] {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return [];
    throw error;
  }
}
