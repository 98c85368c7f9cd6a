// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { type Digest, digestHex } from "../spec/digest.ts";

/** Where the parts of a store lie below its root. */
export interface StorePaths {
  readonly root: string;
  readonly database: string;
  /** Every blob under its digest. */
  readonly blobs: string;
  /** Indexes of layers: derived, made again when missing. */
  readonly indexes: string;
  /** One folder and one lock file for each command that is writing. */
  readonly ingest: string;
  /** One folder for each container: its upper folder, log and network files. */
  readonly containers: string;
  /** One folder for each volume, with the files in `_data`. */
  readonly volumes: string;
  /** Indexes and images of layers that are mounted where they lie in somebody's archive. */
  readonly archives: string;
  /** Layers as folders, for kernels that can't mount them as they lie. */
  readonly unpacked: string;
}

export function storePaths(root: string): StorePaths {
  return {
    root,
    database: join(root, "lade.db"),
    blobs: join(root, "blobs", "sha256"),
    indexes: join(root, "indexes", "sha256"),
    ingest: join(root, "ingest"),
    containers: join(root, "containers"),
    volumes: join(root, "volumes"),
    archives: join(root, "archives"),
    unpacked: join(root, "unpacked"),
  };
}

export function blobPath(paths: StorePaths, digest: Digest): string {
  return join(paths.blobs, digestHex(digest));
}

export function indexPath(paths: StorePaths, diffId: Digest): string {
  return join(paths.indexes, digestHex(diffId));
}

/** The name of an index file in a lease's folder. */
export function stagedIndexName(diffId: Digest): string {
  return `${digestHex(diffId)}.index`;
}

/** A container's own folder. */
export function containerFolder(paths: StorePaths, id: string): string {
  return join(paths.containers, id);
}

/** The folder of a volume's files. */
export function volumeDataFolder(paths: StorePaths, name: string): string {
  return join(paths.volumes, name, "_data");
}

/** The EROFS image that shows a layer's tar as a file system. */
export function erofsPath(paths: StorePaths, diffId: Digest): string {
  return `${indexPath(paths, diffId)}.erofs`;
}

/** The name of an EROFS image in a lease's folder. */
export function stagedErofsName(diffId: Digest): string {
  return `${digestHex(diffId)}.erofs`;
}
