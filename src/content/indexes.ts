// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "../spec/digest.ts";
import type { Database } from "./database.ts";

/** An index that came with an image, and the attestations that it names besides the image. */
export interface StoredIndex {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Digests of attestation manifests and of the blobs that they name. */
  readonly documents: readonly Digest[];
}

/** Notes an index of an image; inside a transaction. */
export function putIndex(database: Database, image: Digest, index: StoredIndex): void {
  database.run(
    "INSERT OR IGNORE INTO image_index (digest, image, media_type) VALUES (?, ?, ?)",
    index.digest,
    image,
    index.mediaType,
  );
  for (const digest of index.documents) {
    database.run(
      "INSERT OR IGNORE INTO index_document (image_index, digest) VALUES (?, ?)",
      index.digest,
      digest,
    );
  }
}

export function indexesOf(database: Database, image: Digest): StoredIndex[] {
  const rows = database.all<{ digest: Digest; mediaType: string }>(
    "SELECT digest, media_type AS mediaType FROM image_index WHERE image = ? ORDER BY digest",
    image,
  );
  return rows.map((row) => ({ ...row, documents: documentsOf(database, row.digest) }));
}

function documentsOf(database: Database, index: Digest): Digest[] {
  const rows = database.all<{ digest: Digest }>(
    "SELECT digest FROM index_document WHERE image_index = ? ORDER BY digest",
    index,
  );
  return rows.map((row) => row.digest);
}
