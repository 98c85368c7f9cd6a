// SPDX-License-Identifier: Apache-2.0

/** What came in goes out again, and comes in again: the same images, the same bytes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { diffIdsOf, findImage, manifestsOf, tagsOfImage } from "../../src/content/images.ts";
import { type LoadResult, loadImages } from "../../src/engine/load.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { digestOf } from "../../src/spec/digest.ts";
import { honestArchives } from "../fixtures/honest.ts";
import { makers } from "../fixtures/makers.ts";
import { gnuTarList, lines } from "../fixtures/outside-tools.ts";
import { sampleImage } from "../fixtures/sample-image.ts";
import { plainArchive } from "../fixtures/variants.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";

/** Names by which a save takes all that a load brought: tags where there are some, else IDs. */
function namesOf({ images }: LoadResult): string[] {
  return images.map(({ id, reference }) => reference ?? id);
}

async function save(store: TestStore, names: readonly string[], file: string): Promise<string> {
  const path = join(store.folder, file);
  await saveImages(store.engine, { names, path });
  return path;
}

/** All that a store tells of its images, without when they came. */
function imagesIn(store: TestStore): unknown {
  const { database } = store.engine.store;
  return database.all<{ id: Digest }>("SELECT id FROM image ORDER BY id").map(({ id }) => {
    const { addedMs: _, taggedMs: __, ...row } = findImage(database, id) ?? {};
    return { ...row, diffIds: diffIdsOf(database, id), tags: tagsOfImage(database, id) };
  });
}

function manifestsIn(store: TestStore): string[] {
  const { database } = store.engine.store;
  const rows = database.all<{ id: Digest }>("SELECT id FROM image ORDER BY id");
  return rows.flatMap(({ id }) => manifestsOf(database, id).map(({ digest }) => digest));
}

const subjects: readonly { name: string; make: () => Buffer }[] = [
  ...makers.map(({ name, make }) => ({ name, make: () => make().archive })),
  // What lies inside a layer goes out as it came; the archives around them are what differs.
  ...honestArchives
    .filter(({ name }) => !/^(?:in a layer|a layer that is)/.test(name))
    .map(({ name, build }) => ({ name: `honest: ${name}`, make: build })),
];

describe("load, save, load, save", () => {
  for (const { name, make } of subjects) {
    it(name, async () => {
      await using first = await openTestStore();
      const loaded = await loadImages(first.engine, {
        path: writeFixture(first, "made.tar", make()),
      });
      // There is nothing to save in an archive without images.
      if (loaded.images.length === 0) return;
      const names = namesOf(loaded);
      const saved = await save(first, names, "saved.tar");
      const again = await save(first, names, "again.tar");
      assert.equal(digestOf(readFileSync(again)), digestOf(readFileSync(saved)));

      await using second = await openTestStore();
      const reloaded = await loadImages(second.engine, { path: saved });
      assert.deepEqual(reloaded.warnings, []);
      assert.deepEqual(namesOf(reloaded).sort(), names.toSorted());
      assert.deepEqual(imagesIn(second), imagesIn(first));
      for (const digest of manifestsIn(first)) assert.ok(manifestsIn(second).includes(digest));
      await verifyStore(second);

      const last = await save(second, names, "last.tar");
      assert.equal(digestOf(readFileSync(last)), digestOf(readFileSync(saved)));
      assert.equal(gnuTarList(saved).status, 0);
    });
  }
});

describe("save", () => {
  /** Images of one base, with other flavours and platforms. */
  const flavours = ["plain", "sweet", "salty"].map((flavour) => sampleImage({ flavour }));
  const foreign = sampleImage({
    flavour: "foreign",
    platform: { os: "linux", architecture: "s390x" },
  });
  const images = [...flavours, foreign];

  async function openWithImages(): Promise<TestStore> {
    const store = await openTestStore();
    const { archive } = plainArchive(images, { tags: null });
    await loadImages(store.engine, { path: writeFixture(store, "images.tar", archive) });
    return store;
  }

  it("keeps every image that is given by ID, whatever its platform", async () => {
    for (const ids of [
      flavours.map(({ imageId }) => imageId),
      [foreign.imageId, flavours[0]?.imageId ?? ""],
      images.map(({ imageId }) => imageId),
    ]) {
      await using store = await openWithImages();
      const path = await save(store, ids, "saved.tar");
      await using other = await openTestStore();
      const { images: loaded } = await loadImages(other.engine, { path });
      assert.deepEqual(loaded.map(({ id }) => id).sort(), ids.toSorted());
      assert.ok(loaded.every(({ reference }) => reference === undefined));
      await verifyStore(other);
    }
  });

  it("stores what several images share once", async () => {
    await using store = await openWithImages();
    const ids = flavours.map(({ imageId }) => imageId);
    const path = await save(store, ids, "saved.tar");
    const names = lines(gnuTarList(path).stdout);
    assert.deepEqual([...new Set(names)], names);
    // Two layers that all share, three of their own, three configs and three manifests.
    assert.equal(names.filter((name) => /^blobs\/sha256\/./.test(name)).length, 11);
  });

  it("gives the same bytes for the same images, whatever else the store has", async () => {
    await using full = await openWithImages();
    await using bare = await openTestStore();
    const only = plainArchive(flavours.slice(0, 1), { tags: null }).archive;
    await loadImages(bare.engine, { path: writeFixture(bare, "only.tar", only) });
    const names = [flavours[0]?.imageId ?? ""];
    const paths = [await save(full, names, "a.tar"), await save(bare, names, "b.tar")];
    const [a, b] = paths.map((path) => digestOf(readFileSync(path)));
    assert.equal(a, b);
  });
});
