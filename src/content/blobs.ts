// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isSystemError, LadeError } from "../base/errors.ts";
import { ioError } from "../base/io-error.ts";
import { type Digest, digestOf } from "../spec/digest.ts";
import { bootId, trustPeriod } from "./boot.ts";
import { blobPath } from "./paths.ts";
import type { Store } from "./store.ts";

interface BlobRow {
  readonly size: number;
  readonly verified_boot: string;
  readonly verified_mtime_ns: bigint | number;
}

/** What the store knows of a blob; undefined when it has none. */
export function blobSize(store: Store, digest: Digest): number | undefined {
  return store.database.get<BlobRow>("SELECT size FROM blob WHERE digest = ?", digest)?.size;
}

/**
 * True when the store has the blob and its bytes are right.
 *
 * The bytes are hashed once in each boot and day, and again when the file changed since: a power cut
 * or a failing disk is found before the blob is relied on.
 */
export async function isSound(
  store: Store,
  digest: Digest,
  signal?: AbortSignal,
): Promise<boolean> {
  const row = verificationOf(store, digest);
  if (row === undefined) return false;
  const path = blobPath(store.paths, digest);
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined || Number(stat.size) !== row.size) return false;
  const isKnown = row.verified_boot !== "" && row.verified_boot === trustPeriod();
  if (isKnown && String(stat.mtimeNs) === String(row.verified_mtime_ns)) return true;
  if ((await hashIfThere(path, signal)) !== digest) return false;
  markVerified(store, digest, stat.mtimeNs);
  return true;
}

/** Notes that the blob's file was hashed and right. */
export function markVerified(store: Store, digest: Digest, mtimeNs: bigint): void {
  store.database.run(
    "UPDATE blob SET verified_boot = ?, verified_mtime_ns = ? WHERE digest = ?",
    trustPeriod(),
    mtimeNs,
    digest,
  );
}

const hashChunkSize = 1024 * 1024;

/** After so many chunks other work gets its turn: timers, signals, progress. */
const chunksInARow = 32;

/** The digest of a file's bytes. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<Digest> {
  const fd = fs.openSync(path, "r");
  try {
    return await hashDescriptor(fd, signal);
  } finally {
    fs.closeSync(fd);
  }
}

/** The digest of a file's bytes; undefined where another command has just removed it. */
export async function hashIfThere(path: string, signal?: AbortSignal): Promise<Digest | undefined> {
  try {
    return await hashFile(path, signal);
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The digest of an open file's bytes, from its start and whatever its name has become. */
export async function hashDescriptor(fd: number, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(hashChunkSize);
  let offset = 0;
  for (let chunk = 1; ; chunk++) {
    const count = fs.readSync(fd, buffer, 0, buffer.length, offset);
    if (count === 0) return `sha256:${hash.digest("hex")}`;
    hash.update(buffer.subarray(0, count));
    offset += count;
    if (chunk % chunksInARow !== 0) continue;
    await setImmediate();
    signal?.throwIfAborted();
  }
}

/**
 * The bytes of a small blob, such as a config, checked against its digest.
 *
 * @throws LadeError BLOB_NOT_FOUND, DIGEST_MISMATCH
 */
export function readDocument(store: Store, digest: Digest): Buffer {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(blobPath(store.paths, digest));
  } catch (error) {
    if (isSystemError(error, "ENOENT")) throw missingBlob(store, digest);
    throw ioError(error, `read blob ${digest}`);
  }
  // Hashing is quick, but what it needs of Node takes longer to load than `run` takes otherwise.
  if (isVerified(store, digest)) return bytes;
  if (digestOf(bytes) !== digest) throw damaged(digest, digestOf(bytes));
  return bytes;
}

/** True where the file was hashed in this boot, was right, and has not changed since. */
function isVerified(store: Store, digest: Digest): boolean {
  const row = verificationOf(store, digest);
  if (row === undefined || bootId() === "") return false;
  return row.verified_boot.startsWith(bootId()) && isUnchanged(store, digest, row);
}

function verificationOf(store: Store, digest: Digest): BlobRow | undefined {
  return store.database.get<BlobRow>(
    "SELECT size, verified_boot, CAST(verified_mtime_ns AS TEXT) AS verified_mtime_ns FROM blob WHERE digest = ?",
    digest,
  );
}

function isUnchanged(store: Store, digest: Digest, row: BlobRow): boolean {
  const stat = fs.statSync(blobPath(store.paths, digest), { bigint: true, throwIfNoEntry: false });
  return (
    stat !== undefined &&
    Number(stat.size) === row.size &&
    String(stat.mtimeNs) === String(row.verified_mtime_ns)
  );
}

/**
 * Makes sure that a blob can be mounted: its file is as it was when it was last hashed, in whatever
 * boot, or is hashed now. All of it was on the disk before the store knew of it, so that a power cut
 * took nothing; hashing it again after each would keep a large image from starting for seconds.
 *
 * @throws LadeError BLOB_NOT_FOUND, DIGEST_MISMATCH
 */
export async function checkMountable(store: Store, digest: Digest): Promise<void> {
  const row = verificationOf(store, digest);
  if (row !== undefined && isUnchanged(store, digest, row)) return;
  if (await isSound(store, digest)) return;
  const path = blobPath(store.paths, digest);
  if (!fs.existsSync(path)) throw missingBlob(store, digest);
  throw damaged(digest, await hashFile(path));
}

/**
 * Opens a blob's file to read it; its digest is for the reader to check.
 *
 * @throws LadeError BLOB_NOT_FOUND
 */
export function openBlob(store: Store, digest: Digest): { fd: number; size: number } {
  const path = blobPath(store.paths, digest);
  try {
    const fd = fs.openSync(path, "r");
    return { fd, size: fs.fstatSync(fd).size };
  } catch (error) {
    if (isSystemError(error, "ENOENT")) throw missingBlob(store, digest);
    throw ioError(error, `read blob ${digest}`);
  }
}

/** The error of a blob whose file is gone. */
export function missingBlob(store: Store, digest: Digest): LadeError {
  return new LadeError("BLOB_NOT_FOUND", `blob ${digest}: missing in ${store.paths.blobs}`, {
    hint: "Load the image again: `lade load` puts back what is missing.",
  });
}

/** The error of a blob whose bytes are not what its name says. */
export function damaged(digest: Digest, found: Digest): LadeError {
  return new LadeError(
    "DIGEST_MISMATCH",
    `blob ${digest}: damaged on disk: want ${digest}, got ${found}`,
    { hint: "Load the image again: `lade load` replaces what is damaged." },
  );
}
