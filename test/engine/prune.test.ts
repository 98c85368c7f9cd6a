// SPDX-License-Identifier: Apache-2.0

/** The rules of Docker's classic store. Source: `ImagePrune` of moby 28 (daemon/images). */

import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { compressedLayersOf, manifestsOf } from "../../src/content/images.ts";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { saveImages } from "../../src/engine/save.ts";
import type { Filter, PruneImagesOptions } from "../../src/engine/types.ts";
import type { Digest } from "../../src/spec/digest.ts";
import { containerdSingle, containerdZstd } from "../fixtures/containerd.ts";
import { docker25 } from "../fixtures/docker-oci.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";
import { digestLike, storeImages } from "./stored-images.ts";

/** The first digits of the IDs that are left. */
async function left(store: TestStore, options: PruneImagesOptions = {}): Promise<string[]> {
  await pruneImages(store.engine, options);
  const images = await listImages(store.engine, { all: true });
  return images.map(({ id }) => id.slice(7).replace(/0+$/, "")).sort();
}

const filter = (text: string): Filter => {
  const [key = "", ...value] = text.split("=");
  return { key, value: value.join("=") };
};

const blobSizes = (store: TestStore) => {
  const folder = store.engine.store.paths.blobs;
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
};

describe("pruneImages", () => {
  const open = async () => {
    const store = await openTestStore();
    storeImages(store, [
      { hex: "1", names: ["demo:1"] },
      { hex: "2", names: ["demo:2", `demo@${digestLike("d2")}`] },
      // What a tag leaves behind when it moves on.
      { hex: "3", names: [`demo@${digestLike("d3")}`] },
      { hex: "4" },
    ]);
    return store;
  };

  it("removes images without a tag", async () => {
    await using store = await open();
    const { removed, spaceReclaimed } = await pruneImages(store.engine, {});
    assert.equal(spaceReclaimed, 0);
    assert.deepEqual(
      removed
        .map((item) => (item.type === "deleted" ? item.id : item.reference))
        .filter((text) => /^demo|[34]0{63}$/.test(text))
        .sort(),
      [`demo@${digestLike("d3")}`, digestLike("3"), digestLike("4")],
    );
    assert.deepEqual(await left(store), ["1", "2"]);
  });

  it("removes all images with --all, or with dangling=false", async () => {
    await using store = await open();
    assert.deepEqual(await left(store, { all: true }), []);
    for (const value of ["false", "0"]) {
      await using other = await open();
      assert.deepEqual(await left(other, { filters: [filter(`dangling=${value}`)] }), []);
    }
    await using third = await open();
    assert.deepEqual(await left(third, { filters: [filter("dangling=true")] }), ["1", "2"]);
  });

  it("removes parents after their children, and keeps those of images that stay", async () => {
    const parts = [
      { hex: "a1" },
      { hex: "a2", parent: digestLike("a1") },
      { hex: "a3", parent: digestLike("a2"), names: ["demo:1"] },
      { hex: "b1" },
      { hex: "b2", parent: digestLike("b1") },
    ];
    await using store = await openTestStore();
    storeImages(store, parts);
    assert.deepEqual(await left(store), ["a1", "a2", "a3"]);
    assert.deepEqual(await left(store, { all: true }), []);
  });

  it("filters by label and by time", async () => {
    const labelled = [
      { hex: "1", labels: { a: "1" }, created: "2024-01-01T00:00:00Z" },
      { hex: "2", labels: { a: "2", b: "" }, created: "2024-06-01T00:00:00Z" },
      { hex: "3", created: "2999-01-01T00:00:00Z" },
      { hex: "4", created: "" },
    ];
    const cases: readonly (readonly [filters: readonly string[], want: readonly string[]])[] = [
      [["label=a"], ["3", "4"]],
      [["label=a=1"], ["2", "3", "4"]],
      [
        ["label=a", "label=b"],
        ["1", "3", "4"],
      ],
      [["label!=a"], ["1", "2"]],
      [["label!=a=1"], ["1"]],
      [
        ["label!=a=1", "label!=b"],
        ["1", "2"],
      ],
      [["label=none"], ["1", "2", "3", "4"]],
      // An image that does not tell when it was made is never too old.
      [["until=24h"], ["3", "4"]],
      [["until=2024-01-01T00:00:00Z"], ["2", "3", "4"]],
      [
        ["until=2024-03-01", "label=a"],
        ["2", "3", "4"],
      ],
      [["until=1704067199"], ["1", "2", "3", "4"]],
    ];
    for (const [filters, want] of cases) {
      await using store = await openTestStore();
      storeImages(store, labelled);
      assert.deepEqual(await left(store, { filters: filters.map(filter) }), want, filters.join());
    }
  });

  it("refuses filters that it does not know", async () => {
    await using store = await open();
    const cases: readonly (readonly [filters: readonly string[], message: RegExp])[] = [
      [["before=demo:1"], /^invalid filter 'before'$/],
      [["dangling=maybe"], /^invalid filter 'dangling=\[maybe\]'$/],
      [["until=yesterday"], /"yesterday"/],
      [["until=1h", "until=2h"], /^more than one until filter specified$/],
    ];
    for (const [filters, message] of cases) {
      const work = async () => pruneImages(store.engine, { filters: filters.map(filter) });
      await assert.rejects(work, { code: "FILTER_INVALID", message });
    }
    assert.deepEqual(await left(store, { filters: [filter("label=none")] }), ["1", "2", "3", "4"]);
  });
});

describe("pruneImages and files", () => {
  it("tells the bytes that it freed", async () => {
    await using store = await openTestStore();
    await loadImages(store.engine, {
      path: writeFixture(store, "image.tar", docker25().archive),
    });
    const size = blobSizes(store);
    const { spaceReclaimed } = await pruneImages(store.engine, { all: true });
    assert.equal(spaceReclaimed, size);
    assert.equal(blobSizes(store), 0);
    await verifyStore(store);
  });

  for (const [name, make] of [
    ["gzip", containerdSingle],
    ["zstd", containerdZstd],
  ] as const) {
    it(`--compressed removes only the ${name} form of layers`, async () => {
      await using store = await openTestStore();
      const path = writeFixture(store, "image.tar", make().archive);
      const { images } = await loadImages(store.engine, { path });
      const { database } = store.engine.store;
      const id = images[0]?.id as Digest;
      const [manifest] = manifestsOf(database, id);
      assert.ok(manifest !== undefined);
      const compressed = new Set(compressedLayersOf(database, manifest.digest));
      const before = blobSizes(store);

      const { removed, spaceReclaimed } = await pruneImages(store.engine, { compressed: true });
      assert.deepEqual(
        new Set(removed.map((item) => (item.type === "deleted" ? item.id : ""))),
        compressed,
      );
      assert.equal(spaceReclaimed, before - blobSizes(store));
      assert.deepEqual(manifestsOf(database, id), [manifest]);
      await verifyStore(store);

      // The image goes out all the same, and its compressed form comes back with a load.
      const names = [images[0]?.reference ?? id];
      await saveImages(store.engine, { names, path: join(store.folder, "saved.tar") });
      await using other = await openTestStore();
      const again = await loadImages(other.engine, { path: join(store.folder, "saved.tar") });
      assert.equal(again.images[0]?.id, id);
      await loadImages(store.engine, { path });
      assert.equal(blobSizes(store), before);
      assert.deepEqual(new Set(compressedLayersOf(database, manifest.digest)), compressed);
      await verifyStore(store);
      assert.deepEqual((await pruneImages(store.engine, {})).removed, []);
    });
  }
});
