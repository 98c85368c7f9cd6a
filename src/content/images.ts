// SPDX-License-Identifier: Apache-2.0

import type { Digest } from "../spec/digest.ts";
import type { Database } from "./database.ts";
import { parseStoredJson } from "./stored-json.ts";

/** An image as it is written to the database. */
export interface NewImage {
  readonly id: Digest;
  /** RFC 3339 as in the config; empty where it has none. */
  readonly created: string;
  /** Bytes of the files of all its layers. */
  readonly size: number;
  /** `os/architecture[/variant]` */
  readonly platform: string;
  /** Image ID of the parent; undefined where it is not known. */
  readonly parent: Digest | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly diffIds: readonly Digest[];
  readonly manifests: readonly NewManifest[];
}

/** A manifest that came with an image and goes out with it again. */
export interface NewManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Blobs of the layers as they came, where they came compressed. */
  readonly compressedLayers: readonly Digest[];
}

/** `repository` is the full name: `docker.io/library/busybox`. */
export interface TagName {
  readonly repository: string;
  readonly tag: string;
}

export interface ImageRow {
  readonly id: Digest;
  readonly created: string;
  readonly createdMs: number;
  readonly size: number;
  readonly platform: string;
  readonly parent: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addedMs: number;
  readonly taggedMs: number;
}

interface StoredImage {
  readonly id: Digest;
  readonly created: string;
  readonly created_ms: number;
  readonly size: number;
  readonly platform: string;
  readonly parent: string;
  readonly labels: string;
  readonly added_ms: number;
  readonly tagged_ms: number;
}

/** Go's zero time, which stands for an image without a date. */
const zeroTimeMs: number = Date.parse("0001-01-01T00:00:00Z");

/** Writes an image, or adds to what is known of it; inside a transaction. */
export function putImage(database: Database, image: NewImage): void {
  const createdMs = Date.parse(image.created);
  database.run(
    `INSERT INTO image (id, created, created_ms, size, platform, parent, labels, added_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET size = excluded.size,
       parent = CASE WHEN excluded.parent = '' THEN parent ELSE excluded.parent END`,
    image.id,
    image.created,
    Number.isNaN(createdMs) ? zeroTimeMs : createdMs,
    image.size,
    image.platform,
    image.parent ?? "",
    JSON.stringify(image.labels),
    Date.now(),
  );
  image.diffIds.forEach((diffId, position) => {
    database.run(
      "INSERT OR IGNORE INTO image_layer (image, position, diff_id) VALUES (?, ?, ?)",
      image.id,
      position,
      diffId,
    );
  });
  for (const manifest of image.manifests) putManifest(database, image.id, manifest);
}

function putManifest(database: Database, image: Digest, manifest: NewManifest): void {
  database.run(
    "INSERT OR IGNORE INTO manifest (digest, image, media_type) VALUES (?, ?, ?)",
    manifest.digest,
    image,
    manifest.mediaType,
  );
  manifest.compressedLayers.forEach((digest, position) => {
    database.run(
      "INSERT OR IGNORE INTO manifest_layer (manifest, position, digest) VALUES (?, ?, ?)",
      manifest.digest,
      position,
      digest,
    );
  });
}

/**
 * Points a tag at an image; inside a transaction.
 *
 * @returns the image that had it before, where it was another one
 */
export function putTag(database: Database, name: TagName, image: Digest): Digest | undefined {
  const before = imageOfTag(database, name);
  database.run(
    "INSERT OR REPLACE INTO tag (repository, tag, image) VALUES (?, ?, ?)",
    name.repository,
    name.tag,
    image,
  );
  database.run("UPDATE image SET tagged_ms = ? WHERE id = ?", Date.now(), image);
  return before === image ? undefined : before;
}

export function imageOfTag(database: Database, name: TagName): Digest | undefined {
  return database.get<{ image: Digest }>(
    "SELECT image FROM tag WHERE repository = ? AND tag = ?",
    name.repository,
    name.tag,
  )?.image;
}

export function tagsOfImage(database: Database, image: Digest): TagName[] {
  return database.all<TagName>(
    "SELECT repository, tag FROM tag WHERE image = ? ORDER BY repository, tag",
    image,
  );
}

/** All tags of a repository with their images. */
export function tagsOfRepository(
  database: Database,
  repository: string,
): (TagName & { readonly image: Digest })[] {
  return database.all(
    "SELECT repository, tag, image FROM tag WHERE repository = ? ORDER BY tag",
    repository,
  );
}

export function findImage(database: Database, id: Digest): ImageRow | undefined {
  const row = database.get<StoredImage>("SELECT * FROM image WHERE id = ?", id);
  return row && toImageRow(row);
}

