// SPDX-License-Identifier: Apache-2.0

import { closeSync } from "node:fs";
import { isLadeError } from "../base/errors.ts";
import { isSound, openBlob } from "../content/blobs.ts";
import { commitBlobs } from "../content/commit.ts";
import { openLease } from "../content/lease.ts";
import { rangeSource } from "../content/sources.ts";
import { stageLayer } from "../content/stage.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";

/**
 * Makes a layer's tar again from the compressed form that came with it.
 *
 * @returns false where the store has no sound compressed form of just this tar
 */
export async function restoreFromCompressed(store: Store, diffId: Digest): Promise<boolean> {
  for (const digest of compressedForms(store, diffId)) {
    if (!(await isSound(store, digest))) continue;
    if (await restore(store, diffId, digest)) return true;
  }
  return false;
}

function compressedForms(store: Store, diffId: Digest): Digest[] {
  const rows = store.database.all<{ digest: Digest }>(
    `SELECT DISTINCT manifest_layer.digest FROM image_layer
     JOIN manifest ON manifest.image = image_layer.image
     JOIN manifest_layer ON manifest_layer.manifest = manifest.digest
       AND manifest_layer.position = image_layer.position
     WHERE image_layer.diff_id = ? AND manifest_layer.digest <> image_layer.diff_id`,
    diffId,
  );
  return rows.map((row) => row.digest);
}

async function restore(store: Store, diffId: Digest, compressed: Digest): Promise<boolean> {
  using lease = openLease(store);
  const { fd, size } = openBlob(store, compressed);
  try {
    const staged = await stageLayer(rangeSource(fd, { offset: 0, size }), {
      folder: lease.folder,
      stagingPath: lease.stagingPath(),
      place: `blob ${compressed}`,
      keepCompressed: false,
    });
    if (staged.tar.digest !== diffId || staged.index === undefined) return false;
    const blob = { digest: diffId, isFresh: true, layer: staged.index };
    commitBlobs(store, { lease, blobs: [blob] }, () => undefined);
    return true;
  } catch (error) {
    if (isLadeError(error, "COMPRESSION_CORRUPT")) return false;
    throw error;
  } finally {
    closeSync(fd);
  }
}
