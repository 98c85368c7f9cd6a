// SPDX-License-Identifier: Apache-2.0

/** A slice of goal G12, and every kind of damage that `system check` tells apart. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { layersOfContainer } from "../../src/content/containers.ts";
import {
  blobPath,
  containerFolder,
  erofsPath,
  indexPath,
  volumeDataFolder,
} from "../../src/content/paths.ts";
import { checkStore } from "../../src/engine/check.ts";
import { loadImages } from "../../src/engine/load.ts";
import { createVolume } from "../../src/engine/volumes.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { type Box, body, create, openBox } from "../engine/containers/box.ts";
import { containerdNested } from "../fixtures/containerd.ts";
import { damageBlob } from "../helpers/blobs.ts";
import { rot, rotDatabase, rotten } from "./bit-rot.ts";

const flips = 10;

describe("a bit that flips", () => {
  const seed = Date.now() % 1_000_000;
  for (const what of rotten) {
    it(`in a ${what} gives the right bytes or an error, and heals`, async () => {
      const how = { flips, seed };
      const { failures } = what === "database" ? await rotDatabase(how) : await rot(what, how);
      assert.deepEqual(failures, [], `seed ${seed}`);
    });
  }
});

interface Damaged {
  readonly box: Box;
  readonly container: string;
  readonly layer: Digest;
  /** The config of an image. */
  readonly config: Digest;
}

type Damage = (place: Damaged) => void;

/** The first of a column of the database. */
function firstOf({ box }: Damaged, column: string, table: string): Digest {
  const sql = `SELECT ${column} AS digest FROM ${table} ORDER BY 1 LIMIT 1`;
  const row = box.engine.store.database.get<{ digest: Digest }>(sql);
  assert.ok(row !== undefined, sql);
  return row.digest;
}

/** Rows that name a blob stay, and its own goes. */
function forget(place: Damaged, digest: Digest): void {
  const { database } = place.box.engine.store;
  database.run("PRAGMA foreign_keys = OFF");
  database.run("DELETE FROM blob WHERE digest = ?", digest);
  database.run("PRAGMA foreign_keys = ON");
}

const pathsOf = ({ box }: Damaged) => box.engine.store.paths;
const damage =
  (how: Parameters<typeof damageBlob>[2], of: (place: Damaged) => Digest): Damage =>
  (place) =>
    damageBlob(place.box.engine.store, of(place), how);
const layerOf = ({ layer }: Damaged) => layer;
const configOf = ({ config }: Damaged) => config;
const manifestOf = (place: Damaged) => firstOf(place, "digest", "manifest");
const compressedOf = (place: Damaged) => {
  const sql = "SELECT digest FROM manifest_layer WHERE digest NOT IN (SELECT diff_id FROM layer)";
  const row = place.box.engine.store.database.get<{ digest: Digest }>(sql);
  assert.ok(row !== undefined);
  return row.digest;
};

/** Of an image that came with an index of several platforms. */
function addIndex({ box, config }: Damaged): void {
  const { database } = box.engine.store;
  const values = [digestOf("an index"), config, "application/vnd.oci.image.index.v1+json"];
  database.run("PRAGMA foreign_keys = OFF");
  database.run("INSERT INTO image_index (digest, image, media_type) VALUES (?, ?, ?)", ...values);
  database.run("PRAGMA foreign_keys = ON");
}

