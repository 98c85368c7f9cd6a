// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "../spec/digest.ts";
import type { Database } from "./database.ts";
import type { RepositoryDigest, TagName } from "./images.ts";

/** What a list shows of an image, as it is stored. */
export interface ListedRow {
  readonly id: Digest;
  readonly created: string;
  readonly size: number;
  readonly parent: string;
  /** JSON. */
  readonly labels: string;
}

/**
 * Every image, newest first.
 *
 * With 10,000 images this is most of what `images` does, so it reads only the columns that a list
 * needs.
 */
export function listedRows(database: Database): ListedRow[] {
  return database.all<ListedRow>(
    "SELECT id, created, size, parent, labels FROM image ORDER BY created_ms DESC, id",
  );
}

/** Every tag with its image, in the order of the table. */
export function listedTags(database: Database): (TagName & { readonly image: Digest })[] {
  return database.all("SELECT image, repository, tag FROM tag");
}

/** Digests of repositories, and of manifests, whose `repository` is empty. */
export function listedDigests(
  database: Database,
): (RepositoryDigest & { readonly image: Digest })[] {
  return database.all(
    `SELECT image, repository, digest FROM repository_digest
     UNION ALL SELECT image, '', digest FROM manifest`,
  );
}
