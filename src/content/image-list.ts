// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "../spec/digest.ts";
import type { Database } from "./database.ts";

// With 10,000 images these queries are most of what `images` does: they read no column that a list
// has no use for, and leave to SQLite what it does faster than JavaScript that runs for the first time.

/** What a list shows of an image, as it is stored; the labels are JSON. */
export type ListedImage = readonly [
  id: Digest,
  created: string,
  size: number,
  parent: Digest | "",
  labels: string,
];

/** Every image, newest first. */
export function listedImages(database: Database): ListedImage[] {
  return database.lists(
    "SELECT id, created, size, parent, labels FROM image ORDER BY created_ms DESC, id",
  );
}

/** Images that others name as their parents. */
export function parentImages(database: Database): Set<Digest> {
  const rows = database.lists<[Digest]>("SELECT DISTINCT parent FROM image WHERE parent <> ''");
  return new Set(rows.map(([parent]) => parent));
}

/** A name of an image, such as `docker.io/library/busybox:latest`. */
export type ListedName = readonly [image: Digest, name: string];

/** Every tag. */
export function listedTags(database: Database): ListedName[] {
  return database.lists("SELECT image, repository || ':' || tag FROM tag");
}

/** Every digest of a repository; and every manifest, with nothing before its `@`. */
export function listedDigests(database: Database): ListedName[] {
  return database.lists(
    `SELECT image, repository || '@' || digest FROM repository_digest
     UNION ALL SELECT image, '@' || digest FROM manifest`,
  );
}