const kinds: readonly (readonly [what: string, kind: string, damage: Damage])[] = [
  ["a layer of which a bit is flipped", "blob-digest", damage("flip", layerOf)],
  ["a config of which a bit is flipped", "blob-digest", damage("flip", configOf)],
  ["a manifest of which a bit is flipped", "blob-digest", damage("flip", manifestOf)],
  ["a compressed layer of which a bit is flipped", "blob-digest", damage("flip", compressedOf)],
  ["a layer that is cut", "blob-size", damage("cut", layerOf)],
  ["a layer with a byte too many", "blob-size", damage("add", layerOf)],
  ["a layer that is empty", "blob-size", damage("empty", layerOf)],
  ["a layer that is gone", "blob-missing", (p) => fs.rmSync(blobPath(pathsOf(p), p.layer))],
  ["a config that is gone", "blob-missing", (p) => fs.rmSync(blobPath(pathsOf(p), p.config))],
  ["an image without its config", "config-missing", (p) => forget(p, p.config)],
  ["an image without a layer", "layer-missing", (p) => forget(p, p.layer)],
  ["a manifest without its document", "manifest-missing", (p) => forget(p, manifestOf(p))],
  ["an index without its document", "index-document-missing", addIndex],
  ["a manifest without a layer", "compressed-missing", (p) => forget(p, compressedOf(p))],
  ["a container without a layer", "container-layer-missing", (p) => forget(p, p.layer)],
  [
    "a whole blob that nobody knows",
    "blob-unrecorded",
    (p) => fs.writeFileSync(blobPath(pathsOf(p), digestOf("stray")), "stray"),
  ],
  [
    "a file that is no blob",
    "file-unknown",
    (p) => fs.writeFileSync(join(pathsOf(p).blobs, "0".repeat(64)), "no blob"),
  ],
  [
    "a layer without a row",
    "layer-unrecorded",
    (p) => p.box.engine.store.database.run("DELETE FROM layer WHERE diff_id = ?", p.layer),
  ],
  ["an index that is gone", "index-missing", (p) => fs.rmSync(indexPath(pathsOf(p), p.layer))],
  [
    "an index of which a bit is flipped",
    "index-damaged",
    (p) => flip(indexPath(pathsOf(p), p.layer)),
  ],
  [
    "a metadata image that is gone",
    "erofs-missing",
    (p) => fs.rmSync(erofsPath(pathsOf(p), p.layer)),
  ],
  [
    "a metadata image of which a bit is flipped",
    "erofs-damaged",
    (p) => flip(erofsPath(pathsOf(p), p.layer)),
  ],
  [
    "a container without a folder",
    "container-folder-missing",
    (p) => fs.rmSync(containerFolder(pathsOf(p), p.container), { recursive: true }),
  ],
  [
    "a folder without a container",
    "container-folder-unknown",
    (p) =>
      fs.mkdirSync(join(containerFolder(pathsOf(p), "1".repeat(64)), "upper"), { recursive: true }),
  ],
  [
    "a volume without a folder",
    "volume-folder-missing",
    (p) => fs.rmSync(join(pathsOf(p).volumes, "kept"), { recursive: true }),
  ],
  [
    "a folder without a volume",
    "volume-unrecorded",
    (p) => {
      fs.writeFileSync(join(volumeDataFolder(pathsOf(p), "kept"), "file"), "text");
      p.box.engine.store.database.run("DELETE FROM volume WHERE name = 'kept'");
    },
  ],
];

function flip(path: string): void {
  const bytes = fs.readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = ((bytes[middle] as number) + 1) % 256;
  fs.chmodSync(path, 0o600);
  fs.writeFileSync(path, bytes);
}

async function openDamaged(): Promise<Damaged & AsyncDisposable> {
  const box = await openBox();
  const path = join(box.folder, "image.tar");
  fs.writeFileSync(path, containerdNested().archive);
  await loadImages(box.engine, { path });
  const container = await create(box, { body: body("true") });
  await createVolume(box.engine, { name: "kept" });
  const { database } = box.engine.store;
  const layer = layersOfContainer(database, container)[0] as Digest;
  const config = database.get<{ id: Digest }>("SELECT id FROM image")?.id as Digest;
  return { box, container, layer, config, [Symbol.asyncDispose]: () => box[Symbol.asyncDispose]() };
}

describe("system check", () => {
  for (const [what, kind, make] of kinds) {
    it(`finds ${what}`, async () => {
      await using place = await openDamaged();
      const { engine } = place.box;
      assert.deepEqual((await checkStore(engine, {})).findings, []);
      make(place);
      const { findings } = await checkStore(engine, {});
      assert.ok(
        findings.some((finding) => finding.kind === kind),
        JSON.stringify(findings),
      );
    });
  }

  it("is tried with every kind that it knows", () => {
    const sources = ["check.ts", "check-indexes.ts", "check-containers.ts"].map((name) =>
      fs.readFileSync(join(import.meta.dirname, "../../src/engine", name), "utf8"),
    );
    const known = sources.flatMap((text) => [...text.matchAll(/kind(?:: | = .*\? )"([a-z-]+)"/g)]);
    const tried = new Set(kinds.map(([, kind]) => kind));
    assert.deepEqual(
      known.map(([, kind = ""]) => kind).filter((kind) => !tried.has(kind)),
      [],
    );
    assert.ok(known.length > 15 && kinds.length >= 21);
  });
});
