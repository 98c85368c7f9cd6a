// SPDX-License-Identifier: Apache-2.0

import { readDocument } from "../content/blobs.ts";
import type { Store } from "../content/store.ts";
import type { Digest } from "../spec/digest.ts";
import { type ImageConfig, parseImageConfig } from "../spec/image-config.ts";

/**
 * The config of an image in the store.
 *
 * @throws LadeError BLOB_NOT_FOUND, DIGEST_MISMATCH for a store that lost bytes
 */
export function readConfig(store: Store, id: Digest): ImageConfig {
  return parseImageConfig(readDocument(store, id), `blob ${id}`);
}