/** Images whose ID begins with these hex digits; at most two, which is enough to see ambiguity. */
export function findImagesByPrefix(database: Database, hexPrefix: string): Digest[] {
  const rows = database.all<{ id: Digest }>(
    "SELECT id FROM image WHERE id >= ? AND id < ? LIMIT 2",
    `sha256:${hexPrefix}`,
    `sha256:${hexPrefix}g`,
  );
  return rows.map((row) => row.id);
}

/** The image that a manifest digest stands for. */
export function imageOfManifest(database: Database, digest: Digest): Digest | undefined {
  return (
    database.get<{ image: Digest }>("SELECT image FROM manifest WHERE digest = ?", digest)?.image ??
    database.get<{ image: Digest }>("SELECT image FROM repository_digest WHERE digest = ?", digest)
      ?.image
  );
}

/** The image that a repository knows by a digest. */
export function imageOfRepositoryDigest(
  database: Database,
  name: RepositoryDigest,
): Digest | undefined {
  return database.get<{ image: Digest }>(
    "SELECT image FROM repository_digest WHERE repository = ? AND digest = ?",
    name.repository,
    name.digest,
  )?.image;
}

export function diffIdsOf(database: Database, image: Digest): Digest[] {
  const rows = database.all<{ diff_id: Digest }>(
    "SELECT diff_id FROM image_layer WHERE image = ? ORDER BY position",
    image,
  );
  return rows.map((row) => row.diff_id);
}

export interface ManifestRow {
  readonly digest: Digest;
  readonly mediaType: string;
}

export function manifestsOf(database: Database, image: Digest): ManifestRow[] {
  return database.all<ManifestRow>(
    "SELECT digest, media_type AS mediaType FROM manifest WHERE image = ? ORDER BY digest",
    image,
  );
}

export function compressedLayersOf(database: Database, manifest: Digest): Digest[] {
  const rows = database.all<{ digest: Digest }>(
    "SELECT digest FROM manifest_layer WHERE manifest = ? ORDER BY position",
    manifest,
  );
  return rows.map((row) => row.digest);
}

/** Content sizes of an image's layers, lowest first; 0 where the store does not know it. */
export function layerSizesOf(database: Database, image: Digest): number[] {
  const rows = database.all<{ size: number }>(
    `SELECT COALESCE(layer.content_size, 0) AS size FROM image_layer
     LEFT JOIN layer USING (diff_id) WHERE image = ? ORDER BY position`,
    image,
  );
  return rows.map((row) => row.size);
}

/** Every image, newest first. */
export function allImages(database: Database): ImageRow[] {
  return database
    .all<StoredImage>("SELECT * FROM image ORDER BY created_ms DESC, id")
    .map(toImageRow);
}

/** Every tag, by image. */
export function allTags(database: Database): Map<Digest, TagName[]> {
  return groupByImage<TagName & { image: Digest }>(
    database.all("SELECT image, repository, tag FROM tag ORDER BY repository, tag"),
  );
}

export interface RepositoryDigest {
  readonly repository: string;
  readonly digest: Digest;
}

/** Every repository digest, by image. */
export function allRepositoryDigests(database: Database): Map<Digest, RepositoryDigest[]> {
  return groupByImage<RepositoryDigest & { image: Digest }>(
    database.all(
      "SELECT image, repository, digest FROM repository_digest ORDER BY repository, digest",
    ),
  );
}

export function repositoryDigestsOf(database: Database, image: Digest): RepositoryDigest[] {
  return database.all(
    "SELECT repository, digest FROM repository_digest WHERE image = ? ORDER BY repository, digest",
    image,
  );
}

export function putRepositoryDigest(
  database: Database,
  name: RepositoryDigest,
  image: Digest,
): void {
  database.run(
    "INSERT OR REPLACE INTO repository_digest (repository, digest, image) VALUES (?, ?, ?)",
    name.repository,
    name.digest,
    image,
  );
}

function groupByImage<T extends { readonly image: Digest }>(rows: readonly T[]): Map<Digest, T[]> {
  const groups = new Map<Digest, T[]>();
  for (const row of rows) {
    const group = groups.get(row.image);
    if (group === undefined) groups.set(row.image, [row]);
    else group.push(row);
  }
  return groups;
}

function toImageRow(row: StoredImage): ImageRow {
  return {
    id: row.id,
    created: row.created,
    createdMs: row.created_ms,
    size: row.size,
    platform: row.platform,
    parent: row.parent,
    labels: row.labels === "{}" ? {} : parseStoredJson<Record<string, string>>(row.labels),
    addedMs: row.added_ms,
    taggedMs: row.tagged_ms,
  };
}
