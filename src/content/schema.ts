// SPDX-License-Identifier: Apache-2.0

/**
 * The store's metadata.
 *
 * `blob` has a row for every file in `blobs/`. A row of `image`, `manifest` or `tag` appears in the
 * transaction after which all its bytes are on disk, never before.
 */
const schema = `
CREATE TABLE blob (
  digest TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  -- The boot, and the day, in which the file was last hashed and right, and its mtime then.
  verified_boot TEXT NOT NULL DEFAULT '',
  verified_mtime_ns INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE layer (
  diff_id TEXT PRIMARY KEY,
  content_size INTEGER NOT NULL,
  entries INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE image (
  id TEXT PRIMARY KEY,
  created TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  size INTEGER NOT NULL,
  platform TEXT NOT NULL,
  parent TEXT NOT NULL DEFAULT '',
  labels TEXT NOT NULL DEFAULT '{}',
  added_ms INTEGER NOT NULL,
  tagged_ms INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX image_created ON image (created_ms DESC);
CREATE INDEX image_parent ON image (parent);
CREATE TABLE image_layer (
  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  diff_id TEXT NOT NULL,
  PRIMARY KEY (image, position)
) WITHOUT ROWID;
CREATE INDEX image_layer_diff_id ON image_layer (diff_id);
CREATE TABLE manifest (
  digest TEXT PRIMARY KEY,
  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  media_type TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX manifest_image ON manifest (image);
-- Blobs of a manifest's layers where they are not the tar itself.
CREATE TABLE manifest_layer (
  manifest TEXT NOT NULL REFERENCES manifest (digest) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  digest TEXT NOT NULL,
  PRIMARY KEY (manifest, position)
) WITHOUT ROWID;
CREATE INDEX manifest_layer_digest ON manifest_layer (digest);
-- An index of one image that goes out again as it came, with what it names besides the image.
CREATE TABLE image_index (
  digest TEXT PRIMARY KEY,
  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  media_type TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX image_index_image ON image_index (image);
CREATE TABLE index_document (
  image_index TEXT NOT NULL REFERENCES image_index (digest) ON DELETE CASCADE,
  digest TEXT NOT NULL,
  PRIMARY KEY (image_index, digest)
) WITHOUT ROWID;
CREATE INDEX index_document_digest ON index_document (digest);
CREATE TABLE tag (
  repository TEXT NOT NULL,
  tag TEXT NOT NULL,
  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  PRIMARY KEY (repository, tag)
) WITHOUT ROWID;
CREATE INDEX tag_image ON tag (image);
CREATE TABLE repository_digest (
  repository TEXT NOT NULL,
  digest TEXT NOT NULL,
  image TEXT NOT NULL REFERENCES image (id) ON DELETE CASCADE,
  PRIMARY KEY (repository, digest)
) WITHOUT ROWID;
CREATE INDEX repository_digest_image ON repository_digest (image);
CREATE TABLE property (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/** Containers, and what they use; documents are JSON. */
const containerSchema = `
CREATE TABLE container (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  -- Image ID. No foreign key: an image may go by force while a container keeps its layers.
  image TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  -- What was asked and settled at \`create\`, and what changes as it runs.
  definition TEXT NOT NULL,
  state TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX container_image ON container (image);
CREATE TABLE container_layer (
  container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  diff_id TEXT NOT NULL,
  PRIMARY KEY (container, position)
) WITHOUT ROWID;
CREATE INDEX container_layer_diff_id ON container_layer (diff_id);
CREATE TABLE exec (
  id TEXT PRIMARY KEY,
  container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
  document TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX exec_container ON exec (container);
CREATE TABLE volume (
  name TEXT PRIMARY KEY,
  created_ms INTEGER NOT NULL,
  is_anonymous INTEGER NOT NULL,
  document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE container_volume (
  container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
  volume TEXT NOT NULL REFERENCES volume (name),
  PRIMARY KEY (container, volume)
) WITHOUT ROWID;
CREATE INDEX container_volume_volume ON container_volume (volume);
CREATE TABLE network (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_ms INTEGER NOT NULL,
  document TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE endpoint (
  container TEXT NOT NULL REFERENCES container (id) ON DELETE CASCADE,
  network TEXT NOT NULL REFERENCES network (id),
  -- Addresses are held while the container runs; empty otherwise.
  ipv4 TEXT NOT NULL DEFAULT '',
  ipv6 TEXT NOT NULL DEFAULT '',
  document TEXT NOT NULL,
  PRIMARY KEY (container, network)
) WITHOUT ROWID;
CREATE INDEX endpoint_network ON endpoint (network);
-- What happened, for \`events\`; old rows are dropped as new ones come.
CREATE TABLE event (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ns INTEGER NOT NULL,
  document TEXT NOT NULL
);
`;

/** Each step brings a database from the version of its place to the next. */
export const migrations: readonly string[] = [schema, containerSchema];

export const schemaVersion: number = migrations.length;
