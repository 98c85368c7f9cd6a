// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { isLadeError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { blobSize, hashIfThere, isSound, readDocument } from "../content/blobs.ts";
import { putImage } from "../content/images.ts";
import { buildIndex } from "../content/layer-indexes.ts";
import { blobPath } from "../content/paths.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { type ImageConfig, parseImageConfig } from "../spec/image-config.ts";
import { formatPlatform } from "../spec/platform.ts";

/**
 * Gives a whole blob that no row names its row back.
 *
 * A config all of whose layers are there and whole becomes an image again, without a name: so a lost
 * database does not mean lost images. Anything else is kept as a row without a use, which the sweep
 * that follows removes.
 *
 * @returns true, for the caller's report
 */
export async function adoptBlob(store: Store, digest: Digest): Promise<boolean> {
  const config = configOf(store, digest);
  recordBlob(store, digest);
  if (config === undefined) return true;
  const diffIds = config.rootfs.diff_ids;
  const sizes: number[] = [];
  for (const diffId of diffIds) {
    const size = await adoptLayer(store, diffId);
    if (size === undefined) return true;
    sizes.push(size);
  }
  store.database.transaction(() =>
    putImage(store.database, {
      id: digest,
      created: config.created ?? "",
      size: sizes.reduce((sum, size) => sum + size, 0),
      platform: formatPlatform(config),
      parent: undefined,
      labels: config.config?.Labels ?? {},
      diffIds,
      manifests: [],
    }),
  );
  return true;
}

/** @returns the layer's size as Docker counts it; undefined where it is not whole, or no layer */
async function adoptLayer(store: Store, diffId: Digest): Promise<number | undefined> {
  const isWhole =
    blobSize(store, diffId) === undefined
      ? (await hashIfThere(blobPath(store.paths, diffId))) === diffId
      : await isSound(store, diffId);
  if (!isWhole) return undefined;
  recordBlob(store, diffId);
  const known = store.database.get<{ size: number }>(
    "SELECT content_size AS size FROM layer WHERE diff_id = ?",
    diffId,
  );
  if (known !== undefined) return known.size;
  try {
    return buildIndex(store, diffId).contentSize;
  } catch (error) {
    if (isLadeError(error)) return undefined;
    throw error;
  }
}

function recordBlob(store: Store, digest: Digest): void {
  const { size } = fs.statSync(blobPath(store.paths, digest));
  store.database.run("INSERT OR IGNORE INTO blob (digest, size) VALUES (?, ?)", digest, size);
}

function configOf(store: Store, digest: Digest): ImageConfig | undefined {
  const { size } = fs.statSync(blobPath(store.paths, digest));
  if (size > limits.documentSize) return undefined;
  try {
    return parseImageConfig(readDocument(store, digest), `blob ${digest}`);
  } catch (error) {
    if (isLadeError(error, "DOCUMENT_INVALID") || isLadeError(error, "LIMIT_EXCEEDED")) {
      return undefined;
    }
    throw error;
  }
}
