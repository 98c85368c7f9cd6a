// SPDX-License-Identifier: Apache-2.0

import * as fs from "node:fs";
import { bytesSource } from "../../src/base/bytes.ts";
import { commitBlobs, type LeasedBlob, stageDocument } from "../../src/content/commit.ts";
import { type Lease, openLease } from "../../src/content/lease.ts";
import { blobPath } from "../../src/content/paths.ts";
import { stageLayer } from "../../src/content/stage.ts";
import type { Store } from "../../src/content/store.ts";
import type { Digest } from "../../src/spec/digest.ts";

/** Stages a layer's tar in a lease, ready to be committed. */
export async function stageTar(lease: Lease, tar: Uint8Array): Promise<LeasedBlob> {
  const staged = await stageLayer(bytesSource(tar), {
    folder: lease.folder,
    stagingPath: lease.stagingPath(),
    place: "layer",
    keepCompressed: false,
  });
  return { digest: staged.tar.digest, isFresh: true, layer: staged.index };
}

/** Puts a layer and a document into a store, with no image to name them. */
export async function addBlobs(
  store: Store,
  parts: { readonly layer: Uint8Array; readonly document: Uint8Array },
): Promise<{ readonly layer: Digest; readonly document: Digest }> {
  using lease = openLease(store);
  const layer = await stageTar(lease, parts.layer);
  const document = await stageDocument(lease, parts.document);
  commitBlobs(store, { lease, blobs: [layer, document] }, () => undefined);
  return { layer: layer.digest, document: document.digest };
}

/**
 * Changes one byte of a blob's file, or cuts or adds some, as a failing disk would.
 *
 * The file's time moves on, since two changes within one tick of the kernel's clock look like one.
 */
export function damageBlob(
  store: Store,
  digest: Digest,
  damage: "flip" | "cut" | "add" | "empty",
): void {
  const path = blobPath(store.paths, digest);
  const bytes = fs.readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  if (damage === "flip") bytes[middle] = ((bytes[middle] as number) + 1) % 256;
  const after = {
    flip: bytes,
    cut: bytes.subarray(0, middle),
    add: Buffer.concat([bytes, Buffer.from("x")]),
    empty: Buffer.alloc(0),
  };
  fs.rmSync(path);
  fs.writeFileSync(path, after[damage], { mode: 0o444 });
  const later = new Date(Date.now() + 1000);
  fs.utimesSync(path, later, later);
}
