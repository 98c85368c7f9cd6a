// SPDX-License-Identifier: Apache-2.0

/** Images of archives of every maker open where they lie, or are refused with what to do instead. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { isLadeError } from "../../src/base/errors.ts";
import { placedErofsPath, readPlacedEntries } from "../../src/content/placed-layers.ts";
import { openArchiveImage } from "../../src/engine/archive-image.ts";
import { isArchivePath } from "../../src/engine/archive-path.ts";
import { digestOf } from "../../src/spec/digest.ts";
import type { MadeArchive } from "../fixtures/archive-parts.ts";
import { docker25, docker25Several } from "../fixtures/docker-oci.ts";
import { honestArchives } from "../fixtures/honest.ts";
import { hostileArchives } from "../fixtures/hostile.ts";
import { makers } from "../fixtures/makers.ts";
import { openTestStore, storeState, type TestStore, writeFixture } from "../helpers/store.ts";
import { scan } from "../tar/scan.ts";

/** Code of the error that opening the archive ends with, else the image's ID. */
async function open(store: TestStore, name: string): Promise<string> {
  try {
    const { id, config, layers } = await openArchiveImage(store.engine, name);
    assert.deepEqual(
      layers.map((layer) => layer.diffId),
      config.rootfs.diff_ids,
    );
    for (const { diffId, key, tar } of layers) {
      const bytes = readFileSync(tar.path).subarray(tar.offset, tar.offset + tar.size);
      assert.equal(digestOf(bytes), diffId);
      assert.equal([...readPlacedEntries(store.engine.store, key)].length, scan(bytes).length);
      assert.ok(statSync(placedErofsPath(store.engine.store, key)).size > 0);
    }
    return id;
  } catch (error) {
    if (!isLadeError(error)) throw error;
    return error.code;
  }
}

const subjects: readonly { name: string; make: () => Pick<MadeArchive, "archive" | "expected"> }[] =
  [
    ...makers,
    ...honestArchives.map(({ name, build, expected }) => ({
      name: `honest: ${name}`,
      make: () => ({ archive: build(), expected: expected() }),
    })),
  ];

describe("openArchiveImage", () => {
  for (const { name, make } of subjects) {
    it(name, async () => {
      await using store = await openTestStore();
      const { archive, expected } = make();
      const before = storeState(store);
      const path = writeFixture(store, "image.tar", archive);
      const ids = new Set(expected.map((image) => image.imageId));
      const found = await open(store, path);
      // Two images of one archive, and what has no tar in the archive as it is.
      const refused = ids.size === 1 ? ["UNSUPPORTED"] : ["IMAGE_AMBIGUOUS", "IMAGE_NOT_FOUND"];
      assert.ok(ids.has(found) || refused.includes(found), `${name}: ${found}`);
      assert.deepEqual(storeState(store), before);
    });
  }

  it("opens most of them as they lie", async () => {
    await using store = await openTestStore();
    let count = 0;
    for (const [index, { make }] of subjects.entries()) {
      const { archive, expected } = make();
      const found = await open(store, writeFixture(store, `image-${index}.tar`, archive));
      if (expected.some((image) => image.imageId === found)) count++;
    }
    assert.ok(count > subjects.length / 2, `${count} of ${subjects.length}`);
  });

  for (const { name, build } of hostileArchives) {
    it(`refuses: ${name}`, async () => {
      await using store = await openTestStore();
      const before = storeState(store);
      const found = await open(store, writeFixture(store, "image.tar", build()));
      assert.doesNotMatch(found, /^sha256:/);
      assert.deepEqual(storeState(store), before);
    });
  }

  it("chooses one of several by name or ID", async () => {
    await using store = await openTestStore();
    const { archive, expected } = docker25Several();
    const path = writeFixture(store, "images.tar", archive);
    assert.equal(await open(store, path), "IMAGE_AMBIGUOUS");
    for (const { imageId, repoTags } of expected) {
      for (const tag of repoTags) assert.equal(await open(store, `${path}#${tag}`), imageId);
      assert.equal(await open(store, `${path}#${imageId.slice(7, 19)}`), imageId);
    }
    assert.equal(await open(store, `${path}#no-such`), "IMAGE_NOT_FOUND");
    assert.equal(await open(store, join(store.folder, "missing.tar")), "ARCHIVE_NOT_FOUND");
  });

  it("verifies once, and again when the archive changed", async () => {
    await using store = await openTestStore();
    const { archive } = docker25();
    const path = writeFixture(store, "image.tar", archive);
    const first = await openArchiveImage(store.engine, path);
    const files = () => readdirSync(store.engine.store.paths.archives).sort();
    const known = files();
    const again = await openArchiveImage(store.engine, path);
    assert.deepEqual(again.layers, first.layers);
    assert.deepEqual(files(), known);
    // Missing or damaged files are made again.
    const key = first.layers[0]?.key ?? "";
    rmSync(placedErofsPath(store.engine.store, key));
    assert.deepEqual((await openArchiveImage(store.engine, path)).layers, first.layers);
    assert.deepEqual(files(), known);
    // The same bytes at another time, then other bytes.
    utimesSync(path, 1, 1);
    const touched = await openArchiveImage(store.engine, path);
    assert.notEqual(touched.layers[0]?.key, key);
    const { offset, size } = first.layers[0]?.tar ?? { offset: 0, size: 0 };
    const damaged = Buffer.from(archive);
    const last = offset + size - 1;
    damaged[last] = (damaged[last] as number) + 1;
    writeFileSync(path, damaged);
    assert.equal(await open(store, path), "DIGEST_MISMATCH");
  });
});

describe("isArchivePath", () => {
  it("tells paths from names of images", () => {
    for (const path of ["./a.tar", "../a", "/a/b.tar", "./"]) assert.ok(isArchivePath(path), path);
    for (const name of ["a.tar", "a/b", "example.com/a:1", "sha256:0123", ".a", "..", ""]) {
      assert.ok(!isArchivePath(name), name);
    }
  });
});
