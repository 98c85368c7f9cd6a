// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { compressedLayersOf, diffIdsOf, manifestsOf } from "../../src/content/images.ts";
import { blobPath, erofsPath, indexPath } from "../../src/content/paths.ts";
import { checkStore } from "../../src/engine/check.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { CheckFinding } from "../../src/engine/types.ts";
import { createVolume, inspectVolume } from "../../src/engine/volumes.ts";
import { type Digest, digestOf } from "../../src/spec/digest.ts";
import { containerdSingle } from "../fixtures/containerd.ts";
import { docker25, docker25Several } from "../fixtures/docker-oci.ts";
import { addBlobs, damageBlob } from "../helpers/blobs.ts";
import {
  openTestStore,
  storeState,
  type TestStore,
  verifyStore,
  writeFixture,
} from "../helpers/store.ts";

interface Loaded {
  readonly store: TestStore;
  readonly id: Digest;
  readonly layers: readonly Digest[];
  readonly manifest: Digest;
  readonly path: string;
  /** Blobs of the layers as they came, where that was compressed. */
  readonly compressed: readonly Digest[];
  [Symbol.asyncDispose](): PromiseLike<void>;
}

async function openLoaded(make: () => { archive: Buffer } = docker25): Promise<Loaded> {
  const store = await openTestStore();
  const path = writeFixture(store, "image.tar", make().archive);
  const { images } = await loadImages(store.engine, { path });
  const id = images[0]?.id as Digest;
  const { database } = store.engine.store;
  const manifest = manifestsOf(database, id)[0]?.digest as Digest;
  return {
    store,
    id,
    path,
    manifest,
    layers: diffIdsOf(database, id),
    compressed: compressedLayersOf(database, manifest),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** Kinds and subjects of what a check finds, with a plus before what it repaired. */
async function check(store: TestStore, repair = false): Promise<string[]> {
  const { findings } = await checkStore(store.engine, { repair });
  return findings
    .map(
      ({ kind, subject, repaired }: CheckFinding) => `${repaired ? "+" : "-"} ${kind} ${subject}`,
    )
    .sort();
}

type Damage = (loaded: Loaded) => void;

/** Damage that a repair makes whole again. */
const repairable: Readonly<Record<string, readonly [damage: Damage, kind: string]>> = {
  "the index of a layer is missing": [
    ({ store, layers }) => fs.rmSync(indexPath(store.engine.store.paths, layers[1] as Digest)),
    "index-missing",
  ],
  "the index of a layer is cut": [
    ({ store, layers }) =>
      fs.truncateSync(indexPath(store.engine.store.paths, layers[1] as Digest), 40),
    "index-damaged",
  ],
  "the index of a layer is another's": [
    ({ store, layers }) => {
      const [first = layers[0], second] = layers as readonly [Digest, Digest];
      const { paths } = store.engine.store;
      fs.copyFileSync(indexPath(paths, first as Digest), indexPath(paths, second));
    },
    "index-damaged",
  ],
  "the metadata image of a layer is missing": [
    ({ store, layers }) => fs.rmSync(erofsPath(store.engine.store.paths, layers[1] as Digest)),
    "erofs-missing",
  ],
  "the metadata image of a layer is cut": [
    ({ store, layers }) => {
      const path = erofsPath(store.engine.store.paths, layers[1] as Digest);
      fs.chmodSync(path, 0o600);
      fs.truncateSync(path, 2000);
    },
    "erofs-damaged",
  ],
  "the row of a layer is missing": [
    ({ store, layers }) =>
      store.engine.store.database.run("DELETE FROM layer WHERE diff_id = ?", layers[1] as Digest),
    "layer-unrecorded",
  ],
};

const lost: readonly ("missing" | Parameters<typeof damageBlob>[2])[] = [
  ...(["missing", "flip", "cut", "add", "empty"] as const),
];

const kindOf = {
  missing: "blob-missing",
  flip: "blob-digest",
  cut: "blob-size",
  add: "blob-size",
  empty: "blob-size",
};

function lose({ store }: Loaded, digest: Digest, how: (typeof lost)[number]): void {
  if (how === "missing") fs.rmSync(blobPath(store.engine.store.paths, digest));
  else damageBlob(store.engine.store, digest, how);
}

/** The same blobs, and nothing that says what they are. */
function openWithoutDatabase(store: TestStore): Promise<Engine> {
  const root = join(store.folder, "without-database");
  fs.cpSync(join(store.root, "blobs"), join(root, "blobs"), { recursive: true });
  return openEngine({ root });
}

describe("checkStore", () => {
  it("finds nothing in a sound store, and tells what it read", async () => {
    await using loaded = await openLoaded(docker25Several);
    const { store } = loaded;
    const { paths } = store.engine.store;
    const sizes = fs
      .readdirSync(paths.blobs)
      .map((name) => fs.statSync(join(paths.blobs, name)).size);
    const seen: number[] = [];
    const report = await checkStore(store.engine, {
      onProgress: (event) => seen.push(event.current),
    });
    const size = sizes.reduce((sum, one) => sum + one, 0);
    assert.deepEqual(report, { blobs: sizes.length, size, images: 2, findings: [] });
    assert.equal(seen.at(-1), size);
    const before = storeState(store);
    assert.deepEqual(await check(store, true), []);
    assert.deepEqual(storeState(store), before);
  });

  for (const [name, [damage, kind]] of Object.entries(repairable)) {
    it(`repairs it when ${name}`, async () => {
      await using loaded = await openLoaded();
      const { store, layers } = loaded;
      const before = storeState(store);
      damage(loaded);
      assert.deepEqual(await check(store), [`- ${kind} ${layers[1]}`]);
      assert.deepEqual(await check(store), [`- ${kind} ${layers[1]}`]);
      assert.deepEqual(await check(store, true), [`+ ${kind} ${layers[1]}`]);
      assert.deepEqual(storeState(store), before);
      await verifyStore(store);
    });
  }

  for (const how of lost) {
    it(`finds a blob that is lost (${how}), which a load brings back`, async () => {
      await using loaded = await openLoaded();
      const { store, id, layers, manifest, path } = loaded;
      for (const digest of [layers[0] as Digest, id, manifest]) {
        lose(loaded, digest, how);
        const found = [`- ${kindOf[how]} ${digest}`];
        assert.deepEqual(await check(store), found);
        assert.deepEqual(await check(store, true), found);
        // The image is still listed: a repair never takes away what a load could make whole.
        assert.equal((await listImages(store.engine)).length, 1);
        const saved = saveImages(store.engine, { names: [id], path: join(store.folder, "x.tar") });
        await assert.rejects(saved, {
          code: how === "missing" ? "BLOB_NOT_FOUND" : "DIGEST_MISMATCH",
        });
        assert.ok(!fs.existsSync(join(store.folder, "x.tar")));
        await loadImages(store.engine, { path });
        await verifyStore(store);
      }
    });

    it(`makes a tar again that is lost (${how}) from its compressed form`, async () => {
      await using loaded = await openLoaded(containerdSingle);
      const { store, layers } = loaded;
      const before = storeState(store);
      const digest = layers[1] as Digest;
      lose(loaded, digest, how);
      assert.deepEqual(await check(store), [`- ${kindOf[how]} ${digest}`]);
      assert.deepEqual(await check(store, true), [`+ ${kindOf[how]} ${digest}`]);
      assert.deepEqual(storeState(store), before);
      await verifyStore(store);
    });
  }

  it("can't make a tar from a compressed form that is lost, too", async () => {
    await using loaded = await openLoaded(containerdSingle);
    const { store, layers, compressed, path } = loaded;
    const [tar, packed] = [layers[1], compressed[1]] as [Digest, Digest];
    assert.notEqual(tar, packed);
    lose(loaded, tar, "flip");
    lose(loaded, packed, "flip");
    const found = [`- blob-digest ${packed}`, `- blob-digest ${tar}`].sort();
    assert.deepEqual(await check(store, true), found);
    await loadImages(store.engine, { path });
    await verifyStore(store);
  });

  it("finds files that are no blobs, and leaves them", async () => {
    await using loaded = await openLoaded();
    const { store } = loaded;
    const { paths } = store.engine.store;
    const names = ["README", "a".repeat(64), `${"b".repeat(64)}.tmp`, ".hidden"];
    for (const name of names) fs.writeFileSync(join(paths.blobs, name), "text");
    const found = names.map((name) => `- file-unknown ${join(paths.blobs, name)}`).sort();
    assert.deepEqual(await check(store), found);
    assert.deepEqual(await check(store, true), found);
    for (const name of names) assert.ok(fs.existsSync(join(paths.blobs, name)));
  });

  it("removes whole blobs that are of no use to any image", async () => {
    await using loaded = await openLoaded();
    const { store } = loaded;
    const before = storeState(store);
    const bytes = Buffer.from("of no use");
    fs.writeFileSync(blobPath(store.engine.store.paths, digestOf(bytes)), bytes);
    assert.deepEqual(await check(store), [`- blob-unrecorded ${digestOf(bytes)}`]);
    assert.deepEqual(await check(store, true), [`+ blob-unrecorded ${digestOf(bytes)}`]);
    assert.deepEqual(storeState(store), before);
    // Recorded, but named by nothing: `prune` removes such, too.
    await addBlobs(store.engine.store, { layer: Buffer.alloc(1024), document: bytes });
    assert.deepEqual(await check(store, true), []);
    assert.deepEqual(storeState(store), before);
  });

  it("sweeps what a removal left that a power cut ended: a row of no use, without its file", async () => {
    await using store = await openTestStore();
    const { database, paths } = store.engine.store;
    const digest = digestOf("a config that was");
    database.run("INSERT INTO blob (digest, size) VALUES (?, 17)", digest);
    assert.equal(fs.existsSync(blobPath(paths, digest)), false);
    assert.deepEqual((await checkStore(store.engine, {})).findings, []);
    assert.deepEqual((await checkStore(store.engine, { repair: true })).findings, []);
    assert.deepEqual(database.all("SELECT * FROM blob"), []);
  });

  it("finds rows that name what is not there", async () => {
    await using loaded = await openLoaded();
    const { store, id, layers, manifest } = loaded;
    const { database } = store.engine.store;
    const forget = (digest: Digest) => database.run("DELETE FROM blob WHERE digest = ?", digest);
    const unrecorded = (digest: Digest) => `- blob-unrecorded ${digest}`;
    forget(id);
    forget(manifest);
    forget(layers[2] as Digest);
    assert.deepEqual(
      await check(store),
      [
        ...[id, manifest, layers[2] as Digest].map(unrecorded),
        `- config-missing ${id}`,
        `- layer-missing ${id}`,
        `- manifest-missing ${manifest}`,
        `- compressed-missing ${manifest}`,
      ].sort(),
    );
    // The files are whole: their rows come back, and then nothing is missing.
    const found = await check(store, true);
    assert.deepEqual(
      found,
      found.filter((line) => line.startsWith("+")),
    );
    await verifyStore(store);
  });

  it("brings images back, without their names, when the database is lost", async () => {
    for (const make of [docker25Several, containerdSingle]) {
      await using loaded = await openLoaded(make);
      const { store } = loaded;
      const images = await listImages(store.engine);
      await using engine = await openWithoutDatabase(store);
      const { findings } = await checkStore(engine, { repair: true });
      assert.ok(findings.length > 0);
      for (const { kind, repaired } of findings) assert.ok(repaired, kind);
      const nameless = images.map((image) => ({ ...image, repoTags: [], repoDigests: [] }));
      assert.deepEqual(await listImages(engine), nameless);
      assert.deepEqual((await checkStore(engine, {})).findings, []);
      const names = images.map((image) => image.id);
      await saveImages(engine, { names, path: join(store.folder, "saved.tar") });
    }
  });

  it("brings images back when the database was moved away, as a damaged one has to be", async () => {
    await using loaded = await openLoaded();
    const { store, id } = loaded;
    const root = join(store.folder, "copied");
    fs.cpSync(store.root, root, { recursive: true });
    fs.rmSync(join(root, "lade.db-wal"));
    fs.writeFileSync(join(root, "lade.db"), Buffer.alloc(4096, "damage"));
    await assert.rejects(async () => openEngine({ root }), {
      code: "STORE_DAMAGED",
      hint: `Move ${join(root, "lade.db")} away and run \`lade system check --repair\`: the images come back, without their names.`,
    });
    fs.renameSync(join(root, "lade.db"), join(root, "lade.db.damaged"));
    // A log that belonged to it may be left, too.
    fs.copyFileSync(join(store.root, "lade.db-wal"), join(root, "lade.db-wal"));
    await using engine = await openEngine({ root });
    await checkStore(engine, { repair: true });
    assert.deepEqual(
      (await listImages(engine)).map((image) => image.id),
      [id],
    );
    assert.deepEqual((await checkStore(engine, {})).findings, []);
  });

  it("is told of JSON in the database that is none any more: a bit may have flipped there", async () => {
    await using loaded = await openLoaded();
    const { engine } = loaded.store;
    const { database } = engine.store;
    const wanted = { code: "STORE_DAMAGED", hint: /system check --repair/ };
    await createVolume(engine, { name: "data" });
    database.run("UPDATE volume SET document = '{},'");
    await assert.rejects(inspectVolume(engine, "data"), wanted);
    // A bit of the schema itself.
    database.run("ALTER TABLE volume RENAME COLUMN document TO documend");
    await assert.rejects(inspectVolume(engine, "data"), wanted);
  });

  it("brings no image back of which a layer is damaged or gone", async () => {
    for (const how of ["missing", "flip", "cut"] as const) {
      await using loaded = await openLoaded();
      const { store, layers } = loaded;
      lose(loaded, layers[0] as Digest, how);
      await using engine = await openWithoutDatabase(store);
      const { findings, images } = await checkStore(engine, { repair: true });
      assert.equal(images, 0);
      const unknown = findings.filter(({ kind }) => kind === "file-unknown");
      assert.equal(unknown.length, how === "missing" ? 0 : 1);
      assert.deepEqual(await listImages(engine, { all: true }), []);
    }
  });

  it("stops when it is told to", async () => {
    await using loaded = await openLoaded();
    const signal = AbortSignal.abort(new Error("enough"));
    await assert.rejects(checkStore(loaded.store.engine, { signal }), /^Error: enough$/);
  });
});
