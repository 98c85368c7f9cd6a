// SPDX-License-Identifier: Apache-2.0

/** The digests by which people know an image go out as they came. */

import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readImages } from "../../src/archive/read-images.ts";
import { scanFile } from "../../src/archive/scan-file.ts";
import { sniffCompression } from "../../src/content/compression.ts";
import { listImages } from "../../src/engine/list.ts";
import { loadImages } from "../../src/engine/load.ts";
import { pruneImages } from "../../src/engine/prune.ts";
import { removeImage } from "../../src/engine/remove.ts";
import { saveImages } from "../../src/engine/save.ts";
import { makers } from "../fixtures/makers.ts";
import { openTestStore, type TestStore, verifyStore, writeFixture } from "../helpers/store.ts";

const withIndex = makers.filter(({ make }) =>
  make().expected.some((image) => image.indexDigest !== undefined),
);

/** Digests of the manifests and indexes by which an archive knows its images. */
async function digestsIn(path: string): Promise<{ manifests: string[]; indexes: string[] }> {
  const fd = openSync(path, "r");
  try {
    const table = await scanFile(fd, { offset: 0, size: fstatSync(fd).size }, path);
    const { images } = readImages(table, { platforms: undefined });
    const found = images.flatMap((image) => (image.kind === "image" ? [image] : []));
    return {
      manifests: found.flatMap((image) => image.manifests.map((one) => one.digest)),
      indexes: found.flatMap((image) => (image.index === undefined ? [] : [image.index.digest])),
    };
  } finally {
    closeSync(fd);
  }
}

async function saveAll(store: TestStore, name: string): Promise<string> {
  const path = join(store.folder, name);
  const images = await listImages(store.engine, { all: true });
  const names = images.map((image) => image.id).toSorted();
  await saveImages(store.engine, { names, path, withTags: true });
  return path;
}

test("fixtures have indexes", () => assert.ok(withIndex.length >= 3));

for (const { name, make } of makers) {
  test(`saved again: ${name}`, async () => {
    await using first = await openTestStore();
    await using second = await openTestStore();
    const input = writeFixture(first, "in.tar", make().archive);
    await loadImages(first.engine, { path: input });
    const saved = await saveAll(first, "out.tar");
    await loadImages(second.engine, { path: saved });
    const again = await saveAll(second, "again.tar");
    assert.ok(readFileSync(saved).equals(readFileSync(again)), "the second save has other bytes");
    // The scan reads plain tars; what is packed has the same digests as its plain form.
    if (sniffCompression(readFileSync(input)) !== "none") return;
    const before = await digestsIn(input);
    const after = await digestsIn(saved);
    for (const digest of before.manifests) assert.ok(after.manifests.includes(digest), digest);
    for (const digest of before.indexes) assert.ok(after.indexes.includes(digest), digest);
    await verifyStore(second);
  });
}

for (const { name, make } of withIndex) {
  test(`found by its index: ${name}`, async () => {
    await using store = await openTestStore();
    const { archive, expected } = make();
    await loadImages(store.engine, { path: writeFixture(store, "in.tar", archive) });
    const images = await listImages(store.engine, {});
    for (const image of expected) {
      if (image.indexDigest === undefined || image.repoTags.length === 0) continue;
      const listed = images.find((one) => one.id === image.imageId);
      const digests = listed?.repoDigests.map((text) => text.slice(text.indexOf("@") + 1)) ?? [];
      assert.ok(digests.includes(image.indexDigest), image.indexDigest);
    }
  });

  test(`nothing is left of it: ${name}`, async () => {
    await using store = await openTestStore();
    await loadImages(store.engine, { path: writeFixture(store, "in.tar", make().archive) });
    await pruneImages(store.engine, { compressed: true });
    await verifyStore(store);
    await saveAll(store, "uncompressed.tar");
    for (const image of await listImages(store.engine, { all: true })) {
      await removeImage(store.engine, { name: image.id, force: true });
    }
    assert.deepEqual(store.engine.store.database.all("SELECT digest FROM blob"), []);
    await verifyStore(store);
  });
}
